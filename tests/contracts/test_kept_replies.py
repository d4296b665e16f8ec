"""What every session store promises of a reply that streams: it is kept with its deltas."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import SequenceGap
from agent_serving.ports import Keep, Kept
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server
from tests.runtime.odd_store import copy_of, roll_back

LONG = 60_000


def keep(head: str, part: str, *, behind: bytes | None = None) -> Keep:
    """All of the reply, unless it comes `behind` another write."""
    return Keep(head.encode(), part.encode(), behind=behind)


async def streaming(store: RedisSessionStore) -> str:
    session = new_session()
    await store.append(fact(session, 0, width=4))
    await store.publish(session, [b"a", b"b"], keep=keep("h1", "one"), nonce=b"1")
    return session


async def test_parts_come_behind_each_other_and_the_head_is_the_newest(
    store: RedisSessionStore,
) -> None:
    session = await streaming(store)
    await store.publish(session, [b"c"], keep=keep("h2", "two", behind=b"1"), nonce=b"2")
    await store.publish(session, [], keep=keep("h3", "three", behind=b"2"))
    assert await store.kept(session) == Kept(b"h3", (b"one", b"two", b"three"), since=5)
    assert [entry.sequence for entry in await store.read(session, 4)] == [5, 6, 7]


async def test_a_whole_takes_the_place_of_the_parts_and_begins_where_they_began(
    store: RedisSessionStore,
) -> None:
    session = await streaming(store)
    await store.publish(session, [b"c"], keep=keep("h2", "all of it"))
    assert await store.kept(session) == Kept(b"h2", (b"all of it",), since=5)


async def test_a_part_of_what_is_not_there_any_more_is_not_kept(store: RedisSessionStore) -> None:
    session = await streaming(store)
    await store.append(fact(session, 1, settles=True))
    await store.publish(session, [b"c"], keep=keep("h2", "two", behind=b"1"))
    assert await store.kept(session) is None
    assert [entry.sequence for entry in await store.read(session, 6)] == [7, 8]


async def test_a_part_behind_a_write_that_is_not_there_changes_nothing(
    store: RedisSessionStore,
) -> None:
    session = await streaming(store)
    for lost in (b"0", b"2"):
        with pytest.raises(SequenceGap):
            await store.publish(session, [b"c"], keep=keep("h3", "three", behind=lost))
    assert await store.kept(session) == Kept(b"h1", (b"one",), since=5)
    assert [entry.sequence for entry in await store.read(session, 4)] == [5, 6]
    await store.publish(session, [b"c"], keep=keep("h3", "one two three"), nonce=b"3")
    await store.publish(session, [b"d"], keep=keep("h4", "four", behind=b"3"))
    assert await store.kept(session) == Kept(b"h4", (b"one two three", b"four"), since=5)
    assert [entry.sequence for entry in await store.read(session, 4)] == [5, 6, 7, 8]


async def test_a_part_behind_writes_that_a_crash_has_taken_changes_nothing(
    store: RedisSessionStore, server: Server
) -> None:
    """Also where as many parts are there as there were: others."""
    session = await streaming(store)
    copy = await copy_of(server.url, session)
    await store.publish(session, [b"c"], keep=keep("h2", "one, once more"), nonce=b"2")
    await roll_back(server.url, session, copy)
    with pytest.raises(SequenceGap):
        await store.publish(session, [b"d"], keep=keep("h3", "two", behind=b"2"))
    assert await store.kept(session) == Kept(b"h1", (b"one",), since=5)


async def test_a_part_that_is_sent_again_is_kept_once(store: RedisSessionStore) -> None:
    session = await streaming(store)
    for _ in range(2):
        await store.publish(session, [b"c"], keep=keep("h2", "two", behind=b"1"), nonce=b"2")
    assert await store.kept(session) == Kept(b"h2", (b"one", b"two"), since=5)


async def test_only_a_fact_that_settles_a_reply_lets_it_go(store: RedisSessionStore) -> None:
    session = await streaming(store)
    await store.append(fact(session, 1))
    assert await store.kept(session) is not None
    await store.append(fact(session, 2, settles=True))
    assert await store.kept(session) is None
    await store.publish(session, [], keep=keep("h", "next"))
    kept = await store.kept(session)
    assert kept is not None
    assert kept.since > 5


async def test_deltas_alone_keep_nothing_and_end_nothing(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await store.publish(session, [b"a"])
    assert await store.kept(session) is None
    await store.publish(session, [b"b"], keep=keep("h", "one"))
    await store.publish(session, [b"c"])
    assert await store.kept(session) == Kept(b"h", (b"one",), since=3)


async def test_a_former_holder_of_the_lease_keeps_nothing(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    former = await store.acquire_lease(session, "a", 30)
    assert former is not None
    await store.publish(session, [], keep=keep("h", "mine"), lease=former, nonce=b"1")
    await asyncio.sleep(0.06)
    assert await store.acquire_lease(session, "b", LONG) is not None
    await store.publish(session, [], keep=keep("h", "late", behind=b"1"), lease=former)
    await store.publish(session, [], keep=keep("h", "late"), lease=former)
    assert await store.kept(session) == Kept(b"h", (b"mine",), since=2)


async def test_a_kept_reply_counts_as_stored_and_goes_with_its_session(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = await streaming(store)
    before = await store.stored_bytes(session)
    await store.publish(session, [], keep=keep("h", "x" * 10_000, behind=b"1"))
    assert await store.stored_bytes(session) - before >= 10_000
    await store.delete_session(session, "acme")
    assert await store.kept(session) is None
    assert [key async for key in raw.scan_iter(f"{prefix}:*reply*")] == []
    await store.publish(session, [], keep=keep("h", "late"))
    assert await store.kept(session) is None


@pytest.mark.parametrize("first", ["reply", "expiry"])
async def test_a_kept_reply_expires_with_its_session(
    store: RedisSessionStore, raw: Redis, prefix: str, first: str
) -> None:
    session = new_session()
    expires = datetime.now(UTC) + timedelta(seconds=30)
    await store.append(fact(session, 0, expires_at=expires if first == "expiry" else None))
    await store.publish(session, [], keep=keep("h", "one"))
    await store.append(fact(session, 1, expires_at=expires))
    left = await raw.pttl(f"{prefix}:{{{session}}}:reply")
    assert 0 < left <= 30_000
    assert left == pytest.approx((expires.timestamp() - time.time()) * 1000, abs=5_000)
