"""Streams of every kind, recorded by OpenAI's client: each keeps the rules and adds up to what is
retrieved, and so does its replay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from openai import AsyncOpenAI

from agent_serving.config import Settings
from agent_serving.testing import Break, Line, Say
from tests.mcp.conftest import odd_stdio
from tests.mcp.test_service import SLOW, ready, serving
from tests.openai.conformance import dumped, fold
from tests.openai.conftest import ADD, ADDS, LOOK_UP, LOOKS_UP, Talking, call

THOUGHT = "<think>\nLet me see.\n</think>\n\n"
JSON: Any = {
    "format": {"type": "json_schema", "name": "town", "schema": {"type": "object"}, "strict": True}
}
TOWN = '{"town": "Lima"}'
ECHO = call("odd__zebra", '{"text": "hello"}')
MESSAGE, REASONING, ASKED, SERVED = "message", "reasoning", "function_call", "mcp_call"


@dataclass(frozen=True)
class Recording:
    """`kinds` of the items that the response ends with, in order."""

    name: str
    lines: tuple[Line, ...]
    kinds: tuple[str, ...]
    ends: str = "completed"
    body: dict[str, Any] = field(default_factory=dict)
    cancelled_at: str | None = None
    """The event at which it is cancelled."""


def slow(text: str, chunk: int = 5) -> Say:
    return Say(text, delay=0.03, chunk=chunk)


BOTH = {"tools": [ADD, LOOK_UP]}
ADDING: dict[str, Any] = {"tools": [ADD]}
LOOKING: dict[str, Any] = {"tools": [LOOK_UP]}
TEXT_DELTA = "response.output_text.delta"
STORY = "A long story, told slowly, word by word, to its end."
TEXT = (
    Recording("text at once", ("Hello.",), (MESSAGE,)),
    Recording("text in chunks", (slow("A long enough story."),), (MESSAGE,)),
    Recording("text letter by letter", (Say("Letter by letter.", chunk=1),), (MESSAGE,)),
    Recording("letters of many bytes", (Say("Grüße 👋🏽 an 東京", chunk=1),), (MESSAGE,)),
    Recording("lines", ("One.\n\nTwo.\n",), (MESSAGE,)),
    Recording("text in a form", (slow(TOWN),), (MESSAGE,), body={"text": JSON}),
    Recording("steps along", ("Hello.",), (MESSAGE,), body={"include": ["agent_serving.steps"]}),
    Recording("in the background", (slow("Later."),), (MESSAGE,), body={"background": True}),
)
REASON = (
    Recording("reasoning, then text", (f"{THOUGHT}It is 4.",), (REASONING, MESSAGE)),
    Recording("reasoning in chunks", (slow(f"{THOUGHT}It is 4.", 3),), (REASONING, MESSAGE)),
    Recording("reasoning, then a call", (THOUGHT + LOOKS_UP,), (REASONING, ASKED), body=LOOKING),
    Recording(
        "reasoning in every step",
        (THOUGHT + ADDS, f"{THOUGHT}It is 3."),
        (REASONING, SERVED, REASONING, MESSAGE),
        body=ADDING,
    ),
)
CALLS = (
    Recording("a call", (LOOKS_UP,), (ASKED,), body=LOOKING),
    Recording("a call in chunks", (slow(LOOKS_UP, 4),), (ASKED,), body=LOOKING),
    Recording("text, then a call", (f"I look.\n{LOOKS_UP}",), (MESSAGE, ASKED), body=LOOKING),
    Recording("parallel calls", (f"{LOOKS_UP}\n{LOOKS_UP}",), (ASKED, ASKED), body=LOOKING),
    Recording("a served call", (ADDS, "It is 3."), (SERVED, MESSAGE), body=ADDING),
    Recording(
        "parallel served calls",
        (f"{ADDS}\n{ADDS}", "Twice 3."),
        (SERVED, SERVED, MESSAGE),
        body=ADDING,
    ),
    Recording(
        "served calls, step by step",
        (ADDS, f"And again.\n{ADDS}", "3 and 3."),
        (SERVED, MESSAGE, SERVED, MESSAGE),
        body=ADDING,
    ),
    Recording("calls of both kinds", (f"{ADDS}\n{LOOKS_UP}",), (SERVED, ASKED), body=BOTH),
    Recording(
        "a call that is not valid",
        (call("add", '{"a": "one", "b": 2}'), "Never mind."),
        (SERVED, MESSAGE),
        body=ADDING,
    ),
    Recording(
        "more calls than allowed",
        (f"{ADDS}\n{ADDS}", "It is 3."),
        (SERVED, SERVED, MESSAGE),
        body=ADDING | {"max_tool_calls": 1},
    ),
)
TROUBLE = (
    Recording("a lost attempt", (Break("Half a rep"), "ly."), (MESSAGE,)),
    Recording("two lost attempts", (Break("Half "), Break("a rep"), "ly."), (MESSAGE,)),
    Recording("an attempt lost at once", (Break(""), "Whole."), (MESSAGE,)),
    Recording("a void attempt", (Break('{"tow'), TOWN), (MESSAGE,), body={"text": JSON}),
    Recording(
        "a call lost on its way",
        (Break(LOOKS_UP[:30]), LOOKS_UP),
        (ASKED,),
        body=LOOKING | {"tool_choice": "required"},
    ),
    Recording("failure", (Break("Ha"),), (), "failed"),
    Recording("failure behind a call", (ADDS, Break("")), (SERVED,), "failed", ADDING),
    Recording(
        "cancel",
        (slow(STORY * 20),),
        (MESSAGE,),
        "incomplete",
        cancelled_at="response.output_text.delta",
    ),
    Recording(
        "cancel while it thinks",
        (slow(f"<think>\n{STORY * 20}\n</think>\n\nDone."),),
        (REASONING,),
        "incomplete",
        cancelled_at="response.reasoning_text.delta",
    ),
    Recording("length", (STORY,), (MESSAGE,), "incomplete", {"max_output_tokens": 10}),
    Recording(
        "length while it thinks",
        (f"{THOUGHT}It is 4.",),
        (REASONING,),
        "incomplete",
        {"max_output_tokens": 14},
    ),
    Recording(
        "length behind a call",
        (ADDS, STORY),
        (SERVED, MESSAGE),
        "incomplete",
        ADDING | {"max_output_tokens": len(ADDS) + 12},
    ),
)
RECORDINGS = (*TEXT, *REASON, *CALLS, *TROUBLE)
MCP = (
    Recording("a call over MCP", (ECHO, "It said hello."), (SERVED, MESSAGE)),
    Recording("parallel calls over MCP", (f"{ECHO}\n{ECHO}", "Twice."), (SERVED, SERVED, MESSAGE)),
    Recording(
        "a call over MCP that fails", (call("odd__fail", "{}"), "It failed."), (SERVED, MESSAGE)
    ),
    Recording(
        "reasoning and a call over MCP", (THOUGHT + ECHO, "So."), (REASONING, SERVED, MESSAGE)
    ),
)


async def record(client: AsyncOpenAI, recording: Recording) -> list[Any]:
    body: dict[str, Any] = {"model": "scripted", "input": "Go on.", **recording.body}
    events: list[Any] = []
    async for event in await client.responses.create(stream=True, **body):
        events.append(event)
        if event.type == recording.cancelled_at and event.type not in [e.type for e in events[:-1]]:
            await client.responses.cancel(events[0].response.id)
    return events


async def check(client: AsyncOpenAI, recording: Recording, events: list[Any]) -> None:
    output = fold(events)
    last = dumped(events)[-1]["response"]
    assert events[-1].type == f"response.{recording.ends}"
    assert last["output"] == output
    assert tuple(item["type"] for item in output) == recording.kinds
    wanted = {name: recording.body[name] for name in recording.body.keys() & {"include"}}
    found = await client.responses.retrieve(last["id"], **wanted)
    assert found.to_dict(mode="json") == last
    again = await client.responses.retrieve(last["id"], stream=True, **wanted)
    replay = [event async for event in again]
    assert fold(replay) == output
    assert dumped(replay)[-1] == dumped(events)[-1]


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda one: one.name)
async def test_a_recorded_stream_keeps_the_rules(talking: Talking, recording: Recording) -> None:
    talk = await talking(*recording.lines)
    await check(talk.client, recording, await record(talk.client, recording))


@asynccontextmanager
async def odd_client(folder: Path, lines: tuple[Line, ...]) -> AsyncIterator[AsyncOpenAI]:
    witness = folder / "witness"
    witness.touch()
    settings = Settings(data_dir=folder, mcp_servers={"odd": odd_stdio(witness, **SLOW)})
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(settings, lines))
        await ready(served, "odd")
        url = f"{served.http.base_url}/v1/"
        yield await stack.enter_async_context(
            AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
        )


@pytest.mark.parametrize("recording", MCP, ids=lambda one: one.name)
async def test_a_recorded_stream_with_mcp_keeps_the_rules(
    tmp_path: Path, recording: Recording
) -> None:
    async with odd_client(tmp_path, recording.lines) as client:
        tools: Any = [{"type": "mcp", "server_label": "odd"}]
        body = {"model": "scripted", "input": "Go on.", "tools": tools}
        events = [e async for e in await client.responses.create(stream=True, **body)]
        await check(client, recording, events)
        calls = [
            item for item in dumped(events)[-1]["response"]["output"] if "server_label" in item
        ]
        assert {call["server_label"] for call in calls} == {"odd"}
        assert {call["name"] for call in calls} <= {"zebra", "fail"}


async def test_a_call_over_mcp_that_needs_an_approval_is_not_run(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "I may not.")) as client:
        tool = {"type": "mcp", "server_label": "odd", "allowed_tools": {"tool_names": ["zebra"]}}
        asks = {"require_approval": {"always": {"tool_names": ["zebra"]}}}
        made = await client.responses.create(
            model="scripted", input="Go on.", store=False, tools=cast("Any", [tool | asks])
        )
        told = made.to_dict(mode="json")["output"]
        assert made.output_text == "I may not."
        assert "needs an approval" in str(cast("Any", told)[0]["error"])


def test_there_are_recordings_of_every_kind() -> None:
    names = [recording.name for recording in (*RECORDINGS, *MCP)]
    assert len(set(names)) == len(names) >= 30
