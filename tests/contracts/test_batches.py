"""The store of batches: each request is taken up in its turn, and counts once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisKeyring, RedisSessionStore, paging
from agent_serving.adapters.redis.keys import batches_key
from agent_serving.domain.batch import Batch, BatchHead, BatchRequest, Outcome
from agent_serving.domain.errors import Fenced, LogGone, StoreUnavailable
from agent_serving.domain.values import Agent, Failure
from agent_serving.ports import NewBatch, UnderWay
from tests.contracts.stores import Server

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
AGENT = Agent(id="agent_1", name="a", version=1, model="m", dialect="qwen3")
DONE = Outcome(status="completed")


def new(total: int = 3, batch_id: str = "batch_1", **head: Any) -> NewBatch:
    requests = [
        BatchRequest(custom_id=f"row {n}", session_id=f"sess_{n}", agent=0, input=(f"said {n}",))
        for n in range(total)
    ]
    given = {"tenant": "acme", "created_at": NOW} | head
    return NewBatch(BatchHead(id=batch_id, total=total, **given), [AGENT], requests)


async def there(store: RedisSessionStore, batch_id: str = "batch_1") -> Batch:
    batch = await store.batches.get(batch_id)
    assert batch is not None
    return batch


async def settle(
    store: RedisSessionStore, place: int, outcome: Outcome = DONE, **more: Any
) -> None:
    await store.batches.settle("batch_1", place, outcome, **({"at": LATER, "amounts": {}} | more))


async def test_what_was_put_is_there_as_it_was(store: RedisSessionStore) -> None:
    batch = new(3, metadata={"a": "b"})
    assert await store.batches.put(batch)
    assert await there(store) == Batch(**dict(batch.head))
    assert (await there(store)).status == "in_progress"
    rows = await store.batches.rows("batch_1", 0, 10)
    assert [row.request for row in rows] == batch.requests
    assert [(row.place, row.outcome) for row in rows] == [(0, None), (1, None), (2, None)]
    assert [row.place for row in await store.batches.rows("batch_1", 1, 2)] == [1]
    assert await store.batches.rows("batch_1", 3, 9) == []
    found = await store.batches.requests("batch_1", [2, 0, 3])
    assert found == {0: batch.requests[0], 2: batch.requests[2]}
    assert await store.batches.agents("batch_1") == [AGENT]
    assert await store.batches.place("batch_1", "row 2") == 2
    assert await store.batches.place("batch_1", "row 3") is None
    assert await store.batches.unfinished() == ["batch_1"]


async def test_an_id_is_given_once(store: RedisSessionStore) -> None:
    made = await asyncio.gather(*(store.batches.put(new(total)) for total in range(1, 9)))
    assert sum(made) == 1
    total = made.index(True) + 1
    assert (await there(store)).total == total
    assert len(await store.batches.rows("batch_1", 0, 99)) == total


async def test_requests_are_taken_up_in_their_order_and_once(store: RedisSessionStore) -> None:
    await store.batches.put(new(5))
    await store.batches.take("batch_1", 2)
    await store.batches.take("batch_1", 2)
    assert await store.batches.under_way("batch_1") == UnderWay((0, 1), ())
    await settle(store, 0)
    await store.batches.take("batch_1", 1)
    assert await store.batches.under_way("batch_1") == UnderWay((1,), ())
    await store.batches.take("batch_1", 99)
    assert await store.batches.under_way("batch_1") == UnderWay((1, 2, 3, 4), ())
    batch = await there(store)
    assert (batch.taken, batch.in_progress, batch.completed, batch.queued) == (5, 4, 1, 0)


async def test_a_request_counts_once_however_often_it_is_settled(store: RedisSessionStore) -> None:
    await store.batches.put(new(4))
    await store.batches.take("batch_1", 3)
    failed = Outcome(status="failed", error=Failure(code="c", message="m"))
    amounts = {"output_tokens": 3, "input": 5}
    await asyncio.gather(
        *(settle(store, 0, amounts=amounts, currency="EUR") for _ in range(8)),
        *(settle(store, 1, failed) for _ in range(8)),
        *(settle(store, 3) for _ in range(8)),  # not taken up
    )
    batch = await there(store)
    assert (batch.completed, batch.failed, batch.in_progress, batch.queued) == (1, 1, 1, 1)
    assert batch.usage.output_tokens == 3
    assert (batch.cost.currency, batch.cost.total) == ("EUR", Decimal("0.000000005"))
    rows = await store.batches.rows("batch_1", 0, 4)
    assert [row.outcome for row in rows] == [DONE, failed, None, None]


async def test_the_last_one_ends_the_batch(store: RedisSessionStore) -> None:
    await store.batches.put(new(2))
    await store.batches.take("batch_1", 1)
    await settle(store, 0, at=NOW)
    assert (await there(store)).status == "in_progress"  # one is still to come
    await store.batches.take("batch_1", 2)
    await store.batches.park("batch_1", 1, waiting=True)
    batch = await there(store)
    assert (batch.status, batch.waiting, batch.in_progress) == ("in_progress", 1, 0)
    await settle(store, 1)
    batch = await there(store)
    assert (batch.status, batch.waiting, batch.ended_at) == ("completed", 0, LATER)
    await store.batches.forget("batch_1")
    assert await store.batches.unfinished() == []


async def test_what_waits_is_counted_as_often_as_it_is(store: RedisSessionStore) -> None:
    await store.batches.put(new(2))
    await store.batches.take("batch_1", 2)
    for waiting in (True, True, False, False, True):
        await store.batches.park("batch_1", 1, waiting=waiting)
        await store.batches.park("batch_1", 7, waiting=waiting)
    assert (await there(store)).waiting == 1
    assert await store.batches.under_way("batch_1") == UnderWay((0,), (1,))


async def test_a_cancelled_batch_takes_nothing_up_and_ends_with_what_is_under_way(
    store: RedisSessionStore,
) -> None:
    await store.batches.put(new(4))
    await store.batches.take("batch_1", 2)
    await settle(store, 0)
    batch = await store.batches.cancel("batch_1", at=NOW)
    assert batch is not None
    assert (batch.status, batch.cancelled, batch.queued) == ("cancelling", 2, 0)
    await store.batches.take("batch_1", 4)
    assert (await there(store)).taken == 2
    assert await store.batches.cancel("batch_1", at=LATER) == batch
    await settle(store, 1, Outcome(status="cancelled"))
    batch = await there(store)
    assert (batch.status, batch.completed, batch.cancelled) == ("cancelled", 1, 3)
    assert (batch.cancelled_at, batch.ended_at) == (NOW, LATER)


async def test_a_batch_of_which_nothing_is_under_way_is_cancelled_at_once(
    store: RedisSessionStore,
) -> None:
    await store.batches.put(new(4))
    batch = await store.batches.cancel("batch_1", at=NOW)
    assert batch is not None
    assert (batch.status, batch.cancelled, batch.ended_at) == ("cancelled", 4, NOW)
    assert await store.batches.cancel("nobody", at=NOW) is None


async def test_a_completed_batch_stays_completed(store: RedisSessionStore) -> None:
    await store.batches.put(new(1))
    await store.batches.take("batch_1", 1)
    await settle(store, 0)
    batch = await store.batches.cancel("batch_1", at=LATER)
    assert batch == await there(store)
    assert (await there(store)).status == "completed"


async def test_a_tenant_s_batches_are_listed_in_pages_and_no_other_s(
    store: RedisSessionStore,
) -> None:
    for number in range(5):
        await store.batches.put(new(1, f"batch_{number}"))
    await store.batches.put(new(1, "batch_9", tenant="rival"))

    async def page(**query: Any) -> tuple[list[str], bool]:
        given = {"limit": 2, "after": None, "before": None, "descending": False} | query
        found = await store.batches.page("acme", **given)
        return [row.id.removeprefix("batch_") for row in found.rows], found.more

    assert await page() == (["0", "1"], True)
    assert await page(after="batch_1") == (["2", "3"], True)
    assert await page(after="batch_3") == (["4"], False)
    assert await page(before="batch_3") == (["1", "2"], True)
    assert await page(descending=True) == (["4", "3"], True)
    assert await page(descending=True, after="batch_1") == (["0"], False)


async def test_all_of_an_expired_batch_is_gone(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    await store.batches.put(new(3, expires_at=soon))
    await store.batches.take("batch_1", 3)
    await store.batches.park("batch_1", 1, waiting=True)
    await settle(store, 0)
    await asyncio.sleep(1.2)
    left = [key async for key in raw.scan_iter(f"{prefix}:*batch_1*")]
    assert left == []
    assert await store.batches.get("batch_1") is None
    assert (
        await store.batches.page("acme", limit=9, after=None, before=None, descending=True)
    ).rows == ()
    await store.batches.take("batch_1", 3)
    await store.batches.park("batch_1", 1, waiting=True)
    await settle(store, 1)
    assert await store.batches.under_way("batch_1") == UnderWay((), ())
    assert await store.batches.get("batch_1") is None


async def test_a_deleted_batch_leaves_nothing_but_a_mark(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    await store.batches.put(new(2))
    await store.batches.take("batch_1", 1)
    assert not await store.batches.delete("batch_1", "acme")
    await store.batches.cancel("batch_1", at=NOW)
    assert not await store.batches.delete("batch_1", "acme")
    await settle(store, 0)
    assert await store.batches.delete("batch_1", "acme")
    assert await store.batches.delete("batch_1", "acme")
    left = [key async for key in raw.scan_iter(f"{prefix}:*")]
    assert left == [f"{prefix}:{{batch_1}}:gone".encode()]
    with pytest.raises(LogGone):
        await store.batches.put(new(2))
    await settle(store, 0)
    assert await store.batches.get("batch_1") is None


async def test_a_batch_that_is_put_while_it_is_forgotten_is_found(
    store: RedisSessionStore,
) -> None:
    """Somebody has found the entry that `put` writes first, and no batch behind it."""
    with pytest.raises(LogGone):
        await store.acquire_lease("batch_1", "me", 1000)
    await store.batches.put(new(1))
    await store.batches.forget("batch_1")
    assert await store.batches.unfinished() == ["batch_1"]
    await store.batches.cancel("batch_1", at=NOW)
    await store.batches.forget("batch_1")
    assert await store.batches.unfinished() == []


async def test_a_batch_that_is_put_while_a_page_is_read_is_listed(
    store: RedisSessionStore, raw: Redis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await raw.zadd(batches_key(prefix, "acme"), {"batch_1": 0})
    drop = paging.drop

    async def put_and_drop(*given: Any) -> None:
        await store.batches.put(new(1))
        await drop(*given)

    async def listed() -> list[str]:
        page = await store.batches.page("acme", limit=9, after=None, before=None, descending=False)
        return [row.id for row in page.rows]

    with monkeypatch.context() as patched:
        patched.setattr(paging, "drop", put_and_drop)
        assert await listed() == []
    assert await listed() == ["batch_1"]


async def test_a_batch_is_leased_to_one(store: RedisSessionStore) -> None:
    with pytest.raises(LogGone):
        await store.acquire_lease("batch_1", "me", 1000)
    await store.batches.put(new(1))
    lease = await store.acquire_lease("batch_1", "me", 1000)
    assert lease is not None
    assert await store.acquire_lease("batch_1", "other", 1000) is None
    await store.release_lease("batch_1", lease)
    assert await store.acquire_lease("batch_1", "other", 1000) is not None
    with pytest.raises(Fenced):
        await store.renew_lease("batch_1", lease, 1000)


async def test_a_put_is_there_only_when_the_replicas_have_it(server: Server, prefix: str) -> None:
    lonely = RedisSessionStore.connect(server.url, prefix=prefix, replicas=1)
    with pytest.raises(StoreUnavailable, match="only 0 of 1"):
        await lonely.batches.put(new(1))
    await lonely.aclose()


async def test_what_batches_take_counts_as_stored(
    server: Server, store: RedisSessionStore, prefix: str
) -> None:
    keyring = RedisKeyring.connect(server.url, prefix=prefix)
    before = await keyring.quotas.stored_bytes("acme")
    await store.batches.put(new(1000))
    assert await keyring.quotas.stored_bytes("acme") - before > 50_000
    assert await keyring.quotas.stored_bytes("rival") == 0
    await keyring.aclose()
