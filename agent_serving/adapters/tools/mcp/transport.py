"""How a server is reached: its process's pipes, or HTTP. Both tell when they end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TextIO

import anyio
import httpx2
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from agent_serving.adapters.tools.mcp.body_limit import LimitedBodies
from agent_serving.adapters.tools.redaction import Redactor
from agent_serving.domain.mcp import McpServer

log = logging.getLogger(__name__)

MAX_LINE = 8192
BODY_LIMIT = 4 * 1024 * 1024
"""Bytes; a list of many tools with their schemas is in it, a result is cut to far less."""


@asynccontextmanager
async def reached(
    name: str, server: McpServer, redact: Redactor, ended: Callable[[], None]
) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of an MCP transport. A process is stopped, with its children, on leaving.
    `ended` is called as soon as nothing more can come in."""
    if server.command is not None:
        async with (
            _logged_to(name, redact) as errors,
            stdio_client(_parameters(server), errlog=errors) as (read, write),
        ):
            yield _Watched(read, ended), write
    else:
        assert server.url is not None
        # A stream may be silent for long: how long a request may take is the client's affair, and
        # its end there costs one request, not the connection.
        seconds = httpx2.Timeout(server.connect_seconds, read=None)
        client = httpx2.AsyncClient(
            transport=LimitedBodies(httpx2.AsyncHTTPTransport(trust_env=False), BODY_LIMIT),
            headers=server.headers,
            timeout=seconds,
            trust_env=False,
        )
        async with (
            client,
            streamable_http_client(server.url, http_client=client) as (read, write),
        ):
            yield _Watched(read, ended), write


def _parameters(server: McpServer) -> StdioServerParameters:
    """Of our environment the process gets PATH, HOME and the like, and nothing else."""
    assert server.command is not None
    return StdioServerParameters(command=server.command, args=list(server.args), env=server.env)


class _Watched:
    """A stream of messages that says when it is at its end."""

    def __init__(self, stream: Any, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended = ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def receive(self) -> Any:
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._ended()
            raise

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except (StopAsyncIteration, anyio.ClosedResourceError):
            self._ended()
            raise

    async def __aenter__(self) -> _Watched:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()


@asynccontextmanager
async def _logged_to(name: str, redact: Redactor) -> AsyncIterator[TextIO]:
    """Where a process writes its errors: our log, line by line, without secrets."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    copying = asyncio.create_task(_copy(name, reader, redact), name=f"log of {name}")
    try:
        with os.fdopen(writing, "w") as errors:
            yield errors
    finally:
        copying.cancel()
        await asyncio.gather(copying, return_exceptions=True)
        transport.close()


async def _copy(name: str, reader: asyncio.StreamReader, redact: Redactor) -> None:
    while True:
        try:
            line = await reader.readline()
        except ValueError:  # longer than MAX_LINE; what was read of it is gone
            continue
        if not line:
            return
        log.info("%s: %s", name, redact(line.decode(errors="replace").rstrip()))
