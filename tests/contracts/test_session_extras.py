"""What every session store promises: memory, leases, and a server that comes and goes."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore, gateway
from agent_serving.domain.errors import (
    InvalidRequest,
    StoreUnavailable,
)
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import PASSWORD, Server


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


async def test_the_size_of_a_session_grows_with_it_and_ends_with_it(
    store: RedisSessionStore,
) -> None:
    session = new_session()
    assert await store.stored_bytes(session) == 0
    await store.append(fact(session, 0))
    small = await store.stored_bytes(session)
    await store.memory_put(session, "k", "x" * 50_000)
    assert await store.stored_bytes(session) > small + 50_000
    await store.delete_session(session, "acme")
    assert await store.stored_bytes(session) == 0


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


async def test_a_short_restart_is_not_noticed(
    store: RedisSessionStore, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Short for this machine: the tries that are made go on for as long as it may take."""
    monkeypatch.setattr(gateway, "_PAUSES", (0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0))
    monkeypatch.setattr(gateway, "_PATIENCE", 20.0)
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
