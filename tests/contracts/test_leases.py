"""What every session store promises: one owner at a time, and nothing from those before."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import Fenced, LogGone, StaleWriter
from agent_serving.ports import Lease
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server

LONG = 60_000


async def opened(store: RedisSessionStore) -> str:
    session = new_session()
    await store.append(fact(session, 0))
    return session


async def held(store: RedisSessionStore, session: str, owner: str, ttl_ms: int = LONG) -> Lease:
    lease = await store.acquire_lease(session, owner, ttl_ms)
    assert lease is not None
    return lease


async def test_a_lease_has_one_owner_until_it_is_given_up_or_runs_out(
    store: RedisSessionStore,
) -> None:
    session = await opened(store)
    first = await held(store, session, "a")
    assert await store.acquire_lease(session, "b", LONG) is None
    assert await held(store, session, "a", 80) == first
    await asyncio.sleep(0.12)
    second = await held(store, session, "b")
    assert await store.acquire_lease(session, "a", LONG) is None
    await store.release_lease(session, first)
    assert await store.acquire_lease(session, "a", LONG) is None
    await store.release_lease(session, second)
    third = await held(store, session, "a")
    assert [first.epoch, second.epoch, third.epoch] == [1, 2, 3]


async def test_who_asks_again_for_his_own_lease_gets_the_same(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = await opened(store)
    first = await held(store, session, "a", 20_000)
    assert await held(store, session, "a", LONG) == first
    assert await raw.pttl(f"{prefix}:{{{session}}}:lease") > 20_000
    assert await store.acquire_lease(session, "b", LONG) is None


async def test_a_lease_that_ran_out_is_renewed_where_nobody_has_had_it_since(
    store: RedisSessionStore,
) -> None:
    session = await opened(store)
    lease = await held(store, session, "a", 50)
    await asyncio.sleep(0.08)
    await store.renew_lease(session, lease, LONG)
    assert await store.acquire_lease(session, "b", LONG) is None
    await store.append(fact(session, 1, lease=lease))


async def test_a_former_owner_cannot_renew(store: RedisSessionStore) -> None:
    session = await opened(store)
    former = await held(store, session, "a", 50)
    await asyncio.sleep(0.08)
    present = await held(store, session, "b")
    with pytest.raises(Fenced):
        await store.renew_lease(session, former, LONG)
    await store.release_lease(session, present)
    with pytest.raises(Fenced):
        await store.renew_lease(session, former, LONG)


async def test_a_former_owner_writes_nothing(store: RedisSessionStore) -> None:
    session = await opened(store)
    former = await held(store, session, "a", 50)
    await asyncio.sleep(0.08)
    present = await held(store, session, "b")
    for version in (0, 1, 2):
        with pytest.raises(Fenced, match="somebody else"):
            await store.append(fact(session, version, tokens=(9,), lease=former))
    with pytest.raises(Fenced):
        await store.memory_put(session, "k", "late", lease=former)
    await store.publish(session, [b"late"], lease=former)
    assert await store.tokens(session) == []
    assert await store.memory_keys(session) == []
    assert len(await store.read(session, 0)) == 1
    await store.append(fact(session, 1, lease=present))
    await store.memory_put(session, "k", "mine", lease=present)
    await store.publish(session, [b"mine"], lease=present)
    assert len(await store.read(session, 0)) == 3


async def test_who_gave_his_lease_up_writes_nothing(store: RedisSessionStore) -> None:
    session = await opened(store)
    lease = await held(store, session, "a")
    await store.release_lease(session, lease)
    await store.release_lease(session, lease)
    with pytest.raises(Fenced):
        await store.append(fact(session, 1, lease=lease))
    with pytest.raises(Fenced):
        await store.renew_lease(session, lease, LONG)


async def test_an_owner_of_the_same_epoch_is_told_apart_by_its_name(
    store: RedisSessionStore,
) -> None:
    """A store that lost its last seconds gives out an epoch again."""
    session = await opened(store)
    lease = await held(store, session, "a")
    with pytest.raises(Fenced):
        await store.append(fact(session, 1, lease=Lease("b", lease.epoch)))


async def test_who_writes_without_a_lease_is_only_held_to_the_sequence(
    store: RedisSessionStore,
) -> None:
    session = await opened(store)
    lease = await held(store, session, "a")
    await store.append(fact(session, 1))
    with pytest.raises(StaleWriter):
        await store.append(fact(session, 1, lease=lease))
    await store.append(fact(session, 2, lease=lease))


async def test_a_session_that_is_gone_has_no_lease(store: RedisSessionStore) -> None:
    session = await opened(store)
    lease = await held(store, session, "a")
    await store.delete_session(session, "acme")
    with pytest.raises(LogGone):
        await store.acquire_lease(session, "a", LONG)
    with pytest.raises(LogGone):
        await store.renew_lease(session, lease, LONG)
    await store.release_lease(session, lease)
    with pytest.raises(LogGone):
        await store.acquire_lease(new_session(), "a", LONG)


async def test_orphans_are_the_open_sessions_that_nobody_holds(store: RedisSessionStore) -> None:
    idle, lost, run = new_session(), new_session(), new_session()
    await store.append(fact(idle, 0))
    for session in (lost, run):
        await store.append(fact(session, 0, open=True))
    await held(store, run, "a")
    lease = await held(store, lost, "a")
    assert await store.orphans() == []
    assert await held(store, lost, "a", 50) == lease
    await asyncio.sleep(0.08)
    assert await store.orphans() == [lost]
    assert sorted(await store.open_sessions()) == [lost, run]


async def test_a_hand_over_wakes_whoever_waits_for_one(
    store: RedisSessionStore, server: Server, prefix: str
) -> None:
    other = RedisSessionStore.connect(server.url, prefix=prefix)
    await store.hand_over("before")
    start = await other.handovers(None, block_ms=10)
    assert start.session_ids == ()
    waiting = asyncio.create_task(other.handovers(start.cursor, block_ms=30_000))
    await asyncio.sleep(0.05)
    for session in ("one", "two", "one"):
        await store.hand_over(session)
    found = await asyncio.wait_for(waiting, 20)
    rest = await other.handovers(found.cursor, block_ms=10)
    assert (*found.session_ids, *rest.session_ids) in (("one", "two", "one"), ("one", "two"))
    assert (await other.handovers(rest.cursor, block_ms=10)).session_ids == ()
    await other.aclose()


async def test_a_lease_says_how_much_was_written_before_it(store: RedisSessionStore) -> None:
    session = new_session()
    for version in range(3):
        await store.append(fact(session, version))
    lease = await held(store, session, "a")
    assert lease.version == 3
    await store.append(fact(session, 3, lease=lease))
    await store.release_lease(session, lease)
    assert (await held(store, session, "b")).version == 4
