"""agent-serving demo"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

import typer
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.cli import options
from agent_serving.cli.console import console, program, progress
from agent_serving.cli.demo_session import TOOLS, play
from agent_serving.cli.rest import Rest
from agent_serving.cli.server import serving
from agent_serving.cli.step_table import LedgerTurn, executed_calls, lost_prefixes, step_table
from agent_serving.config import Settings

LEAST_CALLS = 2

RANDOM = (
    "The model has random weights: its calls and answers are well-formed because a grammar "
    "constrains them at the engine, and mean nothing. Everything else is as with any model."
)

TRY_NEXT = """\
Try next:

  make up
    the same, for you to use
  {program} chat
    talk to it, from another terminal
  {program} up --model DIR
    with a model of yours

  curl -s http://127.0.0.1:8080/v1/sessions -H 'content-type: application/json' \\
    -d '{{"agent": {{"name": "helper", "tools": ["current_time"]}}, "input": "Hello!"}}'
"""


def demo(
    context: typer.Context,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    torch_index: options.TorchIndex = None,
) -> None:
    """Show a session from end to end on this machine: SGLang, Redis, tools, streaming, a fork.

    Installs SGLang first where it is missing (some minutes, 2 GB). Then runs two turns over the
    REST API and one in a fork, and prints the transcript and each step's tokens and times. Exits
    with 1 where a prompt was not taken from the cache as far as possible. Leaves nothing behind but
    the installed engine.

    Example: agent-serving demo
    """
    out = console()
    with ExitStack() as stack:
        sessions = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-serving-")))
        settings = _settings(options.configuration(context).settings, sessions)
        with progress(out, "Engine:") as say:
            engine = stack.enter_context(bootstrap.local_engine(settings, say))
        turns = asyncio.run(_play(settings.but(engines=(engine.url,)), out))
    if not _judge(turns, out):
        raise typer.Exit(1)
    out.print(f"\n{TRY_NEXT.format(program=program())}", markup=False, soft_wrap=True, end="")


def _settings(configured: Settings, sessions: Path) -> Settings:
    """As configured in what concerns the engine's installation; all else is the demo's own."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    return Settings(
        port=0,
        engine_port=0,
        data_dir=sessions,
        engine_home=configured.home,
        torch_index=configured.torch_index,
        tools=(TOOLS,),
    )


async def _play(settings: Settings, out: Console) -> list[LedgerTurn]:
    async with (
        bootstrap.build(settings) as running,
        serving(running.app, settings.host, settings.port) as url,
        Rest(url) as rest,
    ):
        worker = running.service.ports.engine.workers()[0]
        out.print(f"SGLang {worker.version} at {worker.url}, the API at {url}", soft_wrap=True)
        out.print(RANDOM, style="dim")
        return await play(rest, out)


def _judge(turns: list[LedgerTurn], out: Console) -> bool:
    """Print the ledger, and whether it shows what the demo is for."""
    out.print("\nEach step: tokens, and milliseconds", style="bold")
    out.print(step_table(turns))
    lost, calls = lost_prefixes(turns), executed_calls(turns)
    if lost:
        out.print("The prefix was not exact:", style="red")
        for sentence in lost:
            out.print(f"  {sentence}", soft_wrap=True)
    else:
        out.print("Every prompt after the first was in the cache, but for what was new.")
    if calls < LEAST_CALLS:
        out.print(f"Only {calls} tool calls ran; at least {LEAST_CALLS} should have.", style="red")
    return not lost and calls >= LEAST_CALLS
