"""OpenAI's own client against the API on a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from openai import AsyncOpenAI

from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, Served, redis, serve

__all__ = ["redis", "serve"]

LOOK_UP: dict[str, Any] = {
    "type": "function",
    "name": "look_up",
    "description": "Look up an order.",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string"}},
        "required": ["order"],
        "additionalProperties": False,
    },
    "strict": True,
}
ADD: dict[str, Any] = {"type": "function", "name": "add", "parameters": None, "strict": None}


def call(name: str, arguments: str) -> str:
    """A call as the model of the scripted engine writes it."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


LOOKS_UP = call("look_up", '{"order": "a-1"}')
ADDS = call("add", '{"a": 1, "b": 2}')


class Talk:
    """A service, and OpenAI's client of it."""

    def __init__(self, served: Served, client: AsyncOpenAI) -> None:
        self.served = served
        self.client = client

    @property
    def engine(self) -> ScriptedEngine:
        return self.served.engine

    async def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.served.get("/v1/sessions"))["data"]
        return found


Talking = Callable[..., Awaitable[Talk]]


@pytest.fixture
async def talking(serve: Serve) -> AsyncIterator[Talking]:
    """`await talking("Hello.", Say(…))` serves an engine that says these lines."""
    async with AsyncExitStack() as stack:

        async def start(*lines: Any, model: str = "scripted", **settings: Any) -> Talk:
            script = lines[0] if callable(lines[0]) else lines
            engine = ScriptedEngine(script, model=model)
            served = await serve(engine, **settings)
            client = AsyncOpenAI(
                base_url=f"{served.http.base_url}/v1/", api_key="none", max_retries=0
            )
            await stack.enter_async_context(client)
            return Talk(served, client)

        yield start
