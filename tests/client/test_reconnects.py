"""Streams over connections that break."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving import AsyncAgentServing, tool
from agent_serving.client import APIConnectionError, AsyncSession
from agent_serving.client.models import Event, TextDelta
from agent_serving.client.sse import FrameReader
from agent_serving.testing import Say
from tests.client.conftest import Connect
from tests.client.scissors import scissors
from tests.runtime.talk import call

CUTS = 50


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def cut_and_whole(session: AsyncSession, whole: AsyncSession) -> tuple[Any, Any]:
    """A turn's events through the scissors, and the same turn's without."""
    async with session.stream("Tell me a story.") as turn:

        async def watch() -> list[Event]:
            async with whole.turn(turn.id).attach() as other:
                return [event async for event in other]

        watching = asyncio.create_task(watch())
        events = [event async for event in turn]
    return events, await watching


async def test_fifty_cuts_in_one_turn_change_nothing(connect: Connect) -> None:
    story = Say("".join(f"word{number} " for number in range(150)), delay=0.05)
    connected = await connect(call("add", '{"a": 1, "b": 2}'), story)
    address = connected.api.http.base_url
    assert address.port is not None
    async with (
        scissors(address.host, address.port, CUTS) as proxy,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        cut = AsyncAgentServing(base_url=proxy.url, http_client=http)
        # Both followers run the tool, and one of them is the first to answer.
        opened = await cut.sessions.create(tools=[add])
        whole = await connected.client.sessions.get(opened.id, tools=[add])
        events, expected = await cut_and_whole(opened, whole)
        assert proxy.cuts == CUTS
    assert events == expected
    deltas = [event for event in events if isinstance(event, TextDelta)]
    assert len(deltas) >= CUTS
    assert "".join(event.delta for event in deltas) == story.text
    assert (await connected.client.turns.get(opened.id, events[0].turn_id)).status == "completed"


async def test_a_turn_whose_first_answer_is_lost_is_started_once(connect: Connect) -> None:
    connected = await connect(Say("word " * 30, delay=0.01))
    address = connected.api.http.base_url
    assert address.port is not None
    async with (
        scissors(address.host, address.port, 0, events=-1) as proxy,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        session = await connected.client.sessions.create()
        lossy = AsyncAgentServing(base_url=proxy.url, http_client=http)
        through = await lossy.sessions.get(session.id)
        proxy.left = 2
        result = await through.run("Hi")
    assert proxy.cuts == 2
    assert result.text == "word " * 30
    assert len(await session.turns().all()) == 1


async def test_a_service_that_is_gone_for_good_is_given_up(connect: Connect) -> None:
    connected = await connect(Say("word " * 400, delay=0.02))
    address = connected.api.http.base_url
    assert address.port is not None
    async with (
        scissors(address.host, address.port, 10_000, events=-1) as proxy,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        client = AsyncAgentServing(base_url=proxy.url, http_client=http, max_retries=2)
        session = await connected.client.sessions.create()
        turn = await session.start("Hi")
        source = client.events.follow(session.id, turn_id=turn.id)
        with pytest.raises(APIConnectionError):
            async for _ in source:
                pass
        await turn.cancel()


@given(st.lists(st.text(max_size=20), max_size=5), st.data())
def test_events_are_the_same_however_their_bytes_are_cut(texts: list[str], data: Any) -> None:
    lines = [text.replace("\n", "").replace("\r", "") for text in texts]
    whole = b"retry: 1\n\n: ping\n\n" + b"".join(
        f"id: 1\nevent: x\ndata: {line}\n\n".encode() for line in lines
    )
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=8).map(sorted))
    reader, found = FrameReader(), []
    for start, end in zip([0, *places], [*places, len(whole)], strict=True):
        found += reader.feed(whole[start:end])
    assert found == lines
