"""What every session store promises: the feed of facts and deltas."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import LogGone
from agent_serving.ports import FactEntry, LiveEntry
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server

Entry = FactEntry | LiveEntry


def last(entry: Entry) -> int:
    return entry.sequence + entry.width - 1 if isinstance(entry, FactEntry) else entry.sequence


async def test_facts_and_deltas_share_one_count(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0, width=3))
    await store.publish(session, [b"a", b"b"])
    await store.append(fact(session, 1, width=2))
    await store.publish(session, [])
    await store.publish(session, [b"c"])
    feed: list[Entry] = [
        FactEntry(1, 3, fact(session, 0).fact),
        LiveEntry(4, b"a"),
        LiveEntry(5, b"b"),
        FactEntry(6, 2, fact(session, 1).fact),
        LiveEntry(8, b"c"),
    ]
    assert await store.read(session, 0) == feed
    assert await store.read(session, -5) == feed
    for after in range(9):
        rest = [entry for entry in feed if last(entry) > after]
        assert await store.read(session, after) == rest
        for limit in (1, 2, 3):
            page = await store.read(session, after, limit=limit)
            assert page == rest[: len(page)]
            assert len(page) == min(limit, len(rest))


async def test_deltas_that_are_sent_again_under_their_nonce_are_there_once(
    store: RedisSessionStore,
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    for _ in range(2):
        await store.publish(session, [b"a", b"b"], nonce=b"first")
    await store.append(fact(session, 1))
    await store.publish(session, [b"a", b"b"], nonce=b"first")
    await store.publish(session, [b"a"], nonce=b"second")
    told = [e.event for e in await store.read(session, 0) if isinstance(e, LiveEntry)]
    assert told == [b"a", b"b", b"a"]


async def test_a_read_waits_for_the_first_entry(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    started = time.monotonic()
    assert await store.read(session, 1, block_ms=150) == []
    assert 0.14 < time.monotonic() - started < 10
    for version, wake in enumerate(("delta", "fact", "delta", "fact")):
        after = (await store.read(session, 0))[-1].sequence
        reader = asyncio.create_task(store.read(session, after, block_ms=20_000))
        await asyncio.sleep(0.05)
        assert not reader.done()
        if wake == "fact":
            await store.append(fact(session, 1 + version // 2))
        else:
            await store.publish(session, [b"x", b"y"])
        entries = await asyncio.wait_for(reader, 10)
        assert entries[0].sequence == after + 1


async def test_a_waiting_reader_hears_of_a_deletion_at_once(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    reader = asyncio.create_task(store.read(session, 1, block_ms=20_000))
    await asyncio.sleep(0.05)
    await store.delete_session(session, "acme")
    with pytest.raises(LogGone):
        await asyncio.wait_for(reader, 10)


async def test_nobody_can_follow_a_session_that_never_was(store: RedisSessionStore) -> None:
    with pytest.raises(LogGone):
        await store.read(new_session(), 0)


async def test_the_live_feed_is_capped_and_facts_stay(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    for _ in range(24):
        await store.publish(session, [b"delta"] * 500)
    await store.append(fact(session, 1))
    assert 10_000 <= await raw.xlen(f"{prefix}:{{{session}}}:live") < 10_500
    entries: list[Entry] = []
    while page := await store.read(session, last(entries[-1]) if entries else 0):
        entries += page
    assert [e.fact for e in entries if isinstance(e, FactEntry)] == [
        fact(session, version).fact for version in (0, 1)
    ]
    assert last(entries[-1]) == 12_002


@pytest.mark.parametrize("limit", [1, 3, 64])
async def test_readers_miss_nothing_and_see_nothing_twice(
    store: RedisSessionStore, limit: int
) -> None:
    session = new_session()
    generator = random.Random(limit)
    total = 0
    finished = asyncio.Event()
    await store.append(fact(session, 0))

    async def write_facts() -> None:
        nonlocal total
        for version in range(1, 60):
            width = generator.randint(1, 4)
            await store.append(fact(session, version, width=width))
            total += width
            await asyncio.sleep(generator.random() * 0.003)

    async def write_deltas() -> None:
        nonlocal total
        for _ in range(60):
            batch = [b"delta"] * generator.randint(1, 3)
            await store.publish(session, batch)
            total += len(batch)
            await asyncio.sleep(generator.random() * 0.003)

    async def follow() -> list[Entry]:
        seen: list[Entry] = []
        while True:
            done = finished.is_set()
            page = await store.read(
                session, last(seen[-1]) if seen else 0, block_ms=30, limit=limit
            )
            assert len(page) <= limit
            seen += page
            if done and not page:
                return seen

    readers = [asyncio.create_task(follow()) for _ in range(4)]
    await asyncio.gather(write_facts(), write_deltas(), write_deltas())
    finished.set()
    for seen in await asyncio.gather(*readers):
        expected = 1
        for entry in seen:
            assert entry.sequence == expected
            expected = last(entry) + 1
        assert expected == total + 2
        assert [e.fact for e in seen if isinstance(e, FactEntry)] == [
            fact(session, version).fact for version in range(60)
        ]


async def test_many_waiting_readers_do_not_hold_up_a_writer(store: RedisSessionStore) -> None:
    session, quiet = new_session(), new_session()
    for each in (session, quiet):
        await store.append(fact(each, 0))
    readers = [asyncio.create_task(store.read(quiet, 1, block_ms=20_000)) for _ in range(150)]
    await asyncio.sleep(0.5)
    started = time.monotonic()
    for version in range(1, 21):
        await store.append(fact(session, version))
    assert time.monotonic() - started < 10
    await store.append(fact(quiet, 1))
    pages = await asyncio.wait_for(asyncio.gather(*readers), 15)
    assert all([entry.sequence for entry in page] == [2] for page in pages)


async def test_readers_without_a_connection_look_once_when_their_time_is_up(
    server: Server, prefix: str
) -> None:
    store = RedisSessionStore.connect(server.url, prefix=prefix, max_readers=2)
    session = new_session()
    await store.append(fact(session, 0))
    blocked = [asyncio.create_task(store.read(session, 1, block_ms=20_000)) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert await store.read(session, 1, block_ms=50) == []
    assert len(await store.read(session, 0, block_ms=50)) == 1
    await store.append(fact(session, 1))
    assert [len(page) for page in await asyncio.gather(*blocked)] == [1, 1]
    await store.aclose()


async def test_a_reader_that_leaves_gives_its_place_back(server: Server, prefix: str) -> None:
    store = RedisSessionStore.connect(server.url, prefix=prefix, max_readers=2)
    session = new_session()
    await store.append(fact(session, 0))
    for _ in range(6):
        reader = asyncio.create_task(store.read(session, 1, block_ms=20_000))
        await asyncio.sleep(0.02)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
    reader = asyncio.create_task(store.read(session, 1, block_ms=20_000))
    await asyncio.sleep(0.02)
    await store.append(fact(session, 1))
    assert len(await asyncio.wait_for(reader, 10)) == 1
    await store.aclose()
