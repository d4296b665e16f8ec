"""A batch is run to its end, once, whichever process dies on the way, and in nobody's way."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.domain.batch import Batch
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.summary import Summary
from agent_serving.domain.values import TenantBudget
from agent_serving.runtime import leases, runners, spreading
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.batches import BatchDraft, BatchResult, RequestDraft
from agent_serving.runtime.service import Service
from agent_serving.scheduling.classes import batch_window
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, open_session, say

WRITES = {
    "append", "publish", "acquire_lease", "renew_lease", "release_lease", "hand_over",
    "take", "park", "settle", "forget",
}  # fmt: skip


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 1000)
    monkeypatch.setattr(leases, "MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(runners, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(spreading, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(spreading, "ADOPT_SECONDS", 0.2)


async def draft(service: Service, count: int, text: str = "say {}") -> BatchDraft:
    agent = await service.agents.resolve(AgentDraft(name="test", tools=("add",)))
    requests = [
        RequestDraft(custom_id=f"row {n}", agent=0, input=(text.format(n),)) for n in range(count)
    ]
    return BatchDraft(agents=(agent.but(service_class="batch"),), requests=tuple(requests))


async def make(service: Service, count: int, **more: Any) -> Batch:
    return (await service.batches.create(TENANT, await draft(service, count, **more))).value


async def until(
    service: Service, batch: Batch, reached: Callable[[Batch], bool], seconds: float = 60
) -> Batch:
    async with asyncio.timeout(seconds):
        while not reached(found := await service.batches.get(TENANT, batch.id)):
            counts = (
                found.queued, found.in_progress, found.waiting, found.completed, found.incomplete,
                found.failed, found.cancelled,
            )  # fmt: skip
            assert sum(counts) == found.total
            assert min(counts) >= 0
            await asyncio.sleep(0.05)
    return found


def over(batch: Batch) -> bool:
    return batch.ended_at is not None


async def results(service: Service, batch: Batch) -> list[BatchResult]:
    found = await service.batches.get(TENANT, batch.id)
    return list(await service.batches.results(found, range(batch.total)))


async def sessions_of(service: Service) -> list[Summary]:
    listing = await service.ports.store.list_sessions(
        TENANT, limit=1000, after=None, before=None, descending=False
    )
    return [Summary.model_validate_json(row) for row in listing.rows]


async def assert_each_was_run_once(service: Service, batch: Batch) -> None:
    rows = await results(service, batch)
    assert [row.custom_id for row in rows] == [f"row {n}" for n in range(batch.total)]
    assert {row.status for row in rows} == {"completed"}
    sessions = await sessions_of(service)
    assert [session.turn_count for session in sessions] == [1] * batch.total
    assert {session.id for session in sessions} == {row.session_id for row in rows}
    found = await service.batches.get(TENANT, batch.id)
    assert (found.status, found.completed) == ("completed", batch.total)
    assert found.usage.model_steps == sum(row.turn.usage.model_steps for row in rows if row.turn)


class Mortal:
    """A store whose process dies at its n-th write: before the write, or right behind it. From then
    on nothing reaches Redis."""

    def __init__(self, store: RedisSessionStore, at: int, *, written: bool) -> None:
        self._at = at
        self._written = written
        self._writes = itertools.count(1)
        self.dead = asyncio.Event()
        self._store = store
        self.batches = _Mortal(store.batches, self.call)

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._store, name)
        if name in ("aclose", "batches"):
            return inner
        return lambda *args, **named: self.call(name, lambda: inner(*args, **named))

    async def call(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        if self.dead.is_set():
            raise StoreUnavailable("dead")
        if name in WRITES and next(self._writes) == self._at:
            try:
                if self._written:
                    await call()
            finally:
                # Also where the write was refused: a lease may have run out on a slow machine.
                self.dead.set()
            raise StoreUnavailable("dead")
        return await call()


class _Mortal:
    def __init__(self, inner: Any, call: Callable[[str, Any], Awaitable[Any]]) -> None:
        self._inner = inner
        self._call = call

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        return lambda *args, **named: self._call(name, lambda: inner(*args, **named))


async def test_a_batch_larger_than_the_queue_runs_to_its_end(start: Any) -> None:
    engine = ScriptedEngine(lambda _: Say("yes", delay=0.01))
    scheduler = FifoScheduler(engine.workers, max_running_per_worker=4, max_waiting=0)
    window = batch_window(1, 4, 0)
    service = await start(engine, scheduler=scheduler, batch_window=window)
    batch = await make(service, 50)
    await until(service, batch, over)
    await assert_each_was_run_once(service, batch)


async def test_an_online_turn_does_not_wait_behind_a_batch_of_200(start: Any) -> None:
    engine = ScriptedEngine(
        lambda prompt: "now" if "urgent" in prompt else Say("slowly", delay=0.4)
    )
    scheduler = FifoScheduler(engine.workers, max_running_per_worker=4)
    service = await start(engine, scheduler=scheduler, batch_window=batch_window(1, 4, 512))
    batch = await make(service, 200)
    await until(service, batch, lambda found: found.completed >= 3)
    for _ in range(5):
        asked = asyncio.get_running_loop().time()
        turn = await say(service, await open_session(service), "urgent")
        assert turn.output_text == "now"
        # A step of the batch takes longer than the whole turn may.
        [step] = turn.model_steps
        assert step.timings is not None
        assert step.timings.admission_ms < 200
        assert asyncio.get_running_loop().time() - asked < 10
    found = await service.batches.get(TENANT, batch.id)
    assert found.queued > 100
    await service.batches.cancel(TENANT, batch.id)
    await until(service, batch, over)


async def test_another_tenant_s_batch_does_not_wait_behind_a_batch_of_200(start: Any) -> None:
    engine = ScriptedEngine(lambda _: Say("slowly", delay=0.1))
    service = await start(engine, batch_window=4)
    large = await make(service, 200)
    await until(service, large, lambda found: found.completed >= 2)
    small = (await service.batches.create("rival", await draft(service, 4))).value
    async with asyncio.timeout(60):
        while (await service.batches.get("rival", small.id)).ended_at is None:
            await asyncio.sleep(0.05)
    assert (await service.batches.get(TENANT, large.id)).queued > 100
    await service.batches.cancel(TENANT, large.id)
    await until(service, large, over)


async def test_a_batch_that_is_held_up_holds_no_other_up(start: Any) -> None:
    """The tenant's budget is used up: its requests wait, and leave the window to others."""
    engine = ScriptedEngine(lambda _: Say("yes", delay=0.2))
    budgets = {TENANT: TenantBudget(max_steps=2, period="month")}
    service = await start(engine, batch_window=2, tenant_budgets=budgets)
    poor = await make(service, 60)
    # What was taken up before it was used up waits inside its turn.
    await until(service, poor, lambda found: found.completed >= 2)
    await asyncio.sleep(1.5)
    rich = (await service.batches.create("rival", await draft(service, 10))).value
    async with asyncio.timeout(20):
        while (await service.batches.get("rival", rich.id)).ended_at is None:
            await asyncio.sleep(0.05)
    held = await service.batches.get(TENANT, poor.id)
    assert held.ended_at is None
    assert held.failed == 0
    assert held.queued > 10
    await service.batches.cancel(TENANT, poor.id)
    await until(service, poor, over)


