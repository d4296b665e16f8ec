"""A session has one owner: whoever was it before can neither write nor act any more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import Fenced, ShuttingDown
from agent_serving.domain.tool import ToolContext, tool
from agent_serving.ports import Lease
from agent_serving.runtime import adoption, leases
from agent_serving.runtime.leases import HeldLease
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle, until


class Partition:
    """Cuts a service off from its lease: renewals get no answer until it is healed."""

    def __init__(self, odd: OddStore) -> None:
        self._healed = asyncio.Event()

        async def hang(renew: Any, _: Any) -> Any:
            await self._healed.wait()
            return await renew()

        odd.around["renew_lease"] = hang

    def heal(self) -> None:
        self._healed.set()


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


async def adopted(service: Any, session: Any, turn: Any) -> Any:
    """The turn once it is settled, by a replica that nobody has asked for it."""
    async with asyncio.timeout(20):
        while True:
            now = (await reload(service, session)).turn(turn.id)
            if now is not None and now.status not in ("queued", "in_progress"):
                return now
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("short_leases")
async def test_a_partitioned_owner_is_superseded_and_stops_at_once(
    start: Any, odd: OddStore
) -> None:
    """It streams on without knowing; from the takeover on nothing of it is seen or kept."""
    engine = ScriptedEngine([Say("stale " * 400, delay=0.05), "fresh"])
    first = await start(engine, store=odd)
    session = await open_session(first)
    partition = Partition(odd)
    turn = await begin(first, session, "go")
    await until(lambda: engine.requests)
    second = await start(engine)
    began = asyncio.get_running_loop().time()
    ended = await adopted(second, session, turn)
    assert (ended.status, ended.output_text) == ("completed", "fresh")
    assert asyncio.get_running_loop().time() - began < 10
    events = await second.feed.page(await reload(second, session), 0, 10_000)
    void = max(e.sequence for e in events if e.type == "step.restarted")
    texts = [e.data["delta"] for e in events if e.type == "output_text.delta" if e.sequence > void]
    assert "".join(texts) == "fresh"
    version = (await reload(second, session)).version
    partition.heal()
    await until(lambda: engine.requests[0].rid in engine.aborted)
    await until(lambda: not first._runners.runs(session.id))
    assert (await reload(second, session)).version == version
    assert (await say(second, session, "again")).status == "completed"


@pytest.mark.usefixtures("short_leases")
async def test_an_owner_that_was_superseded_cancels_its_tools(
    start: Any, odd: OddStore, witness: Path
) -> None:
    stopped, started = asyncio.Event(), asyncio.Event()

    @tool(effect="once", timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            stopped.set()
        return "done"

    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work], store=odd)
    session = await open_session(first, tools=["work"])
    partition = Partition(odd)
    turn = await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 20)
    second = await start(engine, tools=[work])
    doubted = await settle(second, session, turn)
    assert [step.status for step in doubted.tool_steps] == ["in_doubt"]
    partition.heal()
    await asyncio.wait_for(stopped.wait(), 20)
    assert witness.read_text() == "x"


@pytest.mark.usefixtures("short_leases")
async def test_an_owner_that_stood_still_behind_its_claim_does_not_act_on_it(
    start: Any, odd: OddStore, witness: Path
) -> None:
    """The claim is durable, its process stops for longer than the lease, and goes on."""

    @tool(effect="once", timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        return "done"

    engine = ScriptedEngine([call("work", "{}"), "Noted."])
    first = await start(engine, tools=[work], store=odd)
    session = await open_session(first, tools=["work"])
    partition = Partition(odd)
    claimed, woken = asyncio.Event(), asyncio.Event()

    async def stand_still(append: Any, arguments: Any) -> Any:
        sequence = await append()
        if b'"type":"tool_started"' in arguments[0].fact:
            claimed.set()
            await woken.wait()
        return sequence

    odd.around["append"] = stand_still
    turn = await begin(first, session, "go")
    await asyncio.wait_for(claimed.wait(), 20)
    second = await start(engine, tools=[work])
    doubted = await settle(second, session, turn)
    assert doubted.status == "waiting"
    woken.set()
    partition.heal()
    await until(lambda: not first._runners.runs(session.id))
    assert witness.read_text() == ""


async def test_a_lease_that_may_have_run_out_is_renewed_before_anything_is_done(
    start: Any, odd: OddStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 3000)
    monkeypatch.setattr(leases, "MARGIN_SECONDS", 0.0)
    service = await start(ScriptedEngine(), store=odd)
    session = await open_session(service)
    held = await HeldLease.acquire(odd, session.id, "me")
    assert held is not None
    renewals = odd.count("renew_lease")

    async def run_out() -> None:
        monkeypatch.setattr(leases, "LEASE_MS", 300)
        await held.renew()
        renewals.clear()
        monkeypatch.setattr(leases, "LEASE_MS", 3000)
        await asyncio.sleep(0.4)

    await held.certain()
    assert len(renewals) == 0
    await run_out()
    await held.certain()
    assert len(renewals) == 1
    await run_out()
    assert await odd.acquire_lease(session.id, "another", 60_000) == Lease("another", 2)
    with pytest.raises(Fenced):
        await held.certain()


@pytest.mark.usefixtures("short_leases")
async def test_a_lease_is_renewed_through_a_long_call(
    start: Any, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 5000)

    @tool(effect="once", timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        await asyncio.sleep(7)
        return "done"

    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work])
    second = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await say(first, session, "go")
    assert (turn.status, witness.read_text()) == ("completed", "x")
    assert second.load().adopted == 0


async def test_a_call_that_runs_again_has_the_same_idempotency_key(start: Any) -> None:
    keys: list[str] = []

    @tool(effect="idempotent", timeout=30)
    async def work(context: ToolContext) -> str:
        """Work."""
        keys.append(context.headers["idempotency-key"])
        if len(keys) == 1:
            await asyncio.sleep(30)
        return "done"

    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await begin(first, session, "go")
    await until(lambda: keys)
    await first.aclose()
    second = await start(engine, tools=[work])
    turn = await settle(second, session, turn)
    assert turn.output_text == "Done."
    assert keys == [turn.tool_steps[0].call.call_id] * 2


# --- shutting down ---------------------------------------------------------------------------


async def test_a_replica_that_drains_hands_over_at_the_step_boundary(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply under way is kept whole; the next step is another replica's, and at once: it is
    told, it does not have to look."""
    monkeypatch.setattr(adoption, "ADOPT_SECONDS", 12.0)
    reply = call("add", '{"a": 1, "b": 2}')
    engine = ScriptedEngine([Say(reply, delay=0.1), "Three."])
    first = await start(engine)
    second = await start(engine)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until(lambda: engine.requests)
    loop = asyncio.get_running_loop()
    await first.drain(20)
    assert not first._runners.runs(session.id)
    drained = loop.time()
    ended = await adopted(second, session, turn)
    assert loop.time() - drained < 10
    assert (ended.status, ended.output_text) == ("completed", "Three.")
    assert [len(step.attempts) for step in ended.model_steps] == [1, 1]
    assert [step.status for step in ended.tool_steps] == ["completed"]
    assert second.load().adopted == 1


