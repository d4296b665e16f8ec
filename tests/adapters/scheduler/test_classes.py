"""Who goes first where there is not room for all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.domain.errors import Overloaded
from agent_serving.domain.values import ServiceClass
from agent_serving.ports import Admission
from tests.adapters.scheduler.test_fifo import scheduler, settle, worker


def asked(service_class: ServiceClass) -> Admission:
    return Admission(
        session_id="sess_1",
        tenant="t",
        service_class=service_class,
        prompt_tokens=1,
        max_new_tokens=1,
    )


async def enter(fifo: FifoScheduler, service_class: ServiceClass, stack: AsyncExitStack) -> None:
    await stack.enter_async_context(fifo.admit(asked(service_class)))


async def test_a_more_urgent_class_that_comes_later_goes_first() -> None:
    fifo = scheduler(worker("a"))
    order: list[str] = []

    async def one(service_class: ServiceClass) -> None:
        async with fifo.admit(asked(service_class)):
            order.append(service_class)
            await asyncio.sleep(0)

    async with fifo.admit(asked("online")):
        tasks = []
        for each in ("batch", "near_real_time", "batch", "online", "near_real_time"):
            tasks.append(asyncio.create_task(one(each)))
            await settle()
    await asyncio.gather(*tasks)
    assert order == ["online", "near_real_time", "near_real_time", "batch", "batch"]
    assert fifo.running("a") == 0


async def test_batch_leaves_a_place_for_what_is_urgent() -> None:
    fifo = scheduler(worker("a"), running=3)
    async with AsyncExitStack() as stack:
        waiting = [asyncio.create_task(enter(fifo, "batch", stack)) for _ in range(5)]
        await settle()
        assert (fifo.running("a"), fifo.waiting) == (2, 3)
        await asyncio.wait_for(enter(fifo, "online", stack), 1)
        assert (fifo.running("a"), fifo.waiting) == (3, 3)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert fifo.waiting == 0


async def test_an_urgent_one_that_leaves_gives_its_place_to_no_batch_too_many() -> None:
    fifo = scheduler(worker("a"), running=2)
    async with AsyncExitStack() as stack:
        await enter(fifo, "batch", stack)
        second = asyncio.create_task(enter(fifo, "batch", stack))
        async with fifo.admit(asked("online")):
            await settle()
        await settle()
        assert not second.done()
        assert fifo.running("a") == 1
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)


async def test_a_batch_that_leaves_hands_its_place_to_the_next() -> None:
    fifo = scheduler(worker("a"), running=2)
    async with AsyncExitStack() as stack:
        async with fifo.admit(asked("batch")):
            second = asyncio.create_task(enter(fifo, "batch", stack))
            await settle()
            assert not second.done()
        await asyncio.wait_for(second, 1)


async def test_a_full_line_of_batches_refuses_nobody_else() -> None:
    fifo = scheduler(worker("a"), waiting=1)
    async with AsyncExitStack() as stack:
        await enter(fifo, "online", stack)
        waiting = [asyncio.create_task(enter(fifo, "batch", stack))]
        await settle()
        with pytest.raises(Overloaded, match="of class batch"):
            await fifo.admit(asked("batch")).__aenter__()
        waiting.append(asyncio.create_task(enter(fifo, "online", stack)))
        await settle()
        assert fifo.waiting == 2
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
