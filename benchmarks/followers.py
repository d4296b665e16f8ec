"""How many followers of running turns one process carries: one reader of the store for each
session, as the service has it, against one for each follower.

    python benchmarks/followers.py --followers 1000 --turns 100 --seconds 10

Both sides run one after the other, each with a Redis, a service and an HTTP server in a process of
their own; the turns come from a scripted engine that speaks at a steady pace, so all that is
measured is the way from a fact to its readers. The readers are in this process, one connection
each, and keep up as well as they can. A side passes where every reader got every event of its
turn, once and in order, and none was told that it was too slow.

Prints, by side: events, events that a reader missed, readers that were dropped, the delay from an
event to its reader, the processor time of the serving process; and the ratio of the latter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from agent_serving.bootstrap import build
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.domain.session import Session
from agent_serving.ports import SessionStore
from agent_serving.runtime.follow import Feed, SessionEvent
from agent_serving.testing import Say, ScriptedEngine

CHUNK_SECONDS = 0.1
WORD = "word "
QUIET_SECONDS = 60.0


class ReaderEach(Feed):
    """The baseline: every follower reads the store by itself."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store)
        self._of_all = store

    async def follow(
        self, session: Session, after: int, *, ping_seconds: float = 15.0
    ) -> AsyncGenerator[SessionEvent | None, None]:
        alone = Feed(self._of_all).follow(session, after, ping_seconds=ping_seconds)
        async with aclosing(alone) as events:
            async for event in events:
                yield event


@dataclass
class Reader:
    sequences: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    dropped: int = 0

    def take(self, line: bytes) -> bool:
        """One line of data; False behind the last one."""
        now = time.time()
        event = json.loads(line)
        if event["type"] == "error":
            self.dropped += 1
            return True
        self.sequences.append(event["sequence"])
        self.delays.append(now - datetime.fromisoformat(event["created_at"]).timestamp())
        return not event["type"].startswith(("turn.completed", "turn.failed"))


@dataclass(frozen=True)
class Side:
    name: str
    events: int
    missed: int
    dropped: int
    p50_ms: float
    p99_ms: float
    cpu_seconds: float


# --- the serving process --------------------------------------------------------------------


def serve(pipe: Connection, folder: str, seconds: float, reader_each: bool) -> None:
    asyncio.run(_serve(pipe, Path(folder), seconds, reader_each))


async def _serve(pipe: Connection, folder: Path, seconds: float, reader_each: bool) -> None:
    words = int(seconds / CHUNK_SECONDS)
    engine = ScriptedEngine([Say(WORD * words, delay=CHUNK_SECONDS, chunk=len(WORD))])
    settings = Settings(data_dir=folder, max_running_per_engine=4096)
    async with build(settings, engine=engine) as running:
        if reader_each:
            running.service.feed = ReaderEach(running.service.ports.store)
        async with serving(running.app, "127.0.0.1", 0) as url:
            pipe.send(url)
            await asyncio.to_thread(pipe.recv)
            used = resource.getrusage(resource.RUSAGE_SELF)
            pipe.send(used.ru_utime + used.ru_stime)


# --- the readers ----------------------------------------------------------------------------


async def follow(url: str, path: str, reader: Reader, ready: asyncio.Semaphore) -> None:
    host, port = url.removeprefix("http://").split(":")
    lines, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n".encode()
        )
        status = await lines.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"a follower was refused: {status!r}")
        ready.release()
        while True:
            async with asyncio.timeout(QUIET_SECONDS):
                line = await lines.readline()
            if not line:
                return
            if line.startswith(b"data: ") and not reader.take(line[6:]):
                return
    finally:
        writer.close()


async def side(name: str, url: str, followers: int, turns: int) -> tuple[int, int, list[Reader]]:
    """Events of all turns together, events that readers missed, and the readers."""
    readers = [Reader() for _ in range(followers)]
    ready = asyncio.Semaphore(0)
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as http:
        answers = [await http.post("/v1/sessions", json={"agent": {}}) for _ in range(turns)]
        ids = [answer.raise_for_status().json()["id"] for answer in answers]
        tasks = [
            asyncio.create_task(follow(url, f"/v1/sessions/{ids[n % turns]}/events", reader, ready))
            for n, reader in enumerate(readers)
        ]
        there = asyncio.gather(*(ready.acquire() for _ in readers))
        # A follower that is refused ends first, and says why.
        await asyncio.wait([there, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        print(f"{name}: {followers} followers of {turns} sessions are there", file=sys.stderr)
        body = {"input": "Go.", "mode": "background"}
        started = [http.post(f"/v1/sessions/{session}/turns", json=body) for session in ids]
        for answer in await asyncio.gather(*started):
            answer.raise_for_status()
        await asyncio.gather(*tasks)
        # What there was to be seen: the most that any reader of the session saw.
        told: list[set[int]] = [set() for _ in ids]
        for n, reader in enumerate(readers):
            told[n % turns] |= set(reader.sequences)
    missed = sum(
        len(told[n % turns])
        - len(set(reader.sequences))
        + (reader.sequences != sorted(set(reader.sequences)))
        for n, reader in enumerate(readers)
    )
    return sum(map(len, told)), missed, readers


def measure(name: str, followers: int, turns: int, seconds: float, reader_each: bool) -> Side:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        arguments = (theirs, folder, seconds, reader_each)
        process = context.Process(target=serve, args=arguments)
        process.start()
        try:
            url = ours.recv()
            events, missed, readers = asyncio.run(side(name, url, followers, turns))
            ours.send("stop")
            cpu = ours.recv()
        finally:
            process.join(60)
    delays = sorted(delay for reader in readers for delay in reader.delays)
    return Side(
        name=name,
        events=events,
        missed=missed,
        dropped=sum(reader.dropped for reader in readers),
        p50_ms=delays[len(delays) // 2] * 1000,
        p99_ms=delays[len(delays) * 99 // 100] * 1000,
        cpu_seconds=cpu,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a turn")
    parser.add_argument("--only", choices=["ours"], help="leave the baseline out")
    given = parser.parse_args()
    load = (given.followers, given.turns, given.seconds)
    ours = measure("one reader a session", *load, reader_each=False)
    sides = [ours]
    if given.only is None:
        sides.append(measure("one reader a follower", *load, reader_each=True))
    print(f"{'':24}{'events':>8}{'missed':>8}{'dropped':>9}{'p50':>9}{'p99':>9}{'cpu':>8}")
    for one in sides:
        print(
            f"{one.name:24}{one.events:>8}{one.missed:>8}{one.dropped:>9}"
            f"{one.p50_ms:>6.0f} ms{one.p99_ms:>6.0f} ms{one.cpu_seconds:>6.1f} s"
        )
    if len(sides) == 2:
        print(f"ratio of processor time: {sides[1].cpu_seconds / ours.cpu_seconds:.2f}")
    return 0 if ours.missed == ours.dropped == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
