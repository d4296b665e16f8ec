import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.domain.errors import EngineUnavailable, Overloaded
from agent_serving.ports import Admission, Worker


def worker(name: str, *, ready: bool = True) -> Worker:
    return Worker(name=name, url=f"http://{name}", ready=ready)


def admission(session: str = "sess_1", avoid: frozenset[str] = frozenset()) -> Admission:
    return Admission(
        session_id=session,
        tenant="t",
        service_class="online",
        prompt_tokens=1,
        max_new_tokens=1,
        avoid=avoid,
    )


def scheduler(*workers: Worker, running: int = 1, waiting: int = 100) -> FifoScheduler:
    return FifoScheduler(lambda: workers, max_running_per_worker=running, max_waiting=waiting)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """Holds the places that waiters get until the test is over."""
    async with AsyncExitStack() as holding:
        yield holding


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_session_stays_with_its_worker():
    fifo = scheduler(worker("a"), worker("b"), worker("c"), running=10)
    homes = set()
    for _ in range(5):
        async with fifo.admit(admission("sess_7")) as grant:
            homes.add(grant.worker)
    assert len(homes) == 1


async def test_places_are_bounded_and_given_back(stack):
    fifo = scheduler(worker("a"), running=2)
    async with fifo.admit(admission()), fifo.admit(admission()):
        assert fifo.running("a") == 2
        third = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        assert not third.done()
        assert fifo.waiting == 1
    grant = await third
    assert grant.worker == "a"
    assert fifo.running("a") == 1


async def test_first_come_is_first_served():
    fifo = scheduler(worker("a"))
    order: list[int] = []

    async def one(number: int) -> None:
        async with fifo.admit(admission()):
            order.append(number)
            await asyncio.sleep(0)

    async with fifo.admit(admission()):
        tasks = []
        for number in range(20):
            tasks.append(asyncio.create_task(one(number)))
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == list(range(20))
    assert fifo.running("a") == 0


async def test_who_comes_later_cannot_take_a_place_that_was_handed_over(stack):
    fifo = scheduler(worker("a"))
    async with AsyncExitStack() as first:
        await first.enter_async_context(fifo.admit(admission()))
        waiter = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
    late = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
    await settle()
    assert waiter.done()
    assert not late.done()
    late.cancel()
    await asyncio.wait({late})


async def test_cancelling_the_wait_leaves_the_line(stack):
    fifo = scheduler(worker("a"))
    async with fifo.admit(admission()):
        waiter = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        waiter.cancel()
        await asyncio.wait({waiter})
        assert waiter.cancelled()
        assert fifo.waiting == 0
    assert fifo.running("a") == 0


async def test_cancelling_in_the_moment_of_the_grant_passes_the_place_on(stack):
    fifo = scheduler(worker("a"))
    async with AsyncExitStack() as holder:
        await holder.enter_async_context(fifo.admit(admission()))
        first = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        second = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        await holder.aclose()
        first.cancel()
        await asyncio.wait({first})
    assert first.cancelled()
    assert (await second).worker == "a"
    assert fifo.running("a") == 1


async def test_a_failure_inside_the_block_gives_the_place_back():
    fifo = scheduler(worker("a"))
    with pytest.raises(ZeroDivisionError):
        async with fifo.admit(admission()):
            raise ZeroDivisionError
    assert fifo.running("a") == 0


async def test_a_full_line_is_overloaded_and_says_when_to_come_back(stack):
    fifo = scheduler(worker("a"), waiting=1)
    async with fifo.admit(admission()):
        waiter = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        with pytest.raises(Overloaded) as refused:
            await fifo.admit(admission()).__aenter__()
        assert 1.0 <= refused.value.retry_after <= 60.0
        waiter.cancel()
        await asyncio.wait({waiter})


async def test_no_ready_worker_is_engine_unavailable():
    fifo = scheduler(worker("a", ready=False))
    with pytest.raises(EngineUnavailable, match="a"):
        await fifo.admit(admission()).__aenter__()


async def test_a_worker_that_just_failed_is_avoided_unless_it_is_the_only_one():
    fifo = scheduler(worker("a"), worker("b"), running=10)
    async with fifo.admit(admission()) as grant:
        failed = grant.worker
    async with fifo.admit(admission(avoid=frozenset({failed}))) as grant:
        assert grant.worker != failed
    async with fifo.admit(admission(avoid=frozenset({"a", "b"}))) as grant:
        assert grant.worker == failed


async def test_who_waits_for_a_worker_that_is_lost_stands_in_line_elsewhere(stack):
    workers = [worker("a"), worker("b")]
    fifo = FifoScheduler(lambda: workers, max_running_per_worker=1)
    async with AsyncExitStack() as holder:
        lost = (await holder.enter_async_context(fifo.admit(admission()))).worker
        waiter = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        workers[:] = [worker(each.name, ready=each.name != lost) for each in workers]
    grant = await waiter
    assert grant.worker != lost
    assert fifo.running(lost) == 0


async def test_the_wait_is_measured(stack):
    fifo = scheduler(worker("a"))
    async with AsyncExitStack() as holder:
        await holder.enter_async_context(fifo.admit(admission()))
        waiter = asyncio.create_task(stack.enter_async_context(fifo.admit(admission())))
        await settle()
        await asyncio.sleep(0.05)
    assert 45 < (await waiter).waited_ms < 20_000
