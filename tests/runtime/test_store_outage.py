from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import LogGone, NotFound, StoreUnavailable
from agent_serving.domain.tool import tool
from agent_serving.runtime import model_step
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.odd_store import OddStore, copy_of, roll_back
from tests.runtime.talk import (
    TENANT,
    begin,
    call,
    open_session,
    reload,
    say,
    settle,
    until,
    until_kept,
)


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """One that a test may stop."""
    server = EmbeddedRedis(tmp_path / "redis", strict=True)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


@pytest.mark.parametrize("written", [True, False], ids=["answers lost", "not written"])
async def test_what_streams_while_the_store_is_away_has_no_hole(
    start: Any, odd: OddStore, written: bool
) -> None:
    """Of a batch that was not acknowledged nobody knows whether it is there."""
    away = 6

    async def publish(write: Any, _: Any) -> None:
        nonlocal away
        away -= 1
        if away >= 0:
            if written:
                await write()
            raise StoreUnavailable("odd: the store is away")
        await write()

    engine = ScriptedEngine([Say("one two three four five six seven eight", delay=0.3)])
    service = await start(engine, store=odd)
    session = await open_session(service)
    turn = await begin(service, session, "go")
    async with asyncio.timeout(20):
        while not await told(service, session):
            await asyncio.sleep(0.01)
    odd.around["publish"] = publish
    await settle(service, session, turn)
    assert away < 0
    assert await told(service, session) == "one two three four five six seven eight"


async def told(service: Any, session: Any) -> str:
    """The deltas, as a follower puts them together."""
    events = await service.feed.page(session, 0, 1000)
    return "".join(e.data["delta"] for e in events if e.type == "output_text.delta")


