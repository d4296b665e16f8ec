"""What a fact that was answered survives, and what is said of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.bootstrap import durability_problem, state_durability
from agent_serving.config import Settings
from agent_serving.domain.errors import StoreUnavailable
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import PASSWORD, TcpRedis


@pytest.fixture
async def primary(tmp_path: Path) -> AsyncIterator[TcpRedis]:
    (tmp_path / "primary").mkdir()
    server = TcpRedis(tmp_path / "primary")
    await server.start()
    yield server
    await server.stop()


async def test_a_fact_is_answered_once_the_replicas_have_it(
    primary: TcpRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "replica").mkdir()
    replica = TcpRedis(tmp_path / "replica")
    await replica.start()
    store = RedisSessionStore.connect(primary.url, replicas=1)
    session = new_session()
    try:
        raw: Any
        async with Redis.from_url(replica.url) as raw:
            await raw.config_set("masterauth", PASSWORD)
            await raw.execute_command("REPLICAOF", "127.0.0.1", primary.url.rpartition(":")[2])
            async with asyncio.timeout(20):
                while (await raw.info("replication"))["master_link_status"] != "up":
                    await asyncio.sleep(0.05)
            with monkeypatch.context() as patient:
                patient.setattr("agent_serving.adapters.redis.log._REPLICAS_MS", 20_000)
                patient.setattr("agent_serving.adapters.redis.gateway._SOCKET_TIMEOUT", 30.0)
                assert await store.append(fact(session, 0)) == 1
            await raw.execute_command("REPLICAOF", "NO", "ONE")
        behind = RedisSessionStore.connect(replica.url)
        stored = await behind.load(session)
        assert stored is not None
        assert stored.version == 1
        await behind.aclose()
        with pytest.raises(StoreUnavailable, match="only 0 of 1 replicas"):
            await store.append(fact(session, 1))
        left = await store.load(session)
        assert left is not None
        assert left.version == 2
    finally:
        await store.aclose()
        await replica.stop()


@pytest.mark.parametrize(
    ("appendonly", "appendfsync", "durability", "problem"),
    [
        (True, "everysec", "everysec", None),
        (True, "always", "strict", None),
        (True, None, "everysec", None),
        (False, "everysec", "everysec", "appendonly yes"),
        (True, "no", "everysec", "appendfsync everysec"),
        (True, "everysec", "strict", "appendfsync always"),
        (True, None, "strict", "appendfsync unknown"),
    ],
)
def test_less_than_was_asked_for_is_a_problem(
    appendonly: bool, appendfsync: str | None, durability: str, problem: str | None
) -> None:
    found = {"appendonly": appendonly, "appendfsync": appendfsync}
    said = durability_problem(found, Settings.model_validate({"durability": durability}))
    assert said is None if problem is None else said is not None and problem in said


async def test_a_redis_without_an_append_only_file_is_warned_of(
    primary: TcpRedis, caplog: pytest.LogCaptureFixture
) -> None:
    store = RedisSessionStore.connect(primary.url)
    with caplog.at_level("INFO"):
        await state_durability(store, Settings())
        async with Redis.from_url(primary.url) as raw:
            await raw.config_set("appendonly", "no")
        await state_durability(store, Settings())
    await store.aclose()
    kept, lost = [record for record in caplog.records if "durability" in record.message]
    assert (kept.levelname, lost.levelname) == ("INFO", "WARNING")
    assert "its restart loses" in lost.message
    assert PASSWORD not in caplog.text
