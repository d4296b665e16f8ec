"""Calling a tool as the runtime does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.domain.tool import ToolContext, ToolFunction, tool
from agent_serving.domain.values import ToolCall, ToolResult
from agent_serving.ports import ToolRunner


class NoMemory:
    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None: ...

    async def keys(self) -> list[str]:
        return []


CONTEXT = ToolContext(
    session_id="sess_1",
    turn_id="turn_1",
    call_id="call_1",
    tenant="tenant_a",
    deadline=datetime(2030, 1, 1, tzinfo=UTC),
    idempotency_key="turn_1:call_1",
    traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    memory=NoMemory(),
)


async def call(runner: ToolRunner, name: str, arguments: str = "{}") -> ToolResult:
    spec = next(spec for spec in runner.specs() if spec.name == name)
    return await runner.run(spec, ToolCall(call_id="c1", name=name, arguments=arguments), CONTEXT)


async def call_one(function: ToolFunction, arguments: str = "{}", **options: Any) -> ToolResult:
    runner = FunctionToolRunner([function], **options)
    return await call(runner, runner.specs()[0].name, arguments)


@tool(effect="pure")
def repeat(text: str, times: int = 2) -> str:
    """Repeat a text."""
    return text * times


@tool(effect="pure")
async def repeat_async(text: str, times: int = 2) -> str:
    """Repeat a text."""
    await asyncio.sleep(0)
    return text * times


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # the runner announces nothing to wait for
            await asyncio.sleep(0.01)
