"""What the demo asks of the service: one agent, two turns, a fork and a turn in it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console

from agent_serving.cli.rest import Json, Rest, RestError
from agent_serving.cli.step_table import LedgerTurn
from agent_serving.cli.transcript import LiveTurn

TOOLS = Path(__file__).parent / "demo_tools"

# The model that the demo makes has random weights, so everything here holds for any model: choices
# keep arguments short, the first step of each turn has to call, and the answer is a choice too.
AGENT: Json = {
    "name": "demo",
    "instructions": "You are a friendly host. Use the tools, then answer.",
    "tools": ["city_time", "roll_dice"],
    "output": {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "mood": {"enum": ["cheerful", "curious", "puzzled", "proud"]},
                "again": {"type": "boolean"},
            },
            "required": ["mood", "again"],
            "additionalProperties": False,
        },
    },
    "sampling": {"temperature": 0.7, "max_output_tokens": 512},
    "limits": {"max_steps": 4, "max_tool_calls": 2, "max_seconds": 60},
}

QUESTIONS = ("What time is it in Tokyo? Roll for it.", "And in Lima?")
TURN_SECONDS = 90.0
"""More than the turn may take by its own limits: reached only if its end is not told."""

FORKED_QUESTION = "What if we had asked about Nairobi?"


async def play(rest: Rest, out: Console) -> list[LedgerTurn]:
    """Run the session, showing it as it streams; the turns that were run, with their steps."""
    session = await rest.post("/v1/sessions", {"agent": AGENT})
    out.print(f"\n[bold]Session {session['id']}[/bold]", soft_wrap=True)
    turns = [
        await _turn(rest, out, session["id"], str(number), question)
        for number, question in enumerate(QUESTIONS, start=1)
    ]
    fork = await rest.post(f"/v1/sessions/{session['id']}/fork")
    out.print(
        f"\n[bold]Fork {fork['id']}[/bold] shares everything above, to the token", soft_wrap=True
    )
    turns.append(await _turn(rest, out, fork["id"], "3 (fork)", FORKED_QUESTION))
    return turns


async def _turn(rest: Rest, out: Console, session: str, title: str, question: str) -> LedgerTurn:
    out.print(f"  [dim]turn {title}[/dim]")
    live, turn_id = LiveTurn(out), ""
    body: Json = {"input": question, "mode": "stream", "tool_choice": "required"}
    try:
        async with asyncio.timeout(TURN_SECONDS):
            async for event in rest.stream(f"/v1/sessions/{session}/turns", body):
                turn_id = event.body["turn_id"] or turn_id
                live.show(event)
    except TimeoutError:
        raise RestError(f"Turn {turn_id} has not ended after {TURN_SECONDS:g} s.") from None
    path = f"/v1/sessions/{session}/turns/{turn_id}"
    turn = await rest.get(path)
    if turn["status"] != "completed":
        raise RestError(
            f"Turn {turn_id} is {turn['status']} and not completed: "
            f"{turn.get('error') or turn.get('reason')}."
        )
    return LedgerTurn(title, turn, await rest.list(f"{path}/steps"))