async def test_a_replica_that_drains_lets_a_running_call_end(start: Any, witness: Path) -> None:
    started = asyncio.Event()

    @tool(effect="once", timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        started.set()
        await asyncio.sleep(0.5)
        return "done"

    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work])
    second = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 20)
    await first.drain(20)
    ended = await adopted(second, session, turn)
    assert (ended.status, witness.read_text()) == ("completed", "x")


async def test_a_step_that_outlasts_the_grace_time_is_broken_off_and_goes_on_elsewhere(
    start: Any,
) -> None:
    engine = ScriptedEngine([Say("endless " * 400, delay=0.05), "short"])
    first = await start(engine)
    second = await start(engine)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until(lambda: engine.requests)
    await first.drain(0.2)
    await first.aclose()
    ended = await adopted(second, session, turn)
    assert (ended.status, ended.output_text) == ("completed", "short")


async def test_a_replica_that_drains_takes_no_turn_and_changes_nothing(start: Any) -> None:
    service = await start(ScriptedEngine())
    session = await open_session(service)
    await service.drain(0)
    version = (await reload(service, session)).version
    with pytest.raises(ShuttingDown, match="Nothing was accepted"):
        await begin(service, session, "go")
    assert (await reload(service, session)).version == version


async def test_what_a_draining_replica_hears_of_a_turn_is_acted_on_by_another(start: Any) -> None:
    """A cancel, say, that a load balancer sends to the replica that goes."""
    engine = ScriptedEngine([Say("endless " * 400, delay=0.05)])
    first = await start(engine)
    second = await start(engine)
    session = await open_session(second)
    turn = await begin(second, session, "go")
    await until(lambda: engine.requests)
    await first.drain(0)
    await first.sessions.cancel(TENANT, session.id, turn.id)
    ended = await adopted(second, session, turn)
    assert ended.status == "cancelled"
    assert engine.aborted


async def test_who_runs_a_session_reads_it_again_only_where_something_was_written(
    start: Any, odd: OddStore
) -> None:
    first, second = await start(ScriptedEngine(), store=odd), await start(ScriptedEngine())
    session = await open_session(first)
    await say(first, session, "hi")
    loads = odd.count("load")
    turn = await begin(first, session, "again")
    await settle(first, session, turn)
    assert len(loads) == 2, "to begin the turn, and to wait for it"
    await say(second, session, "and there")
    session = await reload(first, session)
    assert [turn.status for turn in session.turns] == ["completed"] * 3
