"""Two replicas, two callers, two moments: what must hold whoever comes first."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.feed import TERMINAL_EVENTS
from agent_serving.domain.values import Limits, ToolSpec
from agent_serving.ports import Append
from agent_serving.runtime import adoption
from agent_serving.runtime import journal as journal_module
from agent_serving.runtime.follow import SessionEvent
from agent_serving.runtime.inputs import ToolResultInput
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle, until_kept

SLOW = Say("word " * 30, delay=0.04)


async def test_who_waits_on_another_replica_sees_the_turn_settle(start: Any) -> None:
    engine = ScriptedEngine([SLOW])
    here, there = await start(engine), await start(engine)
    session = await open_session(here)
    await asyncio.sleep(0.2)  # both have looked for open turns, and will not again for a while
    turn = await begin(here, session, "go")
    settled = await settle(there, session, turn)
    assert settled.status == "completed"


async def test_who_waits_on_another_replica_for_a_turn_behind_one_that_waits_sees_it_settle(
    start: Any,
) -> None:
    ask = ToolSpec(name="ask", executor="client")
    engine = ScriptedEngine([call("ask", "{}"), "OK.", "Second."])
    here, there = await start(engine), await start(engine)
    session = await open_session(here, tools=[ask])
    first = await say(here, session, "go")
    queued = await begin(there, session, "more", on_conflict="queue")
    waiting = asyncio.create_task(settle(there, session, queued))
    await asyncio.sleep(0.2)  # nothing is due now, neither here nor there
    answer = ToolResultInput(call_id=first.waiting_for[0], output="x")
    await here.inputs.answer(TENANT, session.id, first.id, [answer])
    assert (await settle(here, session, queued)).output_text == "Second."
    assert (await waiting).output_text == "Second."


async def test_a_replica_that_takes_over_voids_what_the_lost_one_streamed(start: Any) -> None:
    engine = ScriptedEngine([Say("Never finished " * 50, delay=0.05), "Finished."])
    first = await start(engine)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until_kept(first, session, len("Never"))
    await asyncio.sleep(0.5)
    await first.aclose()
    second = await start(engine)
    turn = await settle(second, session, turn)
    events = await events_of_turn(second, session)
    types = [event.type for event in events]
    restarted = types.index("step.restarted")
    assert "output_text.delta" in types[:restarted]
    after = "".join(e.data["delta"] for e in events[restarted:] if e.type == "output_text.delta")
    assert after == "Finished."
    step = turn.model_steps[0]
    assert [attempt.status for attempt in step.attempts] == ["failed", "completed"]
    assert step.attempts[0].error is not None
    assert step.attempts[0].error.code == "lost"
    assert step.timings.total_ms >= 500
    assert step.timings.orchestration_ms >= 0


async def events_of_turn(service: Any, session: Any) -> list[SessionEvent]:
    session, events = await reload(service, session), []
    async with asyncio.timeout(20), aclosing(service.feed.follow(session, 0)) as feed:
        async for event in feed:
            events.append(event)
            if event.type in TERMINAL_EVENTS:
                break
    return events


async def test_a_step_that_fails_has_taken_the_time_of_its_attempts(start: Any) -> None:
    lost = [Break("a" * 5)] * 3
    service = await start(ScriptedEngine(lost))
    session = await open_session(service)
    step = (await say(service, session, "hi")).model_steps[0]
    attempts = sum(attempt.timings.total_ms for attempt in step.attempts)
    assert step.timings.total_ms >= attempts > 0
    assert step.timings.orchestration_ms >= 0


async def test_tokens_of_lost_attempts_count_for_the_limit(start: Any) -> None:
    engine = ScriptedEngine([Break("a" * 60), "b" * 60])
    service = await start(engine)
    session = await open_session(service, limits=Limits(max_output_tokens=100))
    turn = await say(service, session, "hi")
    assert (turn.status, turn.reason) == ("incomplete", "max_output_tokens")
    assert turn.usage.output_tokens <= 100
    assert [request.max_new_tokens for request in engine.requests] == [100, 40]


async def test_a_steer_that_comes_too_late_starts_a_turn(start: Any, monkeypatch: Any) -> None:
    service = await start(ScriptedEngine([SLOW, "second"]))
    session = await open_session(service)
    first = await begin(service, session, "one")
    steer = service.sessions.steer

    async def late(*args: Any, **given: Any) -> Any:
        await settle(service, session, first)
        return await steer(*args, **given)

    monkeypatch.setattr(service.sessions, "steer", late)
    second = await say(service, session, "two", on_conflict="steer")
    assert second.id != first.id
    assert second.output_text == "second"


async def test_a_session_that_cannot_be_read_keeps_no_other_from_being_adopted(
    start: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(adoption, "ADOPT_SECONDS", 0.1)
    engine = ScriptedEngine([Say("never finished " * 50, delay=0.05), "finished"])
    first = await start(engine)
    broken = "sess_" + "0" * 26  # comes before all others
    append = Append(broken, TENANT, 0, b'{"type":"of_the_future"}', 1, b"{}", open=True)
    await first.ports.store.append(append)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until_kept(first, session, len("never"))
    await first.aclose()
    second = await start(engine)
    async with asyncio.timeout(20):
        while session.id in await second.ports.store.open_sessions():
            await asyncio.sleep(0.1)
    assert (await settle(second, session, turn)).output_text == "finished"


async def test_a_session_has_one_journal_however_many_are_cached(
    start: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(journal_module, "CACHED_SESSIONS", 1)
    service = await start(ScriptedEngine())
    session, other = await open_session(service), await open_session(service)
    journals = service.sessions._journals
    held = await journals.open(session.id, TENANT)
    await journals.open(other.id, TENANT)
    assert len(journals._cached) == 1
    assert await journals.open(session.id, TENANT) is held


async def test_a_cursor_from_nowhere_takes_no_events_from_other_followers(start: Any) -> None:
    service = await start(ScriptedEngine(["Hello!"]))
    session = await open_session(service)

    async def astray() -> None:
        async with aclosing(service.feed.follow(session, 10**9)) as feed:
            async for _ in feed:
                pass

    lost = asyncio.create_task(astray())
    await asyncio.sleep(0.1)
    following = asyncio.create_task(events_of_turn(service, session))
    await asyncio.sleep(0.1)
    await say(service, session, "hi")
    assert (await following)[-1].type == "turn.completed"
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    assert not service.feed._tails


async def test_a_follower_that_leaves_early_leaves_nothing_behind(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    async with aclosing(service.feed.follow(session, 0)) as feed:
        await anext(feed)
    assert not service.feed._tails


async def test_a_fork_of_a_fork_can_go_further_back(start: Any) -> None:
    engine = ScriptedEngine(["one", "two", "three"])
    service = await start(engine)
    session = await open_session(service)
    first = await say(service, session, "1")
    await say(service, session, "2")
    fork = (await service.forks.fork(TENANT, session.id)).value
    further = (await service.forks.fork(TENANT, fork.id, at_turn=first.id)).value
    assert [turn.id for turn in further.turns] == [first.id]
    assert "two" not in engine.decode(
        await service.ports.store.tokens(further.id, 0, further.token_count)
    )
    await say(service, further, "3")
    shared = (*engine.requests[0].prompt, *engine.encode("one"))
    assert tuple(engine.requests[2].prompt)[: len(shared)] == shared
    await service.sessions.delete(TENANT, session.id)
    with pytest.raises(InvalidRequest, match="was deleted"):
        await service.forks.fork(TENANT, fork.id, at_turn=first.id)


async def test_a_fork_keeps_the_limits_of_its_session(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    limits = Limits(max_steps=3)
    await service.sessions.change(TENANT, session.id, metadata=None, limits=limits)
    fork = (await service.forks.fork(TENANT, session.id)).value
    assert (await say(service, fork, "hi")).limits == limits


async def test_a_call_answered_twice_at_once_is_not_answered_at_all(start: Any) -> None:
    ask = ToolSpec(name="ask", executor="client")
    service = await start(ScriptedEngine([call("ask", "{}"), "OK."]))
    session = await open_session(service, tools=[ask])
    turn = await say(service, session, "go")
    answers = [ToolResultInput(call_id=turn.waiting_for[0], output=n) for n in (1, 2)]
    with pytest.raises(InvalidRequest, match="twice"):
        await service.inputs.answer(TENANT, session.id, turn.id, answers)
    assert (await reload(service, session)).status == "requires_action"


async def test_a_dialect_that_is_missing_here_fails_the_turn_by_name(start: Any) -> None:
    engine = ScriptedEngine([Say("never finished " * 50, delay=0.05), "finished"])
    first = await start(engine)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until_kept(first, session, len("never"))
    await first.aclose()
    second = await start(engine)
    second.ports.dialects.clear()
    turn = await settle(second, session, turn)
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "engine_unavailable"
