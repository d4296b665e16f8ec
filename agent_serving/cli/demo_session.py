"""What the demo asks of the service: one agent, three turns, a fork and a turn in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from agent_serving.cli.rest import Json, Rest, RestError
from agent_serving.cli.step_table import LedgerTurn
from agent_serving.cli.transcript import LiveTurn
from agent_serving.local.demo_model.evaluation import Call, calls_of

AGENT: Json = {
    "name": "demo",
    "instructions": "You are a friendly host. Use the tools, then answer.",
    "tools": ["calculator", "convert_units", "recall", "remember", "weather"],
    "sampling": {"temperature": 0, "max_output_tokens": 200},
    "limits": {"max_steps": 6, "max_seconds": 60},
}

TURN_SECONDS = 90.0
"""More than the turn may take by its own limits: reached only if its end is not told."""


@dataclass(frozen=True, slots=True)
class Question:
    """`steps`: the calls that are right, those of one step together. `says`: what the answer has to
    contain."""

    text: str
    steps: tuple[tuple[Call, ...], ...]
    says: tuple[str, ...]


CHAIN = Question(
    "Convert 12 miles to km, double it and remember it as bike trip.",
    (
        (("convert_units", {"value": 12, "from_unit": "miles", "to_unit": "km"}),),
        (("calculator", {"expression": "19.312128 * 2"}),),
        (("remember", {"key": "bike_trip", "value": "38.624256"}),),
    ),
    ("38.624256",),
)
PARALLEL = Question(
    "What is the weather in Rome and Madrid?",
    ((("weather", {"city": "Rome"}), ("weather", {"city": "Madrid"})),),
    ("20 degrees and cloudy in Rome", "11 degrees and foggy in Madrid"),
)
FOLLOW_UP = Question(
    "And in Tokyo?",
    ((("weather", {"city": "Tokyo"}),),),
    ("27 degrees and windy in Tokyo",),
)
IN_THE_FORK = Question(
    "And in Paris?",
    ((("weather", {"city": "Paris"}),),),
    ("12 degrees and foggy in Paris",),
)


@dataclass(frozen=True, slots=True)
class Told:
    """A turn that was run, and what is wrong with it: None where it was answered right."""

    ledger: LedgerTurn
    problem: str | None


async def play(rest: Rest, out: Console) -> list[Told]:
    """Run the session, showing it as it streams; the turns that were run, with their steps."""
    session = await rest.post("/v1/sessions", {"agent": AGENT})
    out.print(f"\n[bold]Session {session['id']}[/bold]", soft_wrap=True)
    turns = [
        await _turn(rest, out, session["id"], str(number), question)
        for number, question in enumerate((CHAIN, PARALLEL, FOLLOW_UP), start=1)
    ]
    fork = await rest.post(f"/v1/sessions/{session['id']}/fork")
    out.print(
        f"\n[bold]Fork {fork['id']}[/bold] shares everything above, to the token", soft_wrap=True
    )
    turns.append(await _turn(rest, out, fork["id"], "4 (fork)", IN_THE_FORK))
    return turns


async def _turn(rest: Rest, out: Console, session: str, title: str, question: Question) -> Told:
    out.print(f"  [dim]turn {title}[/dim]")
    live, turn_id = LiveTurn(out), ""
    body: Json = {"input": question.text, "mode": "stream"}
    try:
        async with asyncio.timeout(TURN_SECONDS):
            async for event in rest.stream(f"/v1/sessions/{session}/turns", body):
                turn_id = event.body["turn_id"] or turn_id
                live.show(event)
    except TimeoutError:
        raise RestError(f"Turn {turn_id} has not ended after {TURN_SECONDS:g} s.") from None
    path = f"/v1/sessions/{session}/turns/{turn_id}"
    turn = await rest.get(path)
    if turn["status"] == "failed":
        raise RestError(f"Turn {turn_id} failed: {turn['error']}.")
    ledger = LedgerTurn(title, turn, await rest.list(f"{path}/steps"))
    return Told(ledger, problem(question, turn))


def problem(question: Question, turn: Json) -> str | None:
    """What is wrong with how a turn answers the question; None where nothing is."""
    if turn["status"] != "completed":
        return f"it is {turn['status']} and not completed"
    if _sorted(calls_of(turn["items"])) != _sorted(question.steps):
        return f"its calls should be {_written(question.steps)}"
    unsaid = [words for words in question.says if words not in turn["output_text"]]
    return f"its answer does not say {' and '.join(unsaid)}" if unsaid else None


def _sorted(steps: Sequence[Sequence[Call]]) -> list[list[str]]:
    return [sorted(f"{name} {_canonical(arguments)}" for name, arguments in step) for step in steps]


def _written(steps: Sequence[Sequence[Call]]) -> str:
    return ", then ".join(
        " and ".join(f"{name} {json.dumps(arguments)}" for name, arguments in step)
        for step in steps
    )


def _canonical(arguments: Any) -> str:
    return json.dumps(arguments, sort_keys=True)
