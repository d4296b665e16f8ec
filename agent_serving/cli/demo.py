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
from agent_serving.cli.demo_session import Told, play
from agent_serving.cli.rest import Rest
from agent_serving.cli.server import serving
from agent_serving.cli.step_table import lost_prefixes, step_table
from agent_serving.config import Settings

TINY = (
    "The model is the tiny demo model that ships with agent-serving: it can do what follows, and "
    "hardly anything else. For a real one: `up --model DIR` runs yours (Hugging Face format) here, "
    "`serve --engine URL` stands in front of an SGLang of yours. All else is as with any model."
)

TRY_NEXT = """\
Try next:

  make up
    the same, for you to use
  {program} chat
    talk to it, from another terminal
  {program} up --model DIR
    with a model of yours, in Hugging Face format
  {program} serve --engine URL
    in front of an SGLang that you run

  curl -s http://127.0.0.1:8080/v1/sessions -H 'content-type: application/json' \\
    -d '{{"agent": {{"name": "helper", "tools": ["calculator"]}}, "input": "What is 17 * 23?"}}'
"""


def demo(
    context: typer.Context,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    torch_index: options.TorchIndex = None,
) -> None:
    """Show a session from end to end on this machine: SGLang, Redis, tools, streaming, a fork.

    Installs SGLang first where it is missing (some minutes, 2 GB). Then runs three turns over the
    REST API and one in a fork: a chain of tool calls, two at once, a follow-up. Prints the
    transcript and each step's tokens and times. Exits with 1 where an answer was wrong, or a prompt
    was not taken from the cache as far as possible. Leaves nothing behind but the installed engine.

    Example: agent-serving demo
    """
    out = console()
    with ExitStack() as stack:
        sessions = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-serving-")))
        settings = _settings(options.configuration(context).settings, sessions)
        with progress(out, "Engine:") as say:
            engine = stack.enter_context(bootstrap.local_engine(settings, say))
        turns = asyncio.run(_play(bootstrap.served_by(settings, engine), out))
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
    )


async def _play(settings: Settings, out: Console) -> list[Told]:
    async with (
        bootstrap.build(settings) as running,
        serving(running.app, settings.host, settings.port) as url,
        Rest(url) as rest,
    ):
        worker = running.service.ports.engine.workers()[0]
        out.print(f"SGLang {worker.version} at {worker.url}, the API at {url}", soft_wrap=True)
        out.print(TINY, style="dim")
        return await play(rest, out)


def _judge(turns: list[Told], out: Console) -> bool:
    """Print the ledger, and whether it shows what the demo is for."""
    ledger = [turn.ledger for turn in turns]
    out.print("\nEach step: tokens, and milliseconds", style="bold")
    out.print(step_table(ledger))
    lost = lost_prefixes(ledger)
    if lost:
        out.print("The prefix was not exact:", style="red")
        for sentence in lost:
            out.print(f"  {sentence}", soft_wrap=True)
    else:
        out.print("Every prompt after the first was in the cache, but for what was new.")
    wrong = [turn for turn in turns if turn.problem is not None]
    if not wrong:
        out.print("Every call and every answer was right.")
    for turn in wrong:
        title = turn.ledger.title
        out.print(f"Turn {title} is wrong: {turn.problem}.", style="red", markup=False)
    return not lost and not wrong
