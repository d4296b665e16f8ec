"""Both clients against the whole service, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from agent_serving import AgentServing, AsyncAgentServing
from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, Served, redis, serve, shared

__all__ = ["redis", "serve", "shared"]


@dataclass
class Connected:
    """A service, and the client that talks to it."""

    client: AsyncAgentServing
    api: Served

    @property
    def url(self) -> str:
        return str(self.api.http.base_url).rstrip("/")

    @property
    def engine(self) -> ScriptedEngine:
        return self.api.engine

    def blocking(self) -> AgentServing:
        """The client without an event loop; to be used in a thread."""
        return AgentServing(base_url=self.url)


Connect = Callable[..., Awaitable[Connected]]


@pytest.fixture
async def connect(serve: Serve) -> AsyncIterator[Connect]:
    """`await connect("Hello.", …)`: a service whose engine says these, and a client of it."""
    async with AsyncExitStack() as stack:

        async def start(*script: Any, url: str | None = None, **service: Any) -> Connected:
            api = await serve(ScriptedEngine(script or ("OK.",)), **service)
            http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            base = url or str(api.http.base_url)
            return Connected(AsyncAgentServing(base_url=base, http_client=http), api)

        yield start
