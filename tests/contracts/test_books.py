"""What is charged with a fact comes into the tenant's books: all of it, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore, settlements
from agent_serving.adapters.redis.connections import Command, Connections
from agent_serving.domain.charge import Account, Charge, added, hour_of
from agent_serving.domain.errors import LogGone, StaleWriter
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server

HOUR = 490_896


def charge(tokens: int = 1, hour: int = HOUR, **account: str) -> Charge:
    whose = Account(tenant="acme", agent="a@1", model="m").but(**account)
    return Charge(hour=hour, account=whose, amounts={"output_tokens": tokens, "input": 10**15})


async def tokens(store: RedisSessionStore, since: int = 0, until: int = HOUR + 999) -> int:
    rows = await store.charges("acme", since=max(since, HOUR - 999), until=until)
    return added(rows).get("output_tokens", 0)


async def test_charges_are_added_up_by_hour_and_account(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    for version, made in enumerate(
        [charge(1), charge(2), charge(4, tool="add"), charge(8, HOUR + 1), charge(16, HOUR + 40)], 1
    ):
        await store.append(fact(session, version, charge=made, open=True))
    rows = await store.charges("acme", since=HOUR, until=HOUR + 2)
    assert rows == [
        charge(4, tool="add"),
        charge(3).but(amounts={"output_tokens": 3, "input": 2 * 10**15}),
        charge(8, HOUR + 1),
    ]
    assert await tokens(store) == 31
    assert await tokens(store, HOUR + 1, HOUR + 41) == 24
    assert await store.charges("other", since=HOUR, until=HOUR + 2) == []


async def test_a_fact_that_is_refused_charges_nothing(store: RedisSessionStore) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, charge=charge()))
    with pytest.raises(StaleWriter):
        await store.append(fact(session, 1, charge=charge()))
    with pytest.raises(LogGone):
        await store.append(fact(new_session(), 3, charge=charge()))
    assert await tokens(store) == 1


async def test_many_readers_at_once_enter_each_charge_once(
    server: Server, store: RedisSessionStore, prefix: str
) -> None:
    sessions = [new_session() for _ in range(5)]
    others = [RedisSessionStore.connect(server.url, prefix=prefix) for _ in range(3)]

    async def write(session: str) -> None:
        await store.append(fact(session, 0))
        for version in range(1, 41):
            is_open = version % 7 != 0
            await store.append(fact(session, version, charge=charge(version), open=is_open))

    async def read(other: RedisSessionStore) -> None:
        for _ in range(15):
            await tokens(other)

    await asyncio.gather(*map(write, sessions), *map(read, others))
    for other in others:
        assert await tokens(other) == 5 * sum(range(41))
        await other.aclose()


async def test_a_process_that_dies_while_it_enters_charges_nothing_twice(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    """The charges are in the books and on the bill: that is where it died."""
    session = new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, charge=charge(), open=True))
    bill = f"{prefix}:{{{session}}}:bill"
    lines = await raw.lrange(bill, 0, -1)
    assert await tokens(store) == 1
    await raw.rpush(bill, *lines)
    await raw.zadd(f"{prefix}:books:{{acme}}:unbilled", {session: 2})
    assert await tokens(store) == 1
    assert not await raw.exists(bill)


async def test_nothing_is_left_on_a_bill_when_a_turn_has_ended(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, charge=charge(), open=True))
    assert await raw.llen(f"{prefix}:{{{session}}}:bill") == 1
    await store.append(fact(session, 2))
    keys = (f"{prefix}:{{{session}}}:bill", f"{prefix}:books:{{acme}}:unbilled")
    async with asyncio.timeout(20):
        while await raw.exists(*keys):
            await asyncio.sleep(0.01)


async def test_a_store_that_is_closed_leaves_nothing_on_bills(
    server: Server, raw: Redis, prefix: str
) -> None:
    store = RedisSessionStore.connect(server.url, prefix=prefix)
    sessions = [new_session() for _ in range(3)]
    for session in sessions:
        await store.append(fact(session, 0))
        await store.append(fact(session, 1, charge=charge(), open=True))
        await store.append(fact(session, 2))
    await store.aclose()
    assert not await raw.exists(*(f"{prefix}:{{{session}}}:bill" for session in sessions))


async def test_a_bill_that_cannot_be_read_keeps_no_other_from_the_books(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    sessions = [new_session() for _ in range(3)]
    bills = [f"{prefix}:{{{session}}}:bill" for session in sessions]
    for session in sessions:
        await store.append(fact(session, 0))
        await store.append(fact(session, 1, charge=charge(), open=True))
    await raw.lset(bills[1], 0, "no charge")
    for session in sessions:
        await store.append(fact(session, 2))
    async with asyncio.timeout(20):
        while await raw.exists(bills[0], bills[2]):
            await asyncio.sleep(0.01)
    assert await raw.llen(bills[1]) == 1


async def test_many_bills_are_entered_in_as_many_exchanges_as_one(
    store: RedisSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges: list[int] = []
    exchange = Connections.exchange

    async def counted(self: Connections, commands: Sequence[Command]) -> list[Any]:
        exchanges.append(len(commands))
        return await exchange(self, commands)

    async def cost(count: int) -> int:
        for _ in range(count):
            session = new_session()
            await store.append(fact(session, 0))
            await store.append(fact(session, 1, charge=charge(), open=True))
        exchanges.clear()
        await tokens(store)
        return len(exchanges)

    monkeypatch.setattr(settlements, "SOON_SECONDS", 60.0)
    await cost(1)  # scripts are known to the server from here on
    monkeypatch.setattr(Connections, "exchange", counted)
    assert await cost(12) == await cost(1)


async def test_the_books_outlive_the_session(store: RedisSessionStore, raw: Redis) -> None:
    deleted, expiring = new_session(), new_session()
    soon = datetime.now(UTC) + timedelta(seconds=2)
    for session, ends in ((deleted, None), (expiring, soon)):
        await store.append(fact(session, 0, expires_at=ends))
        await store.append(fact(session, 1, charge=charge(), open=True))
    await store.delete_session(deleted, "acme")
    await asyncio.sleep(2.1)
    assert await store.load(expiring) is None
    assert await tokens(store) == 2


async def test_a_mark_without_a_charge_goes(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    marks = f"{prefix}:books:{{acme}}:unbilled"
    session = new_session()
    await store.append(fact(session, 0))
    await raw.zadd(marks, {session: 2, new_session(): 9})
    assert await tokens(store) == 0
    assert await raw.zrange(marks, 0, -1) == [session.encode()]
    await store.append(fact(session, 1))
    assert await tokens(store) == 0
    assert not await raw.exists(marks)


async def test_the_books_of_a_day_are_kept_for_400_days(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    await store.append(fact(session, 1, charge=charge(hour=hour_of(datetime.now(UTC)))))
    await store.charges("acme", since=HOUR, until=HOUR + 1)
    keys = [key async for key in raw.scan_iter(f"{prefix}:books:*")]
    assert len(keys) == 2
    for key in keys:
        assert 399 * 86_400 < await raw.ttl(key) <= 400 * 86_400
