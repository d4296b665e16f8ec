"""What is asked of the demo model on the real SGLang: forms that it cannot but fill."""

from __future__ import annotations

from tests.chaos import campaign
from tests.chaos.caller import Json
from tests.chaos.campaign import Row
from tests.chaos.faults import Fault
from tests.chaos.fleet import Fleet

CALLERS = 4
AGENT: Json = {
    "tools": ["pay"],
    "output": {"type": "choice", "choices": ["yes", "no"]},
    "limits": {"max_tool_calls": 1, "max_seconds": 86_400},
    "sampling": {"max_output_tokens": 600},
}
STORY = {"type": "regex", "pattern": "[a-z ]{300,400}"}
TURNS: tuple[Json, ...] = (
    {"input": "pay", "tool_choice": "required"},
    {"input": "tell", "tool_choice": "none", "output": STORY},
)


async def run(fleet: Fleet, fault: Fault, rounds: int) -> Row:
    return await campaign.run(fleet, fault, rounds, agent=AGENT, bodies=TURNS, callers=CALLERS)
