"""Input of very many items: read in a time that grows with it, and bounded."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import openai
import pytest

from agent_serving.api.openai.bodies import InputItem
from agent_serving.api.openai.heard import heard
from agent_serving.domain.values import ToolResultItem
from tests.openai.conftest import LOOK_UP, Talking

HI = {"role": "user", "content": "Hi"}


def calls_and_outputs(pairs: int) -> list[dict[str, Any]]:
    calls = [
        {"type": "function_call", "call_id": f"c{n}", "name": f"tool_{n}", "arguments": "{}"}
        for n in range(pairs)
    ]
    outputs = [
        {"type": "function_call_output", "call_id": f"c{n}", "output": "x"} for n in range(pairs)
    ]
    return calls + outputs


def seconds(pairs: int) -> float:
    """Of computing, to hear so many; the least of some."""
    items = [InputItem.model_validate(item) for item in calls_and_outputs(pairs)]
    numbers = count()
    found = []
    for _ in range(3):
        begun = time.process_time()
        heard(items, lambda kind: f"{kind}_{next(numbers)}")
        found.append(time.process_time() - begun)
    return min(found)


def test_a_history_four_times_as_long_takes_four_times_as_long() -> None:
    seconds(10)
    assert seconds(4000) < 8 * seconds(1000)


def test_an_output_has_the_name_of_its_call() -> None:
    items = [InputItem.model_validate(item) for item in calls_and_outputs(3)]
    answers = [i for i in heard(items, lambda kind: kind).items if isinstance(i, ToolResultItem)]
    assert [(answer.call_id, answer.name) for answer in answers] == [
        ("c0", "tool_0"), ("c1", "tool_1"), ("c2", "tool_2"),
    ]  # fmt: skip


async def test_input_has_at_most_4096_items(talking: Talking) -> None:
    talk = await talking("Hello.", "Hello.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP]}
    some = [*calls_and_outputs(100), HI]
    assert (await talk.client.responses.create(input=some, **body)).status == "completed"
    with pytest.raises(openai.UnprocessableEntityError, match="4096") as refused:
        await talk.client.responses.create(input=[HI] * 4097, **body)
    assert refused.value.param == "input"


async def test_messages_mean_at_most_4096_items(talking: Talking) -> None:
    talk = await talking("Hello.")
    call = {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    both: Any = {"role": "assistant", "content": "I look.", "tool_calls": [call]}
    with pytest.raises(openai.UnprocessableEntityError, match="4096") as refused:
        await talk.client.chat.completions.create(model="scripted", messages=[both] * 2049)
    assert refused.value.param == "messages"
