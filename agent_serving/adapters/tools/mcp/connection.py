"""One server, connected as long as the service lives: again and again, where it is lost."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Literal

import anyio
from mcp import Client
from mcp_types import CallToolResult, Implementation

import agent_serving
from agent_serving.adapters.tools.mcp.transport import reached
from agent_serving.adapters.tools.redaction import Redactor
from agent_serving.domain.errors import ToolServerUnavailable
from agent_serving.domain.mcp import McpServer

log = logging.getLogger(__name__)

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between two tries to connect; somebody who waits shortens a longer pause."""
US = Implementation(name="agent-serving", version=agent_serving.__version__)

Greet = Callable[[Client], Awaitable[None]]


class Connection:
    """A task of its own enters and leaves the client: its cancel scopes want the same task for
    both. `greet` is awaited with each new client before anybody else gets it."""

    def __init__(self, name: str, server: McpServer, redact: Redactor, greet: Greet) -> None:
        self._name = name
        self._server = server
        self._redact = redact
        self._greet = greet
        self._client: Client | None = None
        self._failures = 0
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._closing = False
        self._scope: anyio.CancelScope | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None

    @property
    def status(self) -> Literal["connecting", "ready", "down"]:
        if self._client is not None:
            return "ready"
        return "connecting" if self.problem is None else "down"

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"mcp {self._name}")

    async def settled(self) -> None:
        """Until the first try to connect has come to something."""
        while self._client is None and not self._failures:
            await self._changed.wait()

    async def client(self) -> Client:
        """A client that was connected a moment ago. Raises ToolServerUnavailable."""
        failures = self._failures
        self._wanted.set()
        while self._client is None:
            if self._failures > failures or self._closing:
                raise ToolServerUnavailable(
                    f"The MCP server {self._name!r} cannot be reached; the service's log says why.",
                    retry_after=5.0,
                )
            await self._changed.wait()
        return self._client

    async def lose(self, client: Client) -> None:
        """Connect anew: this client was seen to be of no use any more."""
        if self._client is client and self._scope is not None:
            self._over()
            self._scope.cancel()

    async def aclose(self) -> None:
        self._closing = True
        if self._scope is not None:
            self._scope.cancel()
        self._wanted.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._closing:
            self._wanted.clear()
            if await self._connected():
                pause = SHORTEST_PAUSE
                continue
            self._failures += 1
            self._tell()
            await self._rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _rest(self, pause: float) -> None:
        """Not in a tight loop, whoever waits."""
        if not self._closing:
            await asyncio.sleep(SHORTEST_PAUSE)
        try:
            async with asyncio.timeout(pause):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _connected(self) -> bool:
        """Stays until the connection is lost; False where there never was one."""
        was_there = False
        seconds = self._server.connect_seconds
        ended = asyncio.Event()

        def over() -> None:
            ended.set()
            self._over()

        try:
            with anyio.move_on_after(seconds) as self._scope:
                transport = reached(self._name, self._server, self._redact, over)
                async with Client(
                    transport,
                    client_info=US,
                    cache=None,
                    read_timeout_seconds=self._server.timeout_seconds,
                ) as client:
                    # A session of our own cannot be given to the client.
                    client.session.validate_tool_result = _unmatched  # type: ignore[method-assign]
                    await self._greet(client)
                    self._scope.deadline = math.inf
                    if not ended.is_set():
                        was_there = True
                        self._client, self.problem = client, None
                        log.info("the MCP server %s is connected", self._name)
                        self._tell()
                    await ended.wait()
            if not was_there and not ended.is_set():
                self.problem = f"it did not answer within {seconds:g} s."
        except Exception as error:
            self.problem = self._redact(_reason(error))
        finally:
            self._over()
        if not self._closing:
            self.problem = self.problem or "it has ended."
            log.warning("the MCP server %s is not connected: %s", self._name, self.problem)
        return was_there

    def _over(self) -> None:
        self._client = None
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _unmatched(name: str, result: CallToolResult) -> None:
    """What is read of an answer is its text. The SDK would match it with the schema that the server
    gave, by a backtracking `re` on the event loop."""


def _reason(error: BaseException) -> str:
    """The first thing that went wrong, in a sentence."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split()).rstrip(".") or "no reason was given"
    return f"{type(error).__name__}: {text}."
