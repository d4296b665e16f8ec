import asyncio
import json
import threading
import time

import pytest

from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.domain.tool import tool
from agent_serving.domain.values import ToolCall
from tests.adapters.tools.calling import CONTEXT, call, call_one, eventually, repeat


async def test_a_blocking_tool_is_given_up_at_its_timeout(gate: threading.Event) -> None:
    @tool(timeout=0.1)
    def hang() -> None:
        """Hang."""
        gate.wait()

    runner = FunctionToolRunner([hang])
    began = time.monotonic()
    result = await call(runner, "hang")
    assert time.monotonic() - began < 20
    assert result.outcome == "timeout"
    assert "hang did not finish within 0.1 s" in result.output
    assert runner.abandoned == 1
    gate.set()
    await eventually(lambda: runner.abandoned == 0)


async def test_an_async_tool_is_cancelled_at_its_timeout() -> None:
    cleaned = asyncio.Event()

    @tool(timeout=0.05)
    async def hang() -> None:
        """Hang."""
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    runner = FunctionToolRunner([hang])
    assert (await call(runner, "hang")).outcome == "timeout"
    assert cleaned.is_set()
    assert runner.abandoned == 0


async def test_an_async_tool_that_ignores_its_cancellation_is_given_up() -> None:
    stop = asyncio.Event()

    @tool(timeout=0.05)
    async def stubborn() -> None:
        """Stay."""
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue

    runner = FunctionToolRunner([stubborn])
    began = time.monotonic()
    assert (await call(runner, "stubborn")).outcome == "timeout"
    assert time.monotonic() - began < 20
    assert runner.abandoned == 1
    stop.set()
    await eventually(lambda: runner.abandoned == 0)


async def test_the_timeout_is_that_of_the_frozen_spec() -> None:
    @tool(timeout=60)
    async def hang() -> None:
        """Hang."""
        await asyncio.sleep(60)

    runner = FunctionToolRunner([hang])
    spec = runner.specs()[0].model_copy(update={"timeout_seconds": 0.05})
    request = ToolCall(call_id="c1", name="hang", arguments="{}")
    assert (await runner.run(spec, request, CONTEXT)).outcome == "timeout"


async def test_calls_that_hang_are_bounded_and_then_every_call_is_refused(
    gate: threading.Event,
) -> None:
    @tool(timeout=0.05)
    def hang() -> None:
        """Hang."""
        gate.wait()

    runner = FunctionToolRunner([hang, repeat], abandoned_limit=2)
    await call(runner, "hang")
    await call(runner, "hang")
    refused = await call(runner, "repeat", '{"text": "a"}')
    assert refused.outcome == "error"
    assert "repeat was not started: 2 earlier tool calls" in refused.output
    gate.set()
    await eventually(lambda: runner.abandoned == 0)
    assert (await call(runner, "repeat", '{"text": "a"}')).output == "aa"


async def test_no_more_calls_than_threads_run_at_a_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    @tool()
    def work() -> None:
        """Work."""
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    runner = FunctionToolRunner([work], threads=2)
    results = await asyncio.gather(*(call(runner, "work") for _ in range(8)))
    assert {result.outcome for result in results} == {"ok"}
    assert most == 2


async def test_a_call_that_found_no_thread_in_time_was_not_started(gate: threading.Event) -> None:
    ran = []

    @tool(timeout=60)
    def hang() -> None:
        """Hang."""
        gate.wait()

    @tool(timeout=0.05)
    def late() -> None:
        """Run."""
        ran.append(1)

    runner = FunctionToolRunner([hang, late], threads=1)
    first = asyncio.create_task(call(runner, "hang"))
    await asyncio.sleep(0.02)
    result = await call(runner, "late")
    assert result.outcome == "timeout"
    assert "late was not started" in result.output
    gate.set()
    assert (await first).outcome == "ok"
    assert not ran


async def test_cancelling_a_call_cancels_an_async_tool_and_goes_on() -> None:
    started, cleaned = asyncio.Event(), asyncio.Event()

    @tool()
    async def hang() -> None:
        """Hang."""
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    task = asyncio.create_task(call_one(hang))
    await asyncio.wait_for(started.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_cancelling_a_call_gives_a_blocking_tool_up(gate: threading.Event) -> None:
    started = threading.Event()

    @tool()
    def hang() -> None:
        """Hang."""
        started.set()
        gate.wait()

    runner = FunctionToolRunner([hang])
    task = asyncio.create_task(call(runner, "hang"))
    assert await asyncio.to_thread(started.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runner.abandoned == 1
    gate.set()
    await eventually(lambda: runner.abandoned == 0)


async def test_calls_run_beside_each_other() -> None:
    meeting = threading.Barrier(3, timeout=20)

    @tool()
    def meet() -> int:
        """Meet."""
        return meeting.wait() * 0

    runner = FunctionToolRunner([meet])
    results = await asyncio.gather(*(call(runner, "meet") for _ in range(3)))
    assert [json.loads(result.output) for result in results] == [0, 0, 0]
