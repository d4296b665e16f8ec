"""What every session store promises: the log, its durability, its lists."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import (
    InvalidRequest,
    LogGone,
    SequenceGap,
    StaleWriter,
    StoreUnavailable,
)
from agent_serving.ports import Stored
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import PASSWORD, Server


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
    assert await store.acquire_lease(session, "me", 60_000)


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
    soon = datetime.now(UTC) + timedelta(seconds=1)
    await fill(store, session, expires_at=soon)
    await store.release_lease(session, "me")
    keys = await keys_of(raw, prefix, session)
    assert len(keys) == 6
    for key in keys:
        assert 0 < await raw.pttl(key) <= 1000, key
    await asyncio.sleep(1.1)
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


# --- lists ----------------------------------------------------------------------------------


async def test_sessions_are_listed_by_id_in_pages(store: RedisSessionStore) -> None:
    ids = [new_session() for _ in range(7)]
    for session in random.Random(3).sample(ids, 7):
        await store.append(fact(session, 0, summary=session.encode()))
    await store.append(fact(new_session(), 0, tenant="other"))

    async def page(**changes: object) -> tuple[list[int], bool]:
        query: dict[str, object] = {"after": None, "before": None, "descending": False}
        listing = await store.list_sessions("acme", **{"limit": 3, **query, **changes})  # type: ignore[arg-type]
        return [ids.index(row.decode()) for row in listing.rows], listing.more

    assert await page() == ([0, 1, 2], True)
    assert await page(after=ids[2]) == ([3, 4, 5], True)
    assert await page(after=ids[5]) == ([6], False)
    assert await page(after=ids[3]) == ([4, 5, 6], False)
    assert await page(after=ids[6]) == ([], False)
    assert await page(descending=True) == ([6, 5, 4], True)
    assert await page(descending=True, after=ids[4]) == ([3, 2, 1], True)
    assert await page(descending=True, after=ids[1]) == ([0], False)
    assert await page(before=ids[5]) == ([2, 3, 4], True)
    assert await page(before=ids[2]) == ([0, 1], False)
    assert await page(descending=True, before=ids[1]) == ([4, 3, 2], True)
    assert await page(after=ids[0], before=ids[3]) == ([1, 2], False)
    assert await page(limit=7) == ([0, 1, 2, 3, 4, 5, 6], False)


async def test_a_listing_fills_its_page_past_entries_without_a_log(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    ids = [new_session() for _ in range(6)]
    for session in (ids[0], ids[5]):
        await store.append(fact(session, 0, summary=session.encode()))
    await raw.zadd(f"{prefix}:sessions:acme", dict.fromkeys(ids[1:5], 0))
    listing = await store.list_sessions("acme", limit=1, after=None, before=None, descending=False)
    assert (listing.rows, listing.more) == ((ids[0].encode(),), True)
    listing = await store.list_sessions("acme", limit=2, after=None, before=None, descending=False)
    assert (listing.rows, listing.more) == ((ids[0].encode(), ids[5].encode()), False)
    assert await raw.zcard(f"{prefix}:sessions:acme") == 2


async def test_no_session_is_missed_by_listings_that_clear_up(store: RedisSessionStore) -> None:
    ids = [new_session() for _ in range(60)]
    done = asyncio.Event()

    async def list_on() -> None:
        while not done.is_set():
            await store.list_sessions("acme", limit=50, after=None, before=None, descending=True)

    listers = [asyncio.create_task(list_on()) for _ in range(3)]
    await asyncio.gather(*(store.append(fact(session, 0)) for session in ids))
    done.set()
    await asyncio.gather(*listers)
    listing = await store.list_sessions("acme", limit=99, after=None, before=None, descending=False)
    assert len(listing.rows) == 60


async def test_open_sessions_are_those_whose_last_fact_left_a_turn_open(
    store: RedisSessionStore,
) -> None:
    idle, busy, done = new_session(), new_session(), new_session()
    await store.append(fact(idle, 0))
    for session in (busy, done):
        await store.append(fact(session, 0))
        await store.append(fact(session, 1, open=True))
        await store.append(fact(session, 2, open=True))
    await store.append(fact(done, 3, open=False))
    assert await store.open_sessions() == [busy]


async def test_a_refused_fact_neither_opens_nor_closes_a_turn(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    busy, idle = new_session(), new_session()
    for session in (busy, idle):
        await store.append(fact(session, 0))
        await store.append(fact(session, 1, open=session == busy))
    for session in (busy, idle):
        with pytest.raises(StaleWriter):
            await store.append(fact(session, 1, open=session == idle))
    assert await store.open_sessions() == [busy]
    assert await raw.zrange(f"{prefix}:open", 0, -1) == [busy.encode()]


async def test_a_mark_for_a_fact_that_is_on_its_way_stays(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await raw.zadd(f"{prefix}:open", {session: 2})
    assert await store.open_sessions() == [session]
    await store.append(fact(session, 1))
    assert await store.open_sessions() == []
    assert await raw.exists(f"{prefix}:open") == 0


async def test_no_open_turn_is_missed_while_marks_are_cleared_up(store: RedisSessionStore) -> None:
    ids = [new_session() for _ in range(20)]
    done = asyncio.Event()

    async def look_on() -> None:
        while not done.is_set():
            await store.open_sessions()

    async def run(session: str) -> None:
        for version in range(12):
            await store.append(fact(session, version, open=version % 2 == 1))

    watchers = [asyncio.create_task(look_on()) for _ in range(2)]
    await asyncio.gather(*(run(session) for session in ids))
    done.set()
    await asyncio.gather(*watchers)
    assert sorted(await store.open_sessions()) == ids


# --- agents ---------------------------------------------------------------------------------


async def test_an_agent_has_versions_under_its_id_and_its_name(store: RedisSessionStore) -> None:
    for version in (1, 2, 3):
        body = f"v{version}".encode()
        assert await store.put_agent("acme", body, agent_id="agent_1", name="clerk") == version
    expected = [(1, b"v1"), (2, b"v2"), (3, b"v3")]
    assert await store.agent_versions("acme", "agent_1") == expected
    assert await store.agent_versions("acme", "clerk") == expected
    assert await store.agent_versions("other", "clerk") == []
    assert await store.agent_versions("acme", "nobody") == []


async def test_concurrent_versions_of_an_agent_all_get_their_number(
    store: RedisSessionStore,
) -> None:
    puts = (
        store.put_agent("acme", f"{i}".encode(), agent_id="agent_1", name="clerk")
        for i in range(20)
    )
    numbers = await asyncio.gather(*puts)
    assert sorted(numbers) == list(range(1, 21))
    versions = dict(await store.agent_versions("acme", "clerk"))
    assert {number: f"{i}".encode() for i, number in enumerate(numbers)} == versions


async def test_a_name_belongs_to_one_agent(store: RedisSessionStore) -> None:
    await store.put_agent("acme", b"a", agent_id="agent_1", name="clerk")
    with pytest.raises(InvalidRequest, match="agent_1") as refused:
        await store.put_agent("acme", b"b", agent_id="agent_2", name="clerk")
    assert refused.value.details == {"agent_id": "agent_1"}
    await store.put_agent("acme", b"c", agent_id="agent_1", name="cashier")
    assert await store.agent_versions("acme", "clerk") == []
    assert await store.put_agent("acme", b"d", agent_id="agent_2", name="clerk") == 1
    assert await store.put_agent("other", b"e", agent_id="agent_3", name="clerk") == 1


async def test_agents_are_listed_by_id_with_their_newest_version(store: RedisSessionStore) -> None:
    for number in (3, 1, 2):
        for version in (1, 2):
            body = f"{number}v{version}".encode()
            await store.put_agent("acme", body, agent_id=f"agent_{number}", name=f"n{number}")
    first = await store.list_agents("acme", limit=2, after=None, before=None, descending=False)
    assert (first.rows, first.more) == ((b"1v2", b"2v2"), True)
    rest = await store.list_agents("acme", limit=2, after="agent_2", before=None, descending=False)
    assert (rest.rows, rest.more) == ((b"3v2",), False)
    back = await store.list_agents("acme", limit=1, after=None, before="agent_1", descending=True)
    assert (back.rows, back.more) == ((b"2v2",), True)


async def test_a_deleted_agent_leaves_nothing(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    await store.put_agent("acme", b"a", agent_id="agent_1", name="clerk")
    assert await store.delete_agent("acme", "agent_1") is True
    assert await store.delete_agent("acme", "agent_1") is False
    assert await store.agent_versions("acme", "clerk") == []
    assert [key async for key in raw.scan_iter(f"{prefix}:*")] == []


# --- memory and leases ----------------------------------------------------------------------


async def test_memory_keeps_text_of_any_kind(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    values = {"a": "", "é\x00": "snow ☃", "\ud800": "lone \udfff", "b": "x" * 64 * 1024}
    for key, value in values.items():
        await store.memory_put(session, key, value)
    assert sorted(await store.memory_keys(session)) == sorted(values)
    assert {key: await store.memory_get(session, key) for key in values} == values
    assert await store.memory_get(session, "unknown") is None


async def test_memory_is_bounded(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    with pytest.raises(InvalidRequest, match="65537 bytes"):
        await store.memory_put(session, "k", "x" * (64 * 1024 + 1))
    with pytest.raises(InvalidRequest, match="1025 bytes"):
        await store.memory_put(session, "k" * 1025, "x")
    await asyncio.gather(*(store.memory_put(session, f"k{i}", "v") for i in range(1000)))
    with pytest.raises(InvalidRequest, match="1000 keys"):
        await store.memory_put(session, "one more", "v")
    await store.memory_put(session, "k7", "new")
    assert await store.memory_get(session, "k7") == "new"


async def test_a_lease_has_one_owner_until_it_is_given_up_or_runs_out(
    store: RedisSessionStore,
) -> None:
    session = new_session()
    assert await store.acquire_lease(session, "a", 60_000)
    assert not await store.acquire_lease(session, "b", 60_000)
    await store.release_lease(session, "b")
    assert not await store.acquire_lease(session, "b", 60_000)
    assert await store.acquire_lease(session, "a", 80)
    await asyncio.sleep(0.12)
    assert await store.acquire_lease(session, "b", 60_000)
    await store.release_lease(session, "b")
    assert await store.acquire_lease(session, "a", 60_000)


# --- the server comes and goes --------------------------------------------------------------


async def test_scripts_are_loaded_again_when_the_server_forgot_them(
    store: RedisSessionStore, raw: Redis
) -> None:
    session = new_session()
    for version in range(3):
        await raw.script_flush()
        await store.append(fact(session, version, open=True))
    stored = await store.load(session)
    assert stored is not None
    assert stored.version == 3


async def test_a_store_that_is_down_says_so_and_works_again_when_it_is_back(
    store: RedisSessionStore, server: Server
) -> None:
    session = new_session()
    await store.append(fact(session, 0, tokens=(5,)))
    await server.stop()
    try:
        for call in (
            store.append(fact(session, 1)),
            store.load(session),
            store.read(session, 0, block_ms=50),
            store.publish(session, [b"x"]),
            store.open_sessions(),
            store.ping(),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached") as error:
                await call
            assert PASSWORD not in error.value.message
            assert error.value.code == "store_unavailable"
    finally:
        await server.start()
    assert await store.append(fact(session, 1, tokens=(6,))) == 2
    assert await store.tokens(session) == [5, 6]


async def test_a_short_restart_is_not_noticed(store: RedisSessionStore, server: Server) -> None:
    session = new_session()
    await store.append(fact(session, 0))

    async def write() -> None:
        for version in range(1, 200):
            await store.append(fact(session, version))
            await asyncio.sleep(0.002)

    writer = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    await server.stop()
    await server.start()
    await writer
    stored = await store.load(session)
    assert stored is not None
    assert stored.facts == tuple(fact(session, version).fact for version in range(200))


async def test_a_ping_tells_what_the_store_is(store: RedisSessionStore, server: Server) -> None:
    facts = await store.ping()
    assert facts["version"] >= "6.2"
    assert facts["persistence"] == {"appendonly": True, "appendfsync": "everysec"}
    assert facts["embedded"] is False
    assert PASSWORD not in str(facts)
    assert facts["address"].partition("://")[0] == server.url.partition("://")[0]
