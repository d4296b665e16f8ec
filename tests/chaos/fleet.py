"""Two replicas, each a process with a cable of its own to one Redis; who dies is started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from agent_serving.adapters.redis import EmbeddedRedis
from tests.chaos.diary import Diary
from tests.chaos.doom import Doom
from tests.e2e.cable import Cable

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
ANSWER_SECONDS = 3.0
"""After which a caller takes a replica for dead and asks the other one."""


class Replica:
    """`process` changes with each start; the address stays."""

    def __init__(self, folder: Path, redis: EmbeddedRedis, engine: Cable | None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.cable = Cable(redis.url)
        self._folder = folder
        self._engine = engine
        self._log = folder / f"replica-{self._port}.log"
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._port}",
            timeout=httpx.Timeout(ANSWER_SECONDS),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    async def start(self) -> None:
        """Returns when it is ready."""
        self._launch()
        async with asyncio.timeout(START_SECONDS):
            while not self.dead:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.http.get("/readyz")).status_code == 200:
                        self.ready = True
                        return
                await asyncio.sleep(0.1)
        raise RuntimeError(f"a replica ended at its start: {self._log.read_text()[-3000:]}")

    def _launch(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.replica"]
        command += [self.cable.url.replace("http", "redis"), str(self._port)]
        command += [self._engine.url] if self._engine else []
        environment = os.environ | {"CHAOS_FOLDER": str(self._folder)}
        self.ready = False
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, env=environment, start_new_session=True
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def aclose(self) -> None:
        if not self.dead:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            assert self.process is not None
            await asyncio.to_thread(self.process.wait, 20)
        await self.http.aclose()
        await self.cable.pull()


class Fleet:
    def __init__(self, folder: Path, redis: EmbeddedRedis, engine: str | None = None) -> None:
        self.folder = folder
        self.redis = redis
        self.engine_cable = Cable(engine) if engine else None
        self.diary = Diary(folder / "diary")
        self.doom = Doom(folder)
        self.witness = folder / "witness"
        self.witness.touch()
        self.engine_down = folder / "engine down"
        self.replicas = [Replica(folder, redis, self.engine_cable) for _ in range(2)]

    def any(self, *, but: Replica | None = None) -> Replica:
        return random.choice([replica for replica in self.replicas if replica is not but])

    async def start(self) -> None:
        if self.engine_cable is not None:
            await self.engine_cable.plug_in()
        for replica in self.replicas:
            await replica.cable.plug_in()
        await asyncio.gather(*(self._start(replica) for replica in self.replicas))

    async def keep_up(self) -> None:
        """For ever: start again who died."""
        async with asyncio.TaskGroup() as group:
            for replica in self.replicas:
                group.create_task(self._keep_up(replica))

    async def all_ready(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            while not all(replica.ready and not replica.dead for replica in self.replicas):
                await asyncio.sleep(0.05)

    async def seen(self, kind: str, since: float, *, times: int = 1, seconds: float = 60) -> None:
        """Until the diary tells of it."""
        async with asyncio.timeout(seconds):
            while sum(line["kind"] == kind for line in self.diary.since(since)) < times:
                await asyncio.sleep(0.02)

    async def owner(self) -> Replica:
        """One that runs a turn at this moment."""
        since = time.monotonic()
        while True:
            lines = self.diary.since(since)
            working = {x["pid"] for x in lines if x["kind"] == "fact" and x["own"] and x["open"]}
            for replica in self.replicas:
                if replica.pid in working and not replica.dead:
                    return replica
            await asyncio.sleep(0.02)

    async def _keep_up(self, replica: Replica) -> None:
        while True:
            if replica.dead:
                await self._start(replica)
            await asyncio.sleep(0.02)

    async def _start(self, replica: Replica) -> None:
        await replica.start()
        self.diary.write("ready", pid=replica.pid)


@asynccontextmanager
async def running_fleet(folder: Path, engine: str | None = None) -> AsyncIterator[Fleet]:
    redis = EmbeddedRedis(folder / "redis")
    await redis.start()
    fleet = Fleet(folder, redis, engine)
    keeping: asyncio.Task[None] | None = None
    try:
        await fleet.start()
        keeping = asyncio.create_task(fleet.keep_up())
        yield fleet
    finally:
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        for replica in fleet.replicas:
            await replica.aclose()
        if fleet.engine_cable is not None:
            await fleet.engine_cable.pull()
        await redis.stop()