async def test_a_turn_rides_out_an_outage_and_its_running_call_with_it(
    start: Any, own_redis: EmbeddedRedis, witness: Path
) -> None:
    started = asyncio.Event()

    @tool(effect="once", timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        started.set()
        await asyncio.sleep(1.5)
        return "worked"

    @tool(effect="once")
    def mark() -> str:
        """Mark."""
        return "marked"

    reply = call("work", "{}") + "\n" + " " * 100 + call("mark", "{}")
    engine = ScriptedEngine([Say(reply, delay=0.05), "Done."])
    store = RedisSessionStore.connect(own_redis.url)
    service = await start(engine, tools=[work, mark], store=store)
    session = await open_session(service, tools=["work", "mark"])
    turn = await begin(service, session, "go")
    await asyncio.wait_for(started.wait(), 10)
    await own_redis.stop()
    await asyncio.sleep(7)
    await own_redis.start()
    turn = await settle(service, session, turn)
    assert (turn.status, turn.output_text) == ("completed", "Done.")
    assert witness.read_text() == "x"
    assert [s.result.outcome for s in turn.tool_steps if s.result] == ["ok", "ok"]


@pytest.mark.parametrize(
    "fact",
    ["step_planned", "tool_started", "model_replied", "step_restarted", "tool_finished"],
)
async def test_a_fact_whose_answer_was_lost_counts_once(
    start: Any, odd: OddStore, witness: Path, fact: str
) -> None:
    @tool(effect="once")
    async def mark() -> str:
        """Leave a mark."""
        with witness.open("a") as file:
            file.write("x")
        return "marked"

    reply = call("mark", "{}")
    engine = ScriptedEngine([Break("Hel"), Say(reply), "Marked."])
    service = await start(engine, tools=[mark], store=odd)
    session = await open_session(service, tools=["mark"])
    odd.lose_answers(fact)
    turn = await say(service, session, "go")
    assert (turn.status, turn.output_text) == ("completed", "Marked.")
    assert witness.read_text() == "x"
    first = turn.model_steps[0]
    assert [attempt.number for attempt in first.attempts] == [1, 2]
    known = (*engine.requests[0].prompt, *engine.encode(reply))
    assert tuple(engine.requests[2].prompt)[: len(known)] == known
    assert engine.decode(engine.requests[2].prompt).count("marked") == 1


async def test_the_failure_of_a_step_whose_answer_was_lost_is_no_surprise(
    start: Any, odd: OddStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_step, "BACKOFF_SECONDS", 0.0)
    service = await start(ScriptedEngine([Break("Hel")]), store=odd)
    session = await open_session(service)
    odd.lose_answers("step_failed")
    turn = await say(service, session, "go")
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "engine_unavailable"
    assert [attempt.number for attempt in turn.model_steps[0].attempts] == [1, 2, 3]
    assert [r.message for r in caplog.records if r.name.startswith("agent_serving")] == []


async def test_the_failure_of_a_plan_whose_answer_was_lost_is_told_once(
    start: Any, odd: OddStore
) -> None:
    @tool(effect="pure")
    def shout() -> str:
        """Say more than fits."""
        return "x" * 5000

    engine = ScriptedEngine([call("shout", "{}")], context_length=3000)
    service = await start(engine, tools=[shout], store=odd)
    session = await open_session(service, tools=["shout"])
    odd.lose_answers("step_failed")
    turn = await say(service, session, "go")
    assert turn.error is not None
    assert turn.error.code == "context_length_exceeded"
    events = await service.feed.page(session, 0, 1000)
    assert [event.type for event in events].count("error") == 1


async def test_a_doubt_whose_answer_was_lost_disturbs_no_other_call(
    start: Any, odd: OddStore, witness: Path
) -> None:
    def leave(mark: str) -> None:
        with witness.open("a") as file:
            file.write(mark)

    @tool(effect="idempotent", timeout=30)
    async def look() -> str:
        """Look."""
        leave("l")
        await asyncio.sleep(1.5)
        return "seen"

    @tool(effect="once", timeout=30)
    async def pay() -> str:
        """Pay."""
        leave("p")
        await asyncio.sleep(30)
        return "paid"

    tools = [look, pay]
    engine = ScriptedEngine([f"{call('look', '{}')}\n{call('pay', '{}')}"])
    first = await start(engine, tools=tools)
    session = await open_session(first, tools=["look", "pay"])
    turn = await begin(first, session, "go")
    async with asyncio.timeout(10):
        while witness.read_text() != "lp":
            await asyncio.sleep(0.01)
    await first.aclose()
    odd.lose_answers("tool_doubted")
    turn = await settle(await start(engine, tools=tools, store=odd), session, turn)
    assert turn.status == "waiting"
    assert [step.status for step in turn.tool_steps] == ["completed", "in_doubt"]
    assert witness.read_text() == "lpl"


async def test_a_store_that_lost_its_last_facts_is_believed(
    start: Any, redis: EmbeddedRedis
) -> None:
    engine = ScriptedEngine(["one", "two", "three"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    copy = await copy_of(redis.url, session.id)
    await say(service, session, "2")
    await roll_back(redis.url, session.id, copy)
    turn = await say(service, session, "3")
    assert turn.output_text == "three"
    assert [t.output_text for t in (await reload(service, session)).turns] == ["one", "three"]
    prompt = engine.decode(engine.requests[2].prompt)
    assert "one" in prompt
    assert "two" not in prompt


async def test_a_turn_whose_facts_were_lost_goes_on_from_what_is_left(
    start: Any, redis: EmbeddedRedis
) -> None:
    engine = ScriptedEngine(["one", Say("never heard " * 20, delay=0.05), "three"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    copy = await copy_of(redis.url, session.id)
    await begin(service, session, "2")
    await until_kept(service, session, len("never"))
    await roll_back(redis.url, session.id, copy)
    await idle(service)
    assert (await say(service, session, "3")).output_text == "three"


async def idle(service: Any) -> None:
    await until(lambda: not service._runners._tasks)


async def test_a_session_that_expires_in_mid_turn_asks_no_more_of_the_engine(start: Any) -> None:
    engine = ScriptedEngine([Say("word " * 60, delay=0.15)])
    service = await start(engine)
    agent = (await open_session(service)).agent
    session = (await service.sessions.open(TENANT, agent, ttl_seconds=3)).value
    turn = await begin(service, session, "go")
    with pytest.raises((LogGone, NotFound)):
        await settle(service, session, turn)
    await idle(service)
    await asyncio.sleep(1)
    assert len(engine.requests) == 1
    assert not service._runners._tasks


async def test_a_delete_that_broke_off_can_be_made_again(start: Any, odd: OddStore) -> None:
    from agent_serving.domain.errors import StoreUnavailable

    service = await start(ScriptedEngine(), store=odd)
    session = await open_session(service)
    odd.fail_once("delete_session")
    with pytest.raises(StoreUnavailable):
        await service.sessions.delete(TENANT, session.id)
    await service.sessions.delete(TENANT, session.id)
    with pytest.raises(NotFound):
        await reload(service, session)


async def test_time_running_out_while_a_call_is_claimed_leaves_the_transcript_exact(
    start: Any, odd: OddStore
) -> None:
    from agent_serving.domain.values import Limits

    reply = call("add", '{"a": 1, "b": 2}')
    engine = ScriptedEngine([Say(reply + " " * 50, chunk=len(reply), delay=0.2), "next"])
    service = await start(engine, store=odd)
    session = await open_session(service, limits=Limits(max_seconds=2))
    odd.delay("tool_started", 4.0)
    turn = await say(service, session, "go")
    assert (turn.status, turn.reason) == ("incomplete", "max_seconds")
    odd.around.clear()
    await service.sessions.change(TENANT, session.id, metadata=None, limits=Limits())
    assert (await say(service, session, "again")).output_text == "next"
    assert engine.decode(engine.requests[1].prompt).count("<tool_call>") == 1