@pytest.mark.parametrize("written", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("first", range(1, 41, 8))
async def test_wherever_a_replica_dies_each_request_is_run_once(
    redis: EmbeddedRedis, start: Any, written: bool, first: int
) -> None:
    """Eight replicas die, each at another write; another goes on with what they had."""

    async def one(at: int) -> None:
        prefix = f"mortal{at}{written}"
        engine = ScriptedEngine(lambda prompt: Say("yes " * 3, chunk=4))
        odd = Mortal(RedisSessionStore.connect(redis.url, prefix=prefix), at, written=written)
        doomed = await start(engine, store=odd, batch_window=2)
        batch = await make(doomed, 5)
        await asyncio.wait_for(odd.dead.wait(), 30)
        heir = await start(
            engine, store=RedisSessionStore.connect(redis.url, prefix=prefix), batch_window=2
        )
        await until(heir, batch, over)
        await assert_each_was_run_once(heir, batch)
        async with asyncio.timeout(10):
            while await heir.ports.store.batches.unfinished():
                await asyncio.sleep(0.05)

    await asyncio.gather(*(one(at) for at in range(first, first + 8)))


async def test_a_batch_on_two_replicas_is_spread_by_one_and_runs_once(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 5000)
    engine = ScriptedEngine(lambda _: Say("yes", delay=0.02))
    first, second = await start(engine), await start(engine)
    batches = [await make(service, 10) for service in (first, second, first)]
    for batch in batches:
        await until(second, batch, over)
    sessions = await sessions_of(first)
    assert [session.turn_count for session in sessions] == [1] * 30
    assert len(engine.requests) == 30


async def test_a_replica_that_ends_hands_its_batches_over_at_once(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 60_000)
    engine = ScriptedEngine(lambda _: Say("yes", delay=0.05))
    first, second = await start(engine, batch_window=2), await start(engine, batch_window=2)
    batch = await make(first, 20)
    await until(first, batch, lambda found: found.completed >= 2)
    await first.drain(5)
    await until(second, batch, over, 20)
    await assert_each_was_run_once(second, batch)


async def test_a_service_ends_in_the_moment_in_which_there_is_news(start: Any) -> None:
    for _ in range(20):
        service = await start(ScriptedEngine(["yes"]))
        await make(service, 1)
        await asyncio.sleep(0.05)
        service._spreading.nudge()
        await asyncio.wait_for(service._spreading.stop(), 5)


async def test_a_cancel_that_the_owner_does_not_live_to_see_is_carried_out(
    redis: EmbeddedRedis, prefix: str, start: Any
) -> None:
    engine = ScriptedEngine([Say("endless " * 4000, delay=0.05)])
    odd = OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    first = await start(engine, store=odd, batch_window=3)
    batch = await make(first, 30)
    await until(first, batch, lambda found: found.in_progress == 3)
    async with asyncio.timeout(20):
        while len(engine.requests) < 3:
            await asyncio.sleep(0.02)
    await die(first, odd)
    second = await start(engine, batch_window=3)
    cancelled = await second.batches.cancel(TENANT, batch.id)
    assert cancelled.value.status == "cancelling"
    found = await until(second, batch, over)
    assert (found.status, found.cancelled) == ("cancelled", 30)
    assert len(await sessions_of(second)) == 3
    assert {row.status for row in await results(second, batch)} == {"cancelled"}


async def die(service: Any, odd: OddStore) -> None:
    """As kill -9 has it: the leases stay until they run out, and nobody is told."""

    async def nothing(*_: Any) -> None:
        return

    for last_will in ("append", "publish", "renew_lease", "release_lease", "hand_over"):
        odd.around[last_will] = nothing
    await service.aclose()


async def test_a_request_that_was_reserved_and_not_stored_is_made_by_its_repetition(
    start: Any,
) -> None:
    """As a crash between the two leaves it."""
    service = await start(ScriptedEngine(["yes"]))
    mark = RequestMark(key="k", body="b")
    store = service.ports.store
    await store.reserve(mark, "batch_reserved", at=service.ports.clock.now())
    assert await service.batches.known(TENANT, mark) is None
    made = await service.batches.create(TENANT, await draft(service, 2), mark=mark)
    assert (made.value.id, made.replayed) == ("batch_reserved", False)
    await until(service, made.value, over)
    again = await service.batches.create(TENANT, await draft(service, 2), mark=mark)
    assert (again.value.id, again.replayed) == ("batch_reserved", True)
    await assert_each_was_run_once(service, made.value)


async def test_a_batch_waits_for_an_engine_that_is_down(start: Any) -> None:
    engine = ScriptedEngine(["yes"])
    service = await start(engine)
    wanted = await draft(service, 3)
    engine.go_down()
    batch = (await service.batches.create(TENANT, wanted)).value
    await until(service, batch, lambda found: found.in_progress == 3)
    await asyncio.sleep(1.5)
    found = await service.batches.get(TENANT, batch.id)
    assert (found.in_progress, found.failed) == (3, 0)
    engine.come_up()
    await until(service, batch, over)
    await assert_each_was_run_once(service, batch)


async def test_a_store_that_was_away_for_a_moment_loses_nothing(
    redis: EmbeddedRedis, prefix: str, start: Any
) -> None:
    engine = ScriptedEngine(lambda _: Say("yes", delay=0.05))
    odd = OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    service = await start(engine, store=odd, batch_window=2)
    batch = await make(service, 8)
    for method in ("acquire_lease", "append", "load"):
        odd.fail_once(method)
        await asyncio.sleep(0.1)
    await until(service, batch, over)
    await assert_each_was_run_once(service, batch)
