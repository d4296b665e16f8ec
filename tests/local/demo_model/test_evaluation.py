"""What a turn should have said, at the time that the service's clock showed."""

from __future__ import annotations

import json

import pytest

from agent_serving.local.demo_model import answers
from agent_serving.local.demo_model.evaluation import wanted
from agent_serving.local.demo_model.scene import Call, Step, Turn


def clock(time: str) -> str:
    shown = {"time": time, "weekday": "Monday", "timezone": "Europe/Paris"}
    return json.dumps(shown, separators=(",", ":"))


THEN, NOW = clock("2024-01-01T10:00:00+01:00"), clock("2025-06-02T11:30:00+02:00")
STEP = Step((Call("current_time", {"timezone": "Europe/Paris"}),), (THEN,))
TURN = Turn("single", "what time is it in Paris", (STEP,), answers.clock("time", THEN))
CALL = 'current_time {"timezone": "Europe/Paris"}'


def test_the_time_wanted_is_the_one_that_was_shown() -> None:
    items = [{"type": "tool_result", "output": NOW}]
    assert wanted(TURN, items) == [CALL, answers.clock("time", NOW)]


@pytest.mark.parametrize(
    "shown", ['{"name":"France"}', "{", "42", "'Paris' is not an IANA time zone."]
)
def test_a_model_that_was_shown_something_else_is_measured_all_the_same(shown: str) -> None:
    items = [{"type": "tool_result", "output": shown}]
    assert wanted(TURN, items) == [CALL, TURN.answer]
