"""All commands, and what becomes of errors and signals that nobody else handles."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import typer

from agent_serving.cli import (
    agents,
    chat,
    compare,
    configuration,
    cost,
    demo,
    demo_model,
    engine,
    keys,
    serve,
    soak,
    trace,
    up,
    version,
)
from agent_serving.domain.errors import AgentServingError
from agent_serving.local.errors import LocalEngineError

INTRODUCTION = """Durable, token-exact, tool-using agent sessions on SGLang.

Begin with `agent-serving demo`, which installs what it needs and shows a session from end to end.
`agent-serving up` then runs the same for you, and `agent-serving chat` talks to it."""


def main() -> None:
    """The `agent-serving` command."""
    # What runs in the foreground is unwound, so that everything it started is stopped.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        application()()
    except (AgentServingError, LocalEngineError) as error:
        sys.exit(f"agent-serving: {error}")


def application() -> typer.Typer:
    app = typer.Typer(
        help=INTRODUCTION,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command("demo")(demo.demo)
    app.command("up")(up.up)
    app.command("chat")(chat.chat)
    app.command("serve")(serve.serve)
    app.command("cost")(cost.cost)
    app.command("trace")(trace.trace)
    app.command("compare")(compare.compare_command)
    app.command("soak")(soak.soak)
    app.command("config")(configuration.config)
    app.command("version")(version.version)
    app.add_typer(agents.commands(), name="agents")
    app.add_typer(engine.commands(), name="engine")
    app.add_typer(keys.commands(), name="keys")
    app.add_typer(demo_model.commands(), name="demo-model")
    return app


def _terminated(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
