"""Servers to talk to: a badly behaved one of our own, over both transports."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.tools.mcp import McpToolRunner
from agent_serving.domain.mcp import McpServer

ODD = Path(__file__).with_name("odd_server.py")

Connect = Callable[..., Awaitable[McpToolRunner]]


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """Where the server leaves a line for what it does; it outlives the server."""
    path = tmp_path / "witness"
    path.touch()
    return path


def odd_stdio(witness: Path, **more: Any) -> McpServer:
    return McpServer(command=sys.executable, args=(str(ODD), str(witness)), **more)


class OddHttp:
    """The server as a process of its own, which can be stopped and started."""

    def __init__(self, witness: Path) -> None:
        self._witness = witness
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def start(self) -> None:
        command = [sys.executable, str(ODD), str(self._witness), str(self.port)]
        self._process = await asyncio.to_thread(
            subprocess.Popen, command, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def odd_http(witness: Path) -> Iterator[OddHttp]:
    server = OddHttp(witness)
    yield server
    server.stop()


@asynccontextmanager
async def connecting() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect(secrets: Any = None, **servers: McpServer) -> McpToolRunner:
            runner = McpToolRunner(servers, secrets=secrets, start_seconds=60)
            stack.push_async_callback(runner.aclose)
            await runner.start()
            return runner

        yield connect


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """`await connect(odd=server)` gives a runner on those servers."""
    async with connecting() as connected:
        yield connected


@dataclass(frozen=True)
class Odd:
    """A runner on the odd server, and what that one leaves."""

    runner: McpToolRunner
    witness: Path


@pytest.fixture(params=["stdio", "http"], scope="module")
async def odd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Odd]:
    """Over each transport; for tests that do not break it."""
    witness = tmp_path_factory.mktemp("odd") / "witness"
    witness.touch()
    http = OddHttp(witness)
    async with connecting() as connect:
        patient: Any = {"timeout_seconds": 20, "connect_seconds": 60}
        if request.param == "stdio":
            server = odd_stdio(witness, **patient)
        else:
            await http.start()
            server = McpServer(url=http.url, **patient)
        yield Odd(await connect(odd=server), witness)
    http.stop()
