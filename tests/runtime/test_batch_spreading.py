"""What a process does with the batches that it runs, and with those that it cannot run yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.testing import ScriptedEngine
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT
from tests.runtime.test_batches import make, over, sessions_of, until


async def test_no_turn_begins_behind_a_cancel_when_the_store_was_away_for_a_moment(
    redis: EmbeddedRedis, prefix: str, start: Any
) -> None:
    """The first request meets the outage; the second is being begun all the while."""
    engine = ScriptedEngine(["yes"])
    odd = OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    opened, gate = list[str](), asyncio.Event()

    async def open_slowly(write: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        if args[0].version == 0:
            opened.append(args[0].session_id)
            if len(opened) == 1:
                raise StoreUnavailable("odd: not now")
            await gate.wait()
        return await write()

    odd.around["append"] = open_slowly
    service = await start(engine, store=odd, batch_window=2)
    batch = await make(service, 2)
    async with asyncio.timeout(20):
        while len(opened) < 2:
            await asyncio.sleep(0.05)
    await service.batches.cancel(TENANT, batch.id)
    await asyncio.sleep(2)
    assert not over(await service.batches.get(TENANT, batch.id))
    gate.set()
    found = await until(service, batch, over)
    await asyncio.sleep(0.5)
    assert (found.status, found.cancelled) == ("cancelled", 2)
    assert [session.turn_count for session in await sessions_of(service)] == [0]
    assert engine.requests == []
