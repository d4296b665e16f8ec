from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_serving.domain.errors import NotFound, SessionBusy, TurnNotActive
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle

SLOW = Say("word " * 100, delay=0.02)


async def streaming(engine: ScriptedEngine, requests: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(engine.requests) < requests:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)


async def test_reject_refuses_a_second_turn(start: Any) -> None:
    engine = ScriptedEngine([SLOW])
    service = await start(engine)
    session = await open_session(service)
    first = await begin(service, session, "one")
    with pytest.raises(SessionBusy, match=first.id):
        await begin(service, session, "two")
    assert len((await reload(service, session)).turns) == 1


async def test_queue_runs_turns_in_their_order(start: Any) -> None:
    engine = ScriptedEngine([SLOW, "second", "third"])
    service = await start(engine)
    session = await open_session(service)
    await begin(service, session, "one")
    second = await begin(service, session, "two", on_conflict="queue")
    third = await begin(service, session, "three", on_conflict="queue")
    assert (second.status, third.status) == ("queued", "queued")
    assert (await settle(service, session, third)).output_text == "third"
    turns = (await reload(service, session)).turns
    assert [turn.output_text for turn in turns[1:]] == ["second", "third"]


async def test_interrupt_keeps_what_was_said_and_goes_on_with_the_new_turn(start: Any) -> None:
    engine = ScriptedEngine([SLOW, "Yes?"])
    service = await start(engine)
    session = await open_session(service)
    first = await begin(service, session, "one")
    await streaming(engine)
    second = await begin(service, session, "stop!", on_conflict="interrupt")
    assert (await settle(service, session, second)).output_text == "Yes?"
    first = await settle(service, session, first)
    assert (first.status, first.reason) == ("cancelled", "interrupt")
    assert first.output_text.startswith("word")
    assert engine.aborted == [engine.requests[0].rid]
    assert engine.decode(engine.requests[1].prompt).count("word") >= 1


async def test_steer_is_heard_at_the_next_step_boundary(start: Any) -> None:
    engine = ScriptedEngine([SLOW, "In short: no."])
    service = await start(engine)
    session = await open_session(service)
    first = await begin(service, session, "one")
    await streaming(engine)
    steered = await begin(service, session, "be brief", on_conflict="steer")
    assert steered.id == first.id
    turn = await settle(service, session, first)
    assert turn.output_text == "In short: no."
    assert "be brief" in engine.decode(engine.requests[1].prompt)
    assert len((await reload(service, session)).turns) == 1


async def test_cancel_aborts_the_engine_and_is_idempotent(start: Any) -> None:
    engine = ScriptedEngine([SLOW, "on we go"])
    service = await start(engine)
    session = await open_session(service)
    turn = await begin(service, session, "one")
    await streaming(engine)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await settle(service, session, turn)
    assert turn.status == "cancelled"
    assert engine.aborted
    await service.sessions.cancel(TENANT, session.id, turn.id)
    assert (await say(service, session, "next")).output_text == "on we go"


async def test_cancel_of_a_completed_turn_is_refused(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    turn = await say(service, session, "one")
    with pytest.raises(TurnNotActive, match="completed already"):
        await service.sessions.cancel(TENANT, session.id, turn.id)


async def test_a_queued_turn_can_be_cancelled(start: Any) -> None:
    service = await start(ScriptedEngine([SLOW]))
    session = await open_session(service)
    await begin(service, session, "one")
    second = await begin(service, session, "two", on_conflict="queue")
    await service.sessions.cancel(TENANT, session.id, second.id)
    assert (await settle(service, session, second)).status == "cancelled"


async def test_cancel_stops_a_running_tool_and_answers_its_call(start: Any) -> None:
    from agent_serving.domain.tool import tool

    cancelled = asyncio.Event()
    started = asyncio.Event()

    @tool(effect="pure", timeout=30)
    async def wait() -> str:
        """Wait."""
        started.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ""

    engine = ScriptedEngine([call("wait", "{}"), "after"])
    service = await start(engine, tools=[wait])
    session = await open_session(service, tools=["wait"])
    turn = await begin(service, session, "one")
    await asyncio.wait_for(started.wait(), 10)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await settle(service, session, turn)
    assert cancelled.is_set()
    assert [s.result.outcome for s in turn.tool_steps if s.result] == ["cancelled"]
    assert (await say(service, session, "next")).output_text == "after"


async def test_a_deleted_session_is_gone_and_the_engine_is_told(start: Any) -> None:
    engine = ScriptedEngine([SLOW])
    service = await start(engine)
    session = await open_session(service)
    await begin(service, session, "one")
    await streaming(engine)
    await service.sessions.delete(TENANT, session.id)
    with pytest.raises(NotFound):
        await reload(service, session)
    assert engine.closed_sessions == [session.id]
    assert engine.aborted


async def test_another_tenant_sees_no_session(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    with pytest.raises(NotFound):
        await service.sessions.get("somebody", session.id)
