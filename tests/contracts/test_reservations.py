from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import IdempotencyMismatch
from agent_serving.domain.receipt import RequestMark
from agent_serving.ports import Reserved

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MARK = RequestMark(key="k", body="b")
OTHER_BODY = RequestMark(key="k", body="c")


async def test_the_first_reservation_of_a_key_counts(store: RedisSessionStore) -> None:
    assert await store.reserved(MARK) is None
    later = NOW + timedelta(seconds=1)
    ids = [f"sess_{number}" for number in range(20)]
    found = await asyncio.gather(*(store.reserve(MARK, one, at=NOW) for one in ids))
    assert len({reserved.object_id for reserved in found}) == 1
    assert await store.reserve(MARK, "sess_late", at=later) == found[0]
    assert await store.reserved(MARK) == found[0] == Reserved(found[0].object_id, NOW)


async def test_a_reservation_is_for_one_body(store: RedisSessionStore) -> None:
    await store.reserve(MARK, "sess_1", at=NOW)
    with pytest.raises(IdempotencyMismatch):
        await store.reserve(OTHER_BODY, "sess_2", at=NOW)
    with pytest.raises(IdempotencyMismatch):
        await store.reserved(OTHER_BODY)


async def test_a_released_key_is_free_again(store: RedisSessionStore) -> None:
    await store.reserve(MARK, "sess_1", at=NOW)
    await store.release(MARK)
    await store.release(MARK)
    assert (await store.reserve(OTHER_BODY, "sess_2", at=NOW)).object_id == "sess_2"


async def test_an_agent_is_stored_once_for_a_key(store: RedisSessionStore) -> None:
    assert await store.agent_made_by("acme", MARK) is None
    puts = (
        store.put_agent("acme", b"a", agent_id=f"agent_{n}", name="clerk", mark=MARK)
        for n in range(20)
    )
    stored = await asyncio.gather(*puts)
    assert len({(one.agent_id, one.version) for one in stored}) == 1
    assert [one.replayed for one in stored].count(False) == 1
    assert await store.agent_made_by("other", MARK) is None
    found = await store.agent_made_by("acme", MARK)
    assert found is not None
    assert found.replayed
    assert len(await store.agent_versions("acme", "clerk")) == 1
    with pytest.raises(IdempotencyMismatch):
        await store.put_agent("acme", b"a", agent_id="agent_x", name="x", mark=OTHER_BODY)


async def test_what_is_kept_of_a_key_expires_in_a_day(
    store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    await store.reserve(MARK, "sess_1", at=NOW)
    await store.put_agent("acme", b"a", agent_id="agent_1", name="clerk", mark=MARK)
    kept = [key async for key in raw.scan_iter(f"{prefix}:*request*")]
    assert len(kept) == 2
    for key in kept:
        assert 0 < await raw.pttl(key) <= 24 * 3600 * 1000
