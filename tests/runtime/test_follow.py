from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from agent_serving.domain.feed import TERMINAL_EVENTS
from agent_serving.runtime import follow
from agent_serving.runtime.follow import SessionEvent, is_dropped
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle

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


async def followed(service: Any, session: Any) -> Any:
    """The one reader of the session's feed, once it reads what happens."""
    async with asyncio.timeout(20):
        while (tail := service.feed._tails.get(session.id)) is None or tail.task is None:
            await asyncio.sleep(0.01)
    return tail


async def test_a_follower_that_is_too_slow_is_told_and_gets_whole_items(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "QUEUE_EVENTS", 8)
    service = await start(ScriptedEngine([Say("word " * 60, delay=0.03), "Short."]))
    session = await open_session(service)
    slow: list[SessionEvent] = []

    async def dawdle() -> None:
        async with aclosing(service.feed.follow(session, 0)) as feed:
            async for event in feed:
                slow.append(event)
                if event.type == "step.started":
                    await reading.wait()
                if event.type in TERMINAL_EVENTS and event.turn_id == turns[-1].id:
                    return

    reading, turns = asyncio.Event(), list[Any]()
    following = asyncio.create_task(dawdle())
    await followed(service, session)
    turns.append(await begin(service, session, "one"))
    await settle(service, session, turns[0])
    turns.append(await say(service, session, "two"))
    reading.set()
    await asyncio.wait_for(following, 20)

    notices = [event for event in slow if is_dropped(event)]
    assert len(notices) == 1
    place = slow.index(notices[0])
    assert notices[0].sequence == slow[place - 1].sequence
    rest = [event for event in slow if not is_dropped(event)]
    sequences = [event.sequence for event in rest]
    assert sequences == sorted(set(sequences))
    everything = await service.feed.page(session, 0, 10_000)
    missing = {event.sequence for event in everything} - set(sequences)
    assert {e.type for e in everything if e.sequence in missing} == {"output_text.delta"}
    done = [e.data["item"]["text"] for e in rest if e.type == "item.done"]
    assert done == ["one", "word " * 60, "two", "Short."]


async def test_the_deltas_of_an_item_that_goes_on_are_kept_for_a_slow_follower(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "QUEUE_EVENTS", 8)
    service = await start(ScriptedEngine([Say("word " * 100, delay=0.03)]))
    session = await open_session(service)

    async def dawdle() -> list[SessionEvent]:
        slow: list[SessionEvent] = []
        async with aclosing(service.feed.follow(session, 0)) as feed:
            async for event in feed:
                slow.append(event)
                while event.type == "step.started" and not tail.lagging:
                    await asyncio.sleep(0.01)
                if event.type in TERMINAL_EVENTS:
                    break
        return slow

    following = asyncio.create_task(dawdle())
    tail = await followed(service, session)
    await begin(service, session, "go")
    slow = await asyncio.wait_for(following, 20)
    assert sum(map(is_dropped, slow)) >= 1
    deltas = [e.data["delta"] for e in slow if e.type == "output_text.delta"]
    assert "".join(deltas) == "word " * 100


async def test_a_stuck_follower_does_not_slow_the_turn(start: Any) -> None:
    service = await start(ScriptedEngine([Say("word " * 20, delay=0.01)]))
    session = await open_session(service)
    stuck = [service.feed.follow(session, 0) for _ in range(100)]
    for feed in stuck:
        await anext(feed)
    loop = asyncio.get_running_loop()
    before = loop.time()
    turn = await say(service, session, "go")
    assert turn.status == "completed"
    assert loop.time() - before < 5
    for feed in stuck:
        await feed.aclose()


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_feed_is_read_to_its_end_however_many_entries_a_page_has(
    start: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    await say(service, session, "1+2?")
    session = await reload(service, session)
    events = await follow_to_the_end(service, session)
    monkeypatch.setattr(follow, "PAGE_ENTRIES", size)
    assert await follow_to_the_end(service, session) == events
    assert (await service.feed.page(session, 0, 10_000))[: len(events)] == events
