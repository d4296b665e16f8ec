"""Redis: that which was named, or one of our own; and what a fact survives in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from agent_serving.adapters.redis import AgentBounds, EmbeddedRedis, RedisSessionStore
from agent_serving.config import Settings
from agent_serving.domain.errors import StoreUnavailable

log = logging.getLogger(__name__)

DURABILITY_RETRY_SECONDS = 1.0


async def opened_store(settings: Settings, stack: AsyncExitStack) -> RedisSessionStore:
    """Closed, and its Redis stopped where it is ours, when the stack is left."""
    bounds = AgentBounds(agents=settings.max_agents, versions=settings.max_agent_versions)
    if settings.redis_url is not None:
        store = RedisSessionStore.connect(
            settings.redis_url, replicas=settings.redis_replicas, agent_bounds=bounds
        )
        stack.push_async_callback(store.aclose)
        checking = asyncio.create_task(state_durability(store, settings), name="durability")
        stack.callback(checking.cancel)
        return store
    redis = embedded_redis(settings)
    stack.push_async_callback(redis.stop)
    await redis.start()
    store = RedisSessionStore.connect(redis.url, embedded=True, agent_bounds=bounds)
    stack.push_async_callback(store.aclose)
    await state_durability(store, settings)
    return store


async def state_durability(store: RedisSessionStore, settings: Settings) -> None:
    """Log what a turn that got its id survives, as soon as Redis answers."""
    while True:
        try:
            found = await store.ping()
            break
        except StoreUnavailable:
            await asyncio.sleep(DURABILITY_RETRY_SECONDS)
    problem = durability_problem(found["persistence"], settings)
    if problem is None:
        fsync = found["persistence"]["appendfsync"] or "not told"
        log.info("durability: append-only file, appendfsync %s, at %s", fsync, found["address"])
    else:
        log.warning("durability: %s (Redis at %s)", problem, found["address"])


def durability_problem(persistence: Mapping[str, Any], settings: Settings) -> str | None:
    """What is less than was asked for, and what to do; None where nothing is."""
    if not persistence["appendonly"]:
        return (
            "Redis keeps no append-only file: its restart loses sessions and accepted turns. Set "
            "`appendonly yes` there"
        )
    fsync = persistence["appendfsync"]
    if settings.durability == "strict" and fsync != "always":
        return (
            f"--durability strict was asked for, and Redis has appendfsync {fsync or 'unknown'}: a "
            "crash of its machine may lose the last second. Set `appendfsync always` there"
        )
    if fsync == "no":
        return "Redis leaves it to its machine when facts are on disk. Set `appendfsync everysec`"
    return None


def embedded_redis(settings: Settings) -> EmbeddedRedis:
    return EmbeddedRedis(settings.data_dir / "redis", strict=settings.durability == "strict")
