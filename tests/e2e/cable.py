"""A cable between the service and its engine, or its Redis, that a test can pull."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit


class Cable:
    """Forwards TCP connections to a server until it is pulled; then every open connection breaks
    and new ones are refused, as when the server's process is killed."""

    def __init__(self, target: str) -> None:
        self.point_to(target)
        self._server: asyncio.Server | None = None
        self._listen = 0
        self._open: set[asyncio.StreamWriter] = set()
        self.replies_seen = asyncio.Event()
        """Set when a piece of a streamed reply has come through."""

    def point_to(self, target: str) -> None:
        """Where new connections go: to a host and a port, or to a `unix://` socket."""
        self._target = urlsplit(target)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listen}"

    async def plug_in(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self._listen)
        self._listen = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> int:
        """How many ends of open connections it broke."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        broken = list(self._open)
        for writer in broken:
            writer.transport.abort()
        return len(broken)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there}
        await asyncio.gather(
            self._pump(reader, there), self._pump(there_reader, writer, watch=True)
        )
        self._open -= {writer, there}

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.scheme == "unix":
            return await asyncio.open_unix_connection(unquote(self._target.path))
        return await asyncio.open_connection(self._target.hostname, self._target.port)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watch: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
                if watch and b'"output_ids"' in data:
                    self.replies_seen.set()
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


@asynccontextmanager
async def cable_to(target: str) -> AsyncIterator[Cable]:
    cable = Cable(target)
    await cable.plug_in()
    try:
        yield cable
    finally:
        await cable.pull()
