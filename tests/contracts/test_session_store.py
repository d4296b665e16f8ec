"""What every session store promises: the log, and how it ends."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import (
    LogGone,
    SequenceGap,
    StaleWriter,
)
from agent_serving.ports import Lease, Stored
from tests.contracts.appends import fact, new_session


async def keys_of(raw: Redis, prefix: str, session_id: str) -> set[str]:
    return {key.decode() async for key in raw.scan_iter(f"{prefix}:{{{session_id}}}:*")}


async def test_a_log_gives_back_what_was_appended(store: RedisSessionStore) -> None:
    session = new_session()
    assert await store.load(session) is None
    firsts = [await store.append(fact(session, version, width=version + 1)) for version in range(4)]
    assert firsts == [1, 2, 4, 7]
    stored = await store.load(session)
    facts = tuple(fact(session, version).fact for version in range(4))
    assert stored == Stored(snapshot=None, facts=facts, version=4)
    assert await store.load(session, after_version=3) == Stored(None, facts[3:], 4)
    assert await store.load(session, after_version=4) == Stored(None, (), 4)


async def test_facts_are_bytes_of_any_kind(store: RedisSessionStore) -> None:
    session = new_session()
    odd = bytes(range(256)) + "é\x00\r\n".encode()
    await store.append(fact(session, 0, fact=odd, snapshot=b"\xff\x00"))
    assert await store.load(session) == Stored(b"\xff\x00", (), 1)
    assert await store.load(session, after_version=0) == Stored(b"\xff\x00", (), 1)


async def test_a_load_begins_at_the_newest_snapshot(store: RedisSessionStore) -> None:
    session = new_session()
    for version in range(9):
        snapshot = f"state {version + 1}".encode() if version in (2, 5) else None
        await store.append(fact(session, version, width=3, snapshot=snapshot))
    stored = await store.load(session)
    assert stored is not None
    assert stored.snapshot == b"state 6"
    assert stored.facts == tuple(fact(session, version).fact for version in (6, 7, 8))
    assert stored.version == 9
    after = await store.load(session, after_version=7)
    assert after == Stored(None, stored.facts[1:], 9)


async def test_a_stale_writer_is_refused_and_changes_nothing(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0, tokens=(1, 2)))
    await store.append(fact(session, 1))
    for version in (0, 1):
        with pytest.raises(StaleWriter, match="at version 2"):
            await store.append(fact(session, version, fact=b"other", tokens=(9,), summary=b"x"))
    stored = await store.load(session)
    assert stored is not None
    assert stored.facts == (fact(session, 0).fact, fact(session, 1).fact)
    assert await store.tokens(session) == [1, 2]
    listing = await store.list_sessions("acme", limit=9, after=None, before=None, descending=False)
    assert listing.rows == (fact(session, 1).summary,)


async def test_a_gap_is_refused(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    with pytest.raises(SequenceGap, match="only at 1"):
        await store.append(fact(session, 2))


async def test_a_log_that_is_not_there_is_not_brought_back(store: RedisSessionStore) -> None:
    with pytest.raises(LogGone):
        await store.append(fact(new_session(), 3))


async def test_a_log_that_lost_its_stream_is_gone(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await raw.delete(f"{prefix}:{{{session}}}:log")
    for version in (0, 1):
        with pytest.raises(LogGone):
            await store.append(fact(session, version))
    assert await store.load(session) is None


async def test_of_many_writers_exactly_one_wins_each_version(store: RedisSessionStore) -> None:
    session = new_session()
    won: list[tuple[int, bytes]] = []

    async def write(writer: int) -> None:
        version = 0
        while version < 25:
            mine = f"{writer}:{version}".encode()
            try:
                await store.append(
                    fact(session, version, fact=mine, tokens=(version,), open=version % 2 == 0)
                )
                won.append((version, mine))
                version += 1
            except StaleWriter as error:
                version = error.details["version"]

    await asyncio.gather(*(write(writer) for writer in range(8)))
    assert sorted(version for version, _ in won) == list(range(25))
    stored = await store.load(session)
    assert stored is not None
    assert stored.facts == tuple(mine for _, mine in sorted(won))
    assert await store.tokens(session) == list(range(25))


async def test_tokens_come_back_by_range(store: RedisSessionStore) -> None:
    session = new_session()
    generator = random.Random(7)
    ids = [generator.randrange(2**32) for _ in range(500)]
    await store.append(fact(session, 0, tokens=ids[:200]))
    await store.append(fact(session, 1))
    await store.append(fact(session, 2, tokens=ids[200:]))
    assert await store.tokens(session) == ids
    assert await store.tokens(session, 10, 300) == ids[10:300]
    assert await store.tokens(session, 480) == ids[480:]
    assert await store.tokens(session, 490, 9_999) == ids[490:]
    for empty in ((0, 0), (500, None), (700, 800), (20, 10)):
        assert await store.tokens(session, *empty) == []
    assert await store.tokens(new_session()) == []


# --- deletion and expiry --------------------------------------------------------------------


async def fill(store: RedisSessionStore, session: str, expires_at: datetime | None = None) -> None:
    """A session with every key there is."""
    await store.append(
        fact(session, 0, tokens=(1,), open=True, snapshot=b"{}", expires_at=expires_at)
    )
    await store.publish(session, [b"delta"])
    await store.memory_put(session, "colour", "red")
    await store.append(fact(session, 1, tokens=(2,), open=True))
    assert await store.acquire_lease(session, "me", 60_000) == Lease("me", 1)


async def test_deletion_leaves_only_a_mark_that_goes_by_itself(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await fill(store, session)
    assert len(await keys_of(raw, prefix, session)) == 7
    await store.delete_session(session, "acme")
    await store.delete_session(session, "acme")
    mark = f"{prefix}:{{{session}}}:gone"
    assert {key.decode() async for key in raw.scan_iter(f"{prefix}:*")} == {mark}
    assert 23 * 3600 < await raw.ttl(mark) <= 24 * 3600


async def test_a_deleted_session_stays_deleted(store: RedisSessionStore) -> None:
    session = new_session()
    await fill(store, session)
    await store.delete_session(session, "acme")
    for version in (0, 2, 5):
        with pytest.raises(LogGone):
            await store.append(fact(session, version, open=True))
    await store.publish(session, [b"late"])
    with pytest.raises(LogGone):
        await store.memory_put(session, "late", "value")
    with pytest.raises(LogGone):
        await store.read(session, 0)
    assert await store.load(session) is None
    assert await store.tokens(session) == []
    assert await store.open_sessions() == []
    listing = await store.list_sessions("acme", limit=9, after=None, before=None, descending=False)
    assert listing.rows == ()


async def test_all_keys_of_an_expiring_session_expire(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    soon = datetime.now(UTC) + timedelta(seconds=4)
    await fill(store, session, expires_at=soon)
    await store.release_lease(session, Lease("me", 1))
    keys = await keys_of(raw, prefix, session)
    assert len(keys) == 6
    for key in keys:
        assert 0 < await raw.pttl(key) <= 4000, key
    await asyncio.sleep(4.1)
    assert await keys_of(raw, prefix, session) == set()
    assert await store.load(session) is None
    with pytest.raises(LogGone):
        await store.append(fact(session, 2))
    with pytest.raises(LogGone):
        await store.read(session, 0, block_ms=20)
    assert await store.open_sessions() == []
    listing = await store.list_sessions("acme", limit=9, after=None, before=None, descending=False)
    assert (listing.rows, listing.more) == ((), False)
    assert await raw.exists(f"{prefix}:sessions:acme") == 0


async def test_deltas_expire_before_a_session_that_lives_longer(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0, expires_at=datetime.now(UTC) + timedelta(days=2)))
    await store.publish(session, [b"delta"])
    await store.append(fact(session, 1))
    assert 14 * 60 < await raw.ttl(f"{prefix}:{{{session}}}:live") <= 15 * 60
    assert await raw.ttl(f"{prefix}:{{{session}}}:log") > 24 * 3600


async def test_all_keys_of_a_session_lie_in_one_slot(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await fill(store, session)
    keys = await keys_of(raw, prefix, session)
    assert len(keys) == 7
    assert len({key_slot(key.encode()) for key in keys}) == 1


@pytest.mark.parametrize("odd", ["sess_}{", "{}", "}", "a b\x00\n:", "\ud800", "é"])
async def test_an_id_of_odd_characters_is_just_unknown(store: RedisSessionStore, odd: str) -> None:
    assert await store.load(odd) is None
    assert await store.memory_get(odd, odd) is None
    assert await store.agent_versions(odd, odd) == []
    listing = await store.list_sessions(odd, limit=3, after=odd, before=odd, descending=True)
    assert listing.rows == ()
