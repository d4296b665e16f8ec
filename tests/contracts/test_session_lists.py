"""What every session store promises: lists of sessions, open turns, agents."""

from __future__ import annotations

import asyncio
import random

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import AgentBounds, RedisSessionStore
from agent_serving.domain.errors import (
    InvalidRequest,
    StaleWriter,
)
from agent_serving.domain.receipt import RequestMark
from agent_serving.ports import StoredAgent
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server
from tests.runtime.odd_store import copy_of, roll_back


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


async def test_the_mark_of_a_turn_that_is_over_goes_though_nobody_asks_for_it(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, open=True))
    assert await raw.zrange(f"{prefix}:open", 0, -1) == [session.encode()]
    await store.append(fact(session, 2))
    async with asyncio.timeout(20):
        while await raw.exists(f"{prefix}:open"):
            await asyncio.sleep(0.01)


async def test_the_mark_stays_where_the_turn_is_open_again(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session, other = new_session(), new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, open=True))
    await store.append(fact(session, 2))
    await store.append(fact(session, 3, open=True))
    await closed_and_settled(store, raw, prefix, other)
    assert await raw.zrange(f"{prefix}:open", 0, -1) == [session.encode()]


async def test_the_mark_stays_where_the_end_of_the_turn_was_lost_with_a_server(
    store: RedisSessionStore, server: Server, raw: Redis, prefix: str
) -> None:
    """Else nobody would go on with the turn."""
    session, other = new_session(), new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, open=True))
    copy = await copy_of(server.url, session)
    await store.append(fact(session, 2))
    await roll_back(server.url, session, copy)
    await closed_and_settled(store, raw, prefix, other)
    assert await store.open_sessions() == [session]


async def closed_and_settled(
    store: RedisSessionStore, raw: Redis, prefix: str, session: str
) -> None:
    """A session whose turn begins and ends now, after others: its mark has gone, and with it those
    of the others that could go."""
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, open=True))
    await store.append(fact(session, 2))
    async with asyncio.timeout(20):
        while await raw.zscore(f"{prefix}:open", session) is not None:
            await asyncio.sleep(0.01)


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


async def test_an_agent_has_versions_under_its_id_and_its_name(store: RedisSessionStore) -> None:
    for version in (1, 2, 3):
        body = f"v{version}".encode()
        stored = await store.put_agent("acme", body, agent_id="agent_1", name="clerk")
        assert stored == StoredAgent("agent_1", version)
    expected = [(1, b"v1"), (2, b"v2"), (3, b"v3")]
    assert await store.agent_versions("acme", "agent_1") == expected
    assert await store.agent_versions("acme", "clerk") == expected
    assert await store.agent_versions("other", "clerk") == []
    assert await store.agent_versions("acme", "nobody") == []


async def test_one_version_of_an_agent_is_read_alone(store: RedisSessionStore) -> None:
    for version in (1, 2, 3):
        await store.put_agent("acme", f"v{version}".encode(), agent_id="agent_1", name="clerk")
    for key in ("agent_1", "clerk"):
        assert await store.agent_version("acme", key) == (3, b"v3")
        assert await store.agent_version("acme", key, 2) == (2, b"v2")
        assert await store.agent_version("acme", key, 4) is None
        assert await store.agent_version("acme", key, 0) is None
        assert await store.agent_versions("acme", key, first=2) == [(2, b"v2"), (3, b"v3")]
        assert await store.agent_versions("acme", key, first=1, last=2) == [(1, b"v1"), (2, b"v2")]
        assert await store.agent_versions("acme", key, first=3, last=9) == [(3, b"v3")]
        assert await store.agent_versions("acme", key, first=4) == []
    assert await store.agent_version("acme", "nobody") is None
    assert await store.agent_version("other", "clerk") is None


async def test_agents_and_their_versions_have_bounds(server: Server, prefix: str) -> None:
    bounds = AgentBounds(agents=2, versions=3)
    store = RedisSessionStore.connect(server.url, prefix=prefix, agent_bounds=bounds)

    async def put(tenant: str, name: str, mark: RequestMark | None = None) -> int:
        body = name.encode()
        return (
            await store.put_agent(tenant, body, agent_id=f"agent_{name}", name=name, mark=mark)
        ).version

    mark = RequestMark(key="acme/one", body="1" * 64)
    assert [await put("acme", "a"), await put("acme", "a"), await put("acme", "a", mark)] == [
        1,
        2,
        3,
    ]
    with pytest.raises(InvalidRequest, match="3 versions") as refused:
        await put("acme", "a")
    assert refused.value.details == {"limit": "max_agent_versions", "most": 3}
    assert await put("acme", "a", mark) == 3
    assert await put("acme", "b") == 1
    with pytest.raises(InvalidRequest, match="2 agents") as refused:
        await put("acme", "c")
    assert refused.value.details == {"limit": "max_agents", "most": 2}
    assert await put("acme", "b") == 2
    assert await put("other", "c") == 1
    assert await store.delete_agent("acme", "agent_a")
    assert await put("acme", "c") == 1
    await store.aclose()


async def test_concurrent_versions_of_an_agent_all_get_their_number(
    store: RedisSessionStore,
) -> None:
    puts = (
        store.put_agent("acme", f"{i}".encode(), agent_id="agent_1", name="clerk")
        for i in range(20)
    )
    numbers = [stored.version for stored in await asyncio.gather(*puts)]
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
    for tenant, agent_id in (("acme", "agent_2"), ("other", "agent_3")):
        stored = await store.put_agent(tenant, b"d", agent_id=agent_id, name="clerk")
        assert stored.version == 1


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
