"""What is kept, for how long, and what happens when there is no room for more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.domain.tool import ToolContext, tool
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.runtime.talk import call

CONTENT = "unmistakable-7d1c"


@tool(effect="pure")
async def note(context: ToolContext) -> str:
    """Remember something."""
    await context.memory.put("note", CONTENT)
    return CONTENT


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    redis = EmbeddedRedis(tmp_path)
    await redis.start()
    yield redis
    await redis.stop()


@pytest.fixture
async def raw(own_redis: EmbeddedRedis) -> AsyncIterator[Redis]:
    client = Redis.from_url(own_redis.url)
    yield client
    await client.aclose()


async def dump(raw: Redis) -> dict[str, bytes]:
    """All keys, each with its value as Redis would write it to disk."""
    return {key.decode(): await raw.dump(key) or b"" async for key in raw.scan_iter("*")}


async def entered(raw: Redis) -> dict[str, bytes]:
    """All keys, once every bill is in the books: a bill outlives its session until it is."""
    async with asyncio.timeout(10):
        left = await dump(raw)
        while any(key.endswith(":bill") for key in left):
            await asyncio.sleep(0.05)
            left = await dump(raw)
    return left


async def talked(api: Served, **body: Any) -> str:
    """A session with everything that a session can have in the store."""
    session_id = await api.open({"tools": ["note"]}, metadata={"note": CONTENT}, **body)
    turn = (await api.say(session_id, f"Say {CONTENT}.")).json()
    assert turn["status"] == "completed"
    return session_id


async def test_a_deleted_session_leaves_its_mark_and_nothing_else(
    serve: Serve, own_redis: EmbeddedRedis, raw: Redis
) -> None:
    engine = ScriptedEngine([call("note", "{}"), f"I said {CONTENT}."])
    api = await serve(engine, tools=[note], redis_url=own_redis.url)
    before = set(await dump(raw))
    session_id = await talked(api)
    kinds = {key.rpartition(":")[2] for key in await dump(raw) if session_id in key}
    assert {"meta", "log", "live", "tokens", "memory"} <= kinds
    assert (await api.http.delete(f"/v1/sessions/{session_id}")).status_code == 200
    left = await entered(raw)
    assert {key.rpartition(":")[2] for key in left if session_id in key} == {"gone"}
    gone = next(key for key in left if session_id in key)
    assert 0 < await raw.ttl(gone) <= 24 * 3600
    assert not [key for key, value in left.items() if CONTENT.encode() in key.encode() + value]
    others = {key for key in left if key not in before and session_id not in key}
    assert all(":books:" in key for key in others), others
    assert engine.closed_sessions == [session_id]


async def test_a_session_is_gone_after_its_time_with_all_its_keys(
    serve: Serve, own_redis: EmbeddedRedis, raw: Redis
) -> None:
    engine = ScriptedEngine([call("note", "{}"), "Done."])
    api = await serve(engine, tools=[note], redis_url=own_redis.url)
    session_id = await talked(api, ttl_seconds=6)
    await asyncio.sleep(6.1)
    assert error_of(await api.http.get(f"/v1/sessions/{session_id}"))[:2] == (404, "not_found")
    assert (await api.get("/v1/sessions"))["data"] == []
    left = await entered(raw)
    kinds = {key.rpartition(":")[2] for key in left if session_id in key}
    assert kinds <= {"lease"}
    assert not [key for key, value in left.items() if CONTENT.encode() in value]


async def test_a_session_tells_what_it_takes_in_the_store(api: Served) -> None:
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/usage"
    sizes = [(await api.get(path))["stored_bytes"]]
    for text in ("a short question", "a long question " * 1000):
        await api.say(session_id, text)
        sizes.append((await api.get(path))["stored_bytes"])
    assert 500 < sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] > sizes[1] + 16_000


async def test_a_store_without_memory_says_so_loses_nothing_and_recovers_by_itself(
    serve: Serve, own_redis: EmbeddedRedis, raw: Redis
) -> None:
    def line(prompt: str) -> Say:
        return Say("word " * 60, delay=0.02) if "Take your time" in prompt else Say("OK.")

    api = await serve(ScriptedEngine(line), redis_url=own_redis.url)
    quiet, unloved = await api.open(), await api.open()
    await api.say(quiet, "hello")
    await api.say(unloved, "hello")
    under_way = await api.open()
    turn_id = (await api.say(under_way, "Take your time.", mode="background")).json()["id"]
    await api.generating(3)
    await raw.config_set("maxmemory", "1mb")

    for answer in (
        await api.say(quiet, "more"),
        await api.http.post("/v1/sessions", json={"agent": {}}),
        await api.http.post("/v1/agents", json={"name": "clerk"}),
        await api.http.post(f"/v1/sessions/{quiet}/fork"),
    ):
        assert error_of(answer)[:2] == (503, "store_unavailable")
        assert "maxmemory" in answer.json()["error"]["message"]
        assert "DELETE /v1/sessions" in answer.json()["error"]["message"]
        assert int(answer.headers["retry-after"]) == 5
    assert (await api.get(f"/v1/sessions/{quiet}"))["turn_count"] == 1
    assert len((await api.get(f"/v1/sessions/{quiet}/items"))["data"]) == 2
    assert (await api.http.delete(f"/v1/sessions/{unloved}")).status_code == 200
    await asyncio.sleep(2.0)
    turn = await api.get(f"/v1/sessions/{under_way}/turns/{turn_id}")
    assert turn["status"] == "in_progress"

    await raw.config_set("maxmemory", "0")
    assert (await api.settled(under_way, turn_id))["output_text"] == "word " * 60
    assert (await api.say(quiet, "more")).json()["status"] == "completed"
    assert (await api.get(f"/v1/sessions/{quiet}"))["turn_count"] == 2
    listed = {session["id"] for session in (await api.get("/v1/sessions"))["data"]}
    assert listed == {quiet, under_way}
