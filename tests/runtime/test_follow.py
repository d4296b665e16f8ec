from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from agent_serving.domain.feed import TERMINAL_EVENTS
from agent_serving.runtime.follow import SessionEvent
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say

ADD = call("add", '{"a": 1, "b": 2}')


async def follow_to_the_end(service: Any, session: Any, after: int = 0) -> list[SessionEvent]:
    events = []
    async with asyncio.timeout(20):
        async with aclosing(service.feed.follow(session, after)) as feed:
            async for event in feed:
                events.append(event)
                if event.type in TERMINAL_EVENTS:
                    return events
    raise AssertionError("the feed ended early")


async def test_a_follower_sees_a_turn_from_its_start_to_its_end(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    following = asyncio.create_task(follow_to_the_end(service, session))
    await asyncio.sleep(0.05)
    await say(service, session, "1+2?")
    events = await following
    types = [event.type for event in events]
    assert types[0] == "session.created"
    for early, late in (
        ("turn.in_progress", "step.started"),
        ("step.started", "item.added"),
        ("item.added", "tool_call.arguments.delta"),
        ("tool_call.arguments.delta", "tool_call.arguments.done"),
        ("tool_call.started", "tool_call.completed"),
        ("tool_call.completed", "output_text.delta"),
        ("output_text.delta", "output_text.done"),
        ("output_text.done", "turn.completed"),
    ):
        assert types.index(early) < types.index(late), (early, late)
    text = "".join(e.data["delta"] for e in events if e.type == "output_text.delta")
    assert text == "It is 3."
    assert len({event.trace_id for event in events if event.turn_id}) == 1


async def test_sequences_grow_and_a_cursor_gives_exactly_what_follows_it(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, Say("It is 3.", delay=0.01)]))
    session = await open_session(service)
    await say(service, session, "1+2?")
    session = await reload(service, session)
    events = await follow_to_the_end(service, session)
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    for event in events[:-1]:
        rest = await follow_to_the_end(service, session, after=event.sequence)
        assert rest == [e for e in events if e.sequence > event.sequence]


async def test_followers_on_two_replicas_see_the_same_events(start: Any) -> None:
    engine = ScriptedEngine([ADD, Say("It is 3, they say.", delay=0.02)])
    here, there = await start(engine), await start(engine)
    session = await open_session(here)
    remote = await reload(there, session)
    both = [
        asyncio.create_task(follow_to_the_end(here, session)),
        asyncio.create_task(follow_to_the_end(there, remote)),
    ]
    await asyncio.sleep(0.05)
    await say(here, session, "1+2?")
    first, second = await asyncio.gather(*both)
    assert first == second


async def test_a_late_follower_reads_the_items_when_the_deltas_are_gone(start: Any) -> None:
    service = await start(ScriptedEngine(["Hello!"]))
    session = await open_session(service)
    await say(service, session, "hi")
    events = await follow_to_the_end(service, session)
    facts_only = [e for e in events if e.type not in ("item.added", "output_text.delta")]
    done = [e.data["item"]["text"] for e in facts_only if e.type == "item.done"]
    assert done == ["hi", "Hello!"]


async def test_a_restarted_step_voids_the_text_before_it(start: Any) -> None:
    service = await start(ScriptedEngine([Break("Hel"), "Hello!"]))
    session = await open_session(service)
    await say(service, session, "hi")
    events = await follow_to_the_end(service, session)
    types = [event.type for event in events]
    restarted = types.index("step.restarted")
    assert "output_text.delta" in types[:restarted]
    after = "".join(e.data["delta"] for e in events[restarted:] if e.type == "output_text.delta")
    assert after == "Hello!"


async def test_following_ends_when_the_session_is_deleted(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)

    async def follow() -> list[str]:
        return [event.type async for event in service.feed.follow(session, 0) if event]

    following = asyncio.create_task(follow())
    await asyncio.sleep(0.1)
    await service.sessions.delete(TENANT, session.id)
    assert (await asyncio.wait_for(following, 20))[-1] == "session.closed"


async def test_many_followers_read_the_store_once(start: Any) -> None:
    service = await start(ScriptedEngine([Say("word " * 40, delay=0.01)]))
    session = await open_session(service)
    followers = [asyncio.create_task(follow_to_the_end(service, session)) for _ in range(50)]
    await asyncio.sleep(0.1)
    await begin(service, session, "go")
    everything = await asyncio.gather(*followers)
    assert all(events == everything[0] for events in everything)
    assert len(service.feed._tails) == 0


async def test_a_quiet_feed_pings(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    async with aclosing(service.feed.follow(session, 1, ping_seconds=0.05)) as feed:
        assert await asyncio.wait_for(anext(feed), 5) is None


async def test_a_page_of_events_can_be_filtered(start: Any) -> None:
    service = await start(ScriptedEngine(["Hello!"]))
    session = await open_session(service)
    await say(service, session, "hi")
    page = await service.feed.page(session, 0, 2, lambda e: e.type == "item.done")
    assert [event.type for event in page] == ["item.done", "item.done"]
