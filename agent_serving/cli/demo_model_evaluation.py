"""agent-serving demo-model evaluate"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.adapters.sglang.client import EngineClient
from agent_serving.cli import options
from agent_serving.cli.console import console, progress
from agent_serving.cli.rest import Rest
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.local.demo_model import constraint_check, evaluation, handwritten
from agent_serving.local.demo_model.conversations import Generator
from agent_serving.local.demo_model.scene import Conversation
from agent_serving.local.demo_model.tally import Floors, Tally
from agent_serving.local.demo_model.toolbox import NAMES, Toolbox
from agent_serving.plugins.grammars import load_dialects
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.tools import load_tools

DIALECT = "qwen"
SHOWN = 10
"""Wrong turns that are printed; the JSON has all."""


Url = Annotated[
    str | None,
    typer.Option(help="Of a running service; one is started without.", show_default=False),
]
EngineUrl = Annotated[
    str | None,
    typer.Option(
        help="URL of a running SGLang, whose key is AGENT_SERVING_ENGINE_API_KEY; one is started "
        "when neither this nor --url is given.",
        show_default=False,
    ),
]
Unconstrained = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Of how many conversations each step is asked without the constraint too; all "
        "when not set. Needs to know the engine.",
        show_default=False,
    ),
]
Requests = Annotated[
    Path | None,
    typer.Option("--handwritten", help="Requests in people's own words, a JSON line each."),
]


def _floor(explained: str) -> Any:
    return typer.Option(min=0, max=1, show_default=False, help=explained)


@dataclass(frozen=True, slots=True)
class _Engine:
    """An SGLang that runs, and the key that it asks for."""

    url: str
    key: SecretStr | None


@dataclass(frozen=True, slots=True)
class _Plan:
    given: Sequence[Conversation]
    requests: Sequence[handwritten.Request]
    unconstrained: int
    at_once: int
    seed: int


_Keep = Callable[[dict[str, Any]], None]


def evaluate(
    context: typer.Context,
    url: Url = None,
    engine: EngineUrl = None,
    model: options.Model = None,
    data_dir: options.DataDir = None,
    engine_home: options.EngineHome = None,
    count: Annotated[int, typer.Option(min=0, help="Held-out conversations to hold.")] = 500,
    seed: Annotated[int, typer.Option(help="The same seed makes the same conversations.")] = 11,
    concurrency: Annotated[int, typer.Option(min=1, help="Conversations at a time.")] = 4,
    unconstrained: Unconstrained = None,
    requests: Requests = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File to write the figures to.")
    ] = None,
    require: Annotated[float | None, _floor("Exit with 1 when fewer turns are exact.")] = None,
    require_kind: Annotated[float | None, _floor("The same for each kind of turn.")] = None,
    require_long: Annotated[
        float | None, _floor("The same for turns at 1500 to 2500 tokens.")
    ] = None,
) -> None:
    """Hold conversations that no training has seen with a service, and count right turns.

    Starts SGLang with the shipped model (or --model), Redis and the API, unless told what runs
    already. A turn is right when every call and the answer are exactly as expected. Any model that
    `demo-model train` did not make will do badly, as it words its answers freely.

    Example: agent-serving demo-model evaluate --count 50 --json evaluation.json
    """
    out = console()
    toolbox = Toolbox()
    asked = handwritten.load(requests) if requests else []
    given = evaluation.conversations(Generator(toolbox, held_out=True), seed, count)
    compared = len(given) if unconstrained is None else unconstrained
    plan = _Plan(given, asked, compared, concurrency, seed)
    configured = options.configuration(context).settings
    sglang = None if engine is None else _Engine(engine, configured.engine_api_key)
    with ExitStack() as stack:
        if url is None and sglang is None:
            sglang = _started(configured, stack, out)
        found = asyncio.run(_measured(plan, toolbox, url, sglang, out, _keeper(json_file)))
    floors = Floors(require, require_kind, require_long)
    missed = floors.missed(Tally.of(found.get("service", {}).get("turns", {})))
    for sentence in missed:
        out.print(sentence, style="red")
    if missed:
        raise typer.Exit(1)


def _keeper(json_file: Path | None) -> _Keep:
    """After each part, so that one that fails takes none before it along."""

    def keep(found: dict[str, Any]) -> None:
        if json_file is not None:
            json_file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")

    return keep


def _started(configured: Settings, stack: ExitStack, out: Console) -> _Engine:
    """One that runs until the stack is left."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-serving-")))
    settings = configured.but(engine_port=0, data_dir=folder, engine_home=configured.home)
    with progress(out, "Engine:") as say:
        engine = stack.enter_context(bootstrap.local_engine(settings, say))
    return _Engine(engine.url, bootstrap.served_by(settings, engine).engine_api_key)


