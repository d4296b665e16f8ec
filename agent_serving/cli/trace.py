"""agent-serving trace"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Rest
from agent_serving.cli.timeline import Timeline, timeline
from agent_serving.cli.turn_search import NEWEST, find_turn
from agent_serving.cli.waterfall import waterfall


def trace(
    turn: Annotated[
        str,
        typer.Argument(
            help="A turn's id, SESSION/TURN, or `last`: the last turn of the newest session."
        ),
    ] = NEWEST,
    session: Annotated[
        str | None, typer.Option(help="The session of the turn; it is found where not given.")
    ] = None,
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The turn, its steps and its critical path as JSON.")
    ] = False,
) -> None:
    """Draw where the time of a turn went: its steps and their phases, tokens, cost, cache misses.

    The mark shows the critical path: the steps that decided how long the turn took. Of tools that
    ran side by side only the last to end is on it.

    Example: agent-serving trace turn_01k9zt3hv0c6d8e1g5j7m2n4pq
    """
    drawn = asyncio.run(_read(Rest(url, key), turn, session))
    if as_json:
        typer.echo(json.dumps(_told(drawn), indent=2))
        return
    out = console()
    out.print(waterfall(drawn, out), soft_wrap=True)


async def _read(service: Rest, name: str, session: str | None) -> Timeline:
    async with service as rest:
        found = await find_turn(rest, name, session)
        steps = await rest.list(f"{found.path}/steps")
        spans = await rest.get(f"{found.path}/trace")
    return timeline(found.turn, steps, spans, datetime.now(UTC))


def _told(drawn: Timeline) -> dict[str, object]:
    return {
        "turn": drawn.turn,
        "steps": [step.row for step in drawn.steps],
        "duration_ms": round(drawn.duration, 3),
        "critical_path": [
            {
                "step_id": segment.step,
                "start_ms": round(segment.start, 3),
                "end_ms": round(segment.end, 3),
            }
            for segment in drawn.path
        ],
    }
