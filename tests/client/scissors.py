"""A proxy that cuts connections while a stream runs through them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Scissors:
    """Cuts a connection in the middle of an event, behind `events` whole ones, `left` times."""

    host: str
    port: int
    left: int
    events: int = 1
    url: str = ""
    cuts: int = 0
    running: set[asyncio.Task[None]] = field(default_factory=set)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.forward(reader, writer))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(self.host, self.port)
        up = asyncio.create_task(_pump(reader, there))
        seen = 0
        try:
            while data := await there_reader.read(65536):
                seen += data.count(b"\nevent: ")
                if seen > self.events and self.left:
                    self.left -= 1
                    self.cuts += 1
                    last = data.rindex(b"\nevent: ") + 20 if b"\nevent: " in data else 1
                    writer.write(data[:last])
                    await writer.drain()
                    return
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            up.cancel()
            for each in (writer, there):
                each.close()
            await asyncio.gather(up, return_exceptions=True)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def scissors(host: str, port: int, cuts: int, *, events: int = 1) -> AsyncIterator[Scissors]:
    proxy = Scissors(host, port, cuts, events)
    server = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy
    for task in list(proxy.running):
        task.cancel()
    await asyncio.gather(*proxy.running, return_exceptions=True)
