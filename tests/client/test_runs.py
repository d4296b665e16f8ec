"""Sessions and turns through the client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Literal, TypedDict

import pytest
from pydantic import BaseModel

from agent_serving.api import ApiSettings
from agent_serving.client import (
    Happened,
    OutputError,
    RequiredInput,
    Resolution,
    TurnCancelledError,
    TurnFailedError,
    TurnIncompleteError,
    TurnTimeoutError,
    TurnWaitingError,
)
from agent_serving.client.models import TextDelta, TurnEnded, TurnWaiting
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.tool import tool
from agent_serving.testing import Break, Say
from tests.api.conftest import Serve
from tests.client.conftest import Connect
from tests.runtime.talk import call

LONG = Say("word " * 400, delay=0.02)


class City(BaseModel):
    name: str
    people: int


@dataclass
class Place:
    name: str


class Point(TypedDict):
    x: int


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


async def test_a_run_has_the_answer_and_what_it_took(connect: Connect) -> None:
    prices = PriceBook(currency="EUR", models={"scripted": ModelPrices(output="1000000")})
    connected = await connect("Hello there.", prices=prices)
    session = await connected.client.sessions.create(metadata={"who": "me"})
    result = await session.run("Hi", limits={"max_cost": Decimal(900)})
    assert result.output == result.text == "Hello there."
    assert result.usage.output_tokens == len("Hello there.") + 1
    assert [step.kind for step in result.steps] == ["model"]
    assert result.cost is not None
    assert result.cost.total == Decimal(13)
    assert result.trace_url is None
    assert result.turn.trace_id == result.trace_id
    assert (await session.refresh()).data.turn_count == 1
    assert session.data.metadata == {"who": "me"}


@pytest.mark.parametrize(
    ("output_type", "said", "expected", "kind"),
    [
        (City, '{"name": "Rome", "people": 3}', City(name="Rome", people=3), "json_schema"),
        (Place, '{"name": "Rome"}', Place("Rome"), "json_schema"),
        (Point, '{"x": 1}', {"x": 1}, "json_schema"),
        (list[int], "[1, 2]", [1, 2], "json_schema"),
        (Literal[1, 2], "2", 2, "json_schema"),
        (Literal["yes", "no"], "no", "no", "structural_tag"),
        (Mood, "bad", Mood.BAD, "structural_tag"),
        ({"type": "grammar", "name": "iso_date"}, "2026-01-31", "2026-01-31", "regex"),
    ],
    ids=str,
)
async def test_an_output_type_holds_the_engine_and_is_what_comes_back(
    connect: Connect, output_type: object, said: str, expected: object, kind: str
) -> None:
    connected = await connect(said)
    session = await connected.client.sessions.create()
    result = await session.run("?", output_type=output_type)
    assert result.output == expected
    constraint = connected.engine.requests[0].constraint
    assert constraint is not None
    assert constraint.kind == kind


async def test_the_type_of_an_agent_is_asked_of_each_answer(connect: Connect) -> None:
    connected = await connect('{"name": "Rome", "people": 3}')
    agent = await connected.client.agents.create("cities", output_type=City)
    session = await connected.client.sessions.create(agent)
    result = await session.run("?")
    assert result.turn.output_parsed == {"name": "Rome", "people": 3}
    assert City.model_validate_json(result.output).people == 3


async def test_an_answer_that_is_not_of_the_type_says_so(connect: Connect) -> None:
    connected = await connect('{"name": "Rome", "people": 3}')
    session = await connected.client.sessions.create()
    turn = await session.start("?")
    await turn.wait()
    with pytest.raises(OutputError, match="not what was asked for"):
        await session.turn(turn.id, output_type=list[int]).wait()


async def test_a_type_that_json_cannot_express_is_refused_before_anything_is_sent(
    connect: Connect,
) -> None:
    connected = await connect()
    session = await connected.client.sessions.create()
    with pytest.raises(OutputError, match="cannot be an output_type"):
        await session.run("?", output_type=type(connected))
    assert (await session.refresh()).data.turn_count == 0


async def test_a_stream_has_typed_events_and_the_result(connect: Connect) -> None:
    connected = await connect(Say("A long answer.", chunk=3))
    session = await connected.client.sessions.create()
    async with session.stream("Hi") as turn:
        events = [event async for event in turn]
        result = await turn.result()
    text = "".join(event.delta for event in events if isinstance(event, TextDelta))
    assert text == result.text == "A long answer."
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].sequence == turn.cursor
    listed = await connected.client.events.list(session.id, turn_id=turn.id, limit=3).all()
    assert [(e.type, e.sequence) for e in listed if "delta" not in e.type] == [
        (e.type, e.sequence) for e in events if "delta" not in e.type
    ]


async def test_leaving_the_block_does_not_end_the_turn(connect: Connect) -> None:
    connected = await connect(Say("word " * 40, delay=0.05))
    session = await connected.client.sessions.create()
    async with session.stream("Hi") as turn:
        async for piece in turn.text():
            assert piece
            break
    handle = turn.turn
    assert (await handle.get()).status == "in_progress"
    assert (await handle.wait()).text == "word " * 40


async def test_a_turn_can_be_followed_from_where_one_left_off(connect: Connect) -> None:
    connected = await connect(Say("word " * 40, delay=0.005))
    session = await connected.client.sessions.create()
    async with session.stream("Hi") as turn:
        first = [await anext(turn) for _ in range(4)]
    async with session.turn(turn.id).attach(after=turn.cursor) as again:
        rest = [event async for event in again]
    sequences = [event.sequence for event in (*first, *rest)]
    assert sequences == sorted(set(sequences))
    assert rest[-1].type == "turn.completed"


async def test_a_handle_waits_with_a_limit_and_cancels(connect: Connect) -> None:
    connected = await connect(LONG)
    session = await connected.client.sessions.create()
    turn = await session.start("Hi")
    await connected.api.generating()
    with pytest.raises(TurnTimeoutError):
        await turn.wait(timeout=0.3)
    await turn.cancel()
    with pytest.raises(TurnCancelledError) as raised:
        await turn.wait()
    assert raised.value.turn.output_text.startswith("word")


async def test_a_stream_that_says_nothing_does_not_hold_its_reader_up(connect: Connect) -> None:
    settings = ApiSettings(ping_seconds=3600)
    connected = await connect(Say("word", delay=60), settings=settings)
    session = await connected.client.sessions.create()
    async with session.stream("Hi") as turn, asyncio.timeout(20):
        await connected.api.generating()
        with pytest.raises(TurnTimeoutError):
            await turn.result(timeout=0.3)
        await turn.turn.cancel()
        with pytest.raises(TurnCancelledError):
            await turn.result()


async def test_a_turn_that_fails_or_reaches_a_limit_raises_with_the_turn(connect: Connect) -> None:
    connected = await connect(Say("too long"), *([Break("half")] * 9))
    session = await connected.client.sessions.create()
    with pytest.raises(TurnIncompleteError, match="max_output_tokens"):
        await session.run("?", limits={"max_output_tokens": 3})
    with pytest.raises(TurnFailedError, match="engine_unavailable") as raised:
        await session.run("?")
    assert raised.value.turn.error is not None


async def test_a_fork_has_the_past_and_goes_its_own_way(connect: Connect) -> None:
    connected = await connect("one", "two", "three")
    session = await connected.client.sessions.create()
    first = await session.run("1")
    await session.run("2")
    fork = await session.fork(at_turn=first.turn.id, metadata={"is": "fork"})
    assert (await fork.run("3")).text == "three"
    texts = [item.text async for item in fork.items() if item.type == "message"]
    assert texts == ["1", "one", "3", "three"]
    assert fork.data.forked_from is not None
    assert fork.data.forked_from.session_id == session.id


async def test_a_steered_turn_hears_it(connect: Connect) -> None:
    connected = await connect(Say("word " * 40, delay=0.05), "In metres.")
    session = await connected.client.sessions.create()
    turn = await session.start("How far?")
    await connected.api.generating()
    await turn.steer("In metres, please.")
    result = await turn.wait()
    messages = [item.text for item in result.turn.items if item.type == "message"]
    assert "In metres, please." in messages


async def test_a_turn_that_waits_for_its_budget_says_so_and_goes_on(connect: Connect) -> None:
    connected = await connect("Done.")
    session = await connected.client.sessions.create()
    with pytest.raises(TurnWaitingError, match="budget max_steps") as raised:
        await session.run("?", budget={"max_steps": 0})
    turn = session.turn(raised.value.turn.id)
    await turn.change_budget({"max_steps": 5})
    assert (await turn.wait()).text == "Done."


@pytest.mark.parametrize(
    ("said", "told"),
    [("abandon", "not known"), ("retry", "done"), (Happened({"ok": 1}), '{"ok":1}')],
)
async def test_a_call_in_doubt_is_resolved_by_the_callback(
    connect: Connect, serve: Serve, said: Resolution, told: str
) -> None:
    started = asyncio.Event()

    @tool(effect="once")
    async def work() -> str:
        """Work."""
        if not started.is_set():
            started.set()
            await asyncio.sleep(30)
        return "done"

    first = await connect(call("work", "{}"), "Noted.", tools=[work])
    opened = await first.client.sessions.create({"tools": ["work"]})
    turn = await opened.start("go")
    await asyncio.wait_for(started.wait(), 10)
    await first.api.service.aclose()
    second = await connect("Noted.", tools=[work])
    asked: list[RequiredInput] = []

    async def in_doubt(call: RequiredInput) -> Resolution:
        asked.append(call)
        return said

    session = await second.client.sessions.get(opened.id, in_doubt=in_doubt)
    result = await session.turn(turn.id).wait()
    assert [call.name for call in asked] == ["work"]
    outputs = [item.output for item in result.turn.items if item.type == "tool_result"]
    assert len(outputs) == 1
    assert told in outputs[0]


async def test_a_call_that_nothing_here_can_answer_ends_the_events_until_it_is(
    connect: Connect,
) -> None:
    @tool
    def look_up(key: str) -> str:
        """Look something up."""
        raise AssertionError(key)

    connected = await connect(call("look_up", '{"key": "x"}'), "It is 42.")
    opened = await connected.client.sessions.create({"tools": [look_up]})
    session = await connected.client.sessions.get(opened.id)
    async with session.stream("x?") as turn:
        events = [event async for event in turn]
        assert isinstance(events[-1], TurnWaiting)
        with pytest.raises(TurnWaitingError, match="tool_result of look_up"):
            await turn.result()
        await turn.turn.give_result(events[-1].call_ids[0], {"x": 42})
        assert (await turn.result()).text == "It is 42."
