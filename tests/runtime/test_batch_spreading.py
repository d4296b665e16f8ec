"""What a process does with the batches that it runs, and with those that it cannot run yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.batch import Batch
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.tool_schema import spec_of
from agent_serving.runtime import batch_run
from agent_serving.runtime.inputs import ToolResultInput
from agent_serving.runtime.service import Service
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.conftest import add
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, call
from tests.runtime.test_batches import draft, make, over, results, sessions_of, until


async def parked(service: Service, count: int, tenant: str = TENANT) -> Batch:
    """A batch whose turns wait for their callers, each with a call of its own."""
    wanted = await draft(service, count)
    theirs = spec_of(add).but(executor="client")
    agents = tuple(agent.but(tools=(theirs,)) for agent in wanted.agents)
    return (await service.batches.create(tenant, wanted.but(agents=agents))).value


def calls_or_answers(prompt: str) -> Say:
    return Say("done") if "the sum" in prompt else Say(call("add", '{"a": 1, "b": 2}'))


async def test_a_tenant_whose_turns_all_wait_shuts_nobody_out(start: Any) -> None:
    """Neither by the number of its batches nor by a share of the window."""
    window = 2
    service = await start(ScriptedEngine(calls_or_answers), batch_window=window)
    waiting = [await parked(service, 1) for _ in range(window)]
    for batch in waiting:
        await until(service, batch, lambda found: found.waiting == 1)
    rival = await parked(service, 6, "rival")
    async with asyncio.timeout(20):
        while (await service.batches.get("rival", rival.id)).waiting < 6:
            await asyncio.sleep(0.05)


async def test_a_batch_whose_turns_wait_leaves_the_window_to_others(start: Any) -> None:
    engine = ScriptedEngine(
        lambda prompt: Say("slowly", delay=0.5) if "slow" in prompt else calls_or_answers(prompt)
    )
    service = await start(engine, batch_window=2)
    waiting = await parked(service, 1)
    await until(service, waiting, lambda found: found.waiting == 1)
    wanted = await draft(service, 20, "slow {}")
    rival = (await service.batches.create("rival", wanted)).value
    async with asyncio.timeout(20):
        while (await service.batches.get("rival", rival.id)).in_progress < 2:
            await asyncio.sleep(0.05)


async def test_a_tenant_runs_here_no_more_batches_than_the_window_has_places(start: Any) -> None:
    service = await start(ScriptedEngine(calls_or_answers), batch_window=2)
    batches = [await parked(service, 1) for _ in range(4)]
    for batch in batches[:2]:
        await until(service, batch, lambda found: found.waiting == 1)
    await asyncio.sleep(2.5)
    later = [await service.batches.get(TENANT, batch.id) for batch in batches[2:]]
    assert [batch.queued for batch in later] == [1, 1]


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


async def test_turns_that_wait_are_looked_at_a_few_at_a_time_and_all_in_their_turn(
    redis: EmbeddedRedis, prefix: str, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_run, "LOOKS", 4)
    monkeypatch.setattr(batch_run, "REST_SECONDS", 0.5)
    engine = ScriptedEngine(calls_or_answers)
    first = await start(engine)
    batch = await parked(first, 24)
    await until(first, batch, lambda found: found.waiting == 24)
    await first.drain(5)
    odd = OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    under_way, most, seen = 0, 0, set[str]()

    async def counted(load: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        seen.add(args[0])
        await asyncio.sleep(0.01)
        found = await load()
        under_way -= 1
        return found

    async def read(batch_id: str, places: Sequence[int]) -> Any:
        reads.append(len(places))
        return await requests(batch_id, places)

    odd.around["load"] = counted
    requests, reads = odd.batches.requests, list[int]()
    monkeypatch.setattr(odd.batches, "requests", read)
    second = await start(engine, store=odd)
    rows = [row.session_id for row in await results(first, batch)]
    async with asyncio.timeout(30):
        while seen < set(rows):
            await asyncio.sleep(0.05)
    assert most <= 4
    assert reads == [24]
    del odd.around["load"]
    await asyncio.gather(*(answered(second, session_id) for session_id in rows))
    found = await until(second, batch, over)
    assert found.completed == 24


async def answered(service: Service, session_id: str) -> None:
    [turn] = (await service.sessions.get(TENANT, session_id)).turns
    given = [ToolResultInput(call_id=each, output="the sum") for each in turn.waiting_for]
    await service.inputs.answer(TENANT, session_id, turn.id, given)