async def _measured(
    plan: _Plan,
    toolbox: Toolbox,
    url: str | None,
    engine: _Engine | None,
    out: Console,
    keep: _Keep,
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with _service(url, engine) as rest:
        if plan.given:
            with _counted(out, "Conversations:", len(plan.given)) as say:
                report = await evaluation.evaluate(
                    rest, plan.given, at_once=plan.at_once, on_done=say
                )
            _show(out, "Exact turns of held-out conversations", report.tally)
            for wrong in report.wrong[:SHOWN]:
                out.print(f"  {wrong.kind}: {wrong.user}", markup=False, soft_wrap=True)
                out.print(f"    expected {wrong.expected}", markup=False, soft_wrap=True)
                out.print(f"    was      {wrong.actual}", markup=False, soft_wrap=True)
            for line in report.failed[:SHOWN]:
                out.print(f"  not completed: {line}", markup=False, soft_wrap=True)
            found["service"] = report.json() | {
                "seed": plan.seed,
                "conversations": len(plan.given),
            }
            keep(found)
        if plan.requests:
            with _counted(out, "Requests:", len(plan.requests)) as say:
                judged = await handwritten.evaluate(
                    rest, plan.requests, toolbox, at_once=plan.at_once, on_done=say
                )
            _show(out, "Requests in people's own words", judged.tally)
            for request, problem in judged.wrong:
                out.print(f"  {request.id}: {problem}", markup=False, soft_wrap=True)
            found["handwritten"] = judged.json()
            keep(found)
    some = plan.given[: plan.unconstrained]
    if some and engine is None:
        out.print("Not compared with replies without the constraint: give --engine URL for that.")
    elif some:
        assert engine is not None
        found["constraint"] = await _without_constraint(some, engine, plan.at_once, out)
        keep(found)
    return found


async def _without_constraint(
    some: Sequence[Conversation], engine: _Engine, at_once: int, out: Console
) -> dict[str, Any]:
    tools = load_tools([shipped("tools")])
    specs = {name: tools[name].spec for name in NAMES}
    dialect = load_dialects([shipped("grammars")])[DIALECT]
    key = None if engine.key is None else engine.key.get_secret_value()
    client = EngineClient("engine", engine.url, api_key=key)
    try:
        with _counted(out, "Without the constraint:", len(some)) as say:
            bending = await constraint_check.compare(
                client, dialect, specs, some, at_once=at_once, on_done=say
            )
    finally:
        await client.aclose()
    _show(out, "Exact turns without the constraint", bending.free)
    _show(out, "and with it, from the same texts", bending.bound)
    share = 100 * bending.changed / max(1, bending.steps)
    out.print(f"The constraint changed {bending.changed} of {bending.steps} steps: {share:.2f} %")
    for free, bound in bending.examples[:SHOWN]:
        out.print(f"  without {free!r}\n  with    {bound!r}", markup=False, soft_wrap=True)
    return bending.json() | {"conversations": len(some)}


@asynccontextmanager
async def _service(url: str | None, engine: _Engine | None) -> AsyncIterator[Rest]:
    if url is not None:
        async with Rest(url) as rest:
            yield rest
        return
    assert engine is not None
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="agent-serving-") as folder:
        settings = Settings(
            port=0, data_dir=Path(folder), engines=(engine.url,), engine_api_key=engine.key
        )
        async with (
            bootstrap.build(settings) as running,
            serving(running.app, settings.host, settings.port) as own,
            Rest(own) as rest,
        ):
            yield rest


@contextmanager
def _counted(out: Console, title: str, count: int) -> Iterator[Callable[[int], None]]:
    """A progress line that says how many are done and how long the rest will take."""
    since = time.monotonic()
    with progress(out, title) as say:

        def done(number: int) -> None:
            left = (time.monotonic() - since) / number * (count - number)
            say(f"{number} of {count}, about {left / 60:.1f} minutes left")

        yield done


def _show(out: Console, title: str, tally: Tally) -> None:
    out.print(f"\n{title}", style="bold")
    for kind, row in tally.table().items():
        share = 100 * row["right"] / row["turns"]
        out.print(f"  {kind:18} {row['right']:5} of {row['turns']:5} {share:6.1f} %")
