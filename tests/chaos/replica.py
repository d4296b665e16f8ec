"""A replica as a process of its own that can be told where to die:

    CHAOS_FOLDER=FOLDER python -m tests.chaos.replica REDIS_URL PORT [ENGINE_URL]

Without an engine it follows a script: `pay` calls a `once` tool and an idempotent one, `ask` a tool
that its caller runs, all else is told a story. SIGUSR1 sets its clock an hour forward, SIGUSR2 an
hour back. Its leases are short, so that the campaign is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.bootstrap import build, service
from agent_serving.bootstrap import store as stores
from agent_serving.cli.server import drained, serving, stop_signals
from agent_serving.config import Settings
from agent_serving.domain.errors import EngineUnavailable
from agent_serving.ports import Append, Chunk, Engine, Finished, Generation, Lease
from agent_serving.runtime import leases, runners
from agent_serving.testing import Line, Say, ScriptedEngine
from tests.chaos.diary import Diary
from tests.chaos.doom import Doom

LEASE_SECONDS = 2.0
JUMP = timedelta(hours=1)
TOOLS = Path(__file__).with_name("tools")
STREAM_CHUNKS = 3
"""Behind so many of a reply one dies in mid-stream."""


def called(*names: str) -> str:
    return "\n".join(
        f'<tool_call>\n{{"name": "{name}", "arguments": {{}}}}\n</tool_call>' for name in names
    )


def answer(prompt: str) -> Line:
    heard = prompt.rsplit("<|im_start|>", 2)[1]
    if heard.startswith("tool\n"):
        return Say("It is done, and well done.", delay=0.03)
    if heard.startswith("user\npay"):
        return Say("I see to it.\n" + called("pay", "look"), delay=0.03, chunk=20)
    if heard.startswith("user\nask"):
        return Say(called("person"), delay=0.03, chunk=20)
    return Say("Once upon a time. " * 8, delay=0.05, chunk=6)


class MortalStore(RedisSessionStore):
    """Writes down who holds and who writes what; dies in front of and behind facts."""

    diary: Diary
    doom: Doom

    async def append(self, append: Append) -> int:
        if b'"type":"model_replied"' in append.fact:
            self.doom.met("commit", append.session_id)
        if b'"type":"tool_finished"' in append.fact and b'"name":"pay"' in append.fact:
            self.doom.met("behind a tool", append.session_id)
        fact = {"session": append.session_id, "open": append.open, "own": append.lease is not None}
        self.diary.write("writes", **fact)
        sequence = await super().append(append)
        self.diary.write("fact", **fact)
        if b'"type":"turn_accepted"' in append.fact:
            self.doom.met("accept", append.session_id)
        if b'"type":"turn_waited"' in append.fact:
            self.doom.met("waiting", append.session_id)
        return sequence

    async def acquire_lease(self, session_id: str, owner: str, ttl_ms: int) -> Lease | None:
        lease = await super().acquire_lease(session_id, owner, ttl_ms)
        if lease is not None:
            self.diary.write("held", session=session_id)
            self.doom.met("adoption", session_id)
        return lease

    async def release_lease(self, session_id: str, lease: Lease) -> None:
        await super().release_lease(session_id, lease)
        self.diary.write("released", session=session_id)


class MortalEngine:
    """Dies in front of the first token and in mid-stream; breaks while a file says so."""

    def __init__(self, engine: Engine, doom: Doom, diary: Diary, down: Path) -> None:
        self._engine = engine
        self._doom = doom
        self._diary = diary
        self._down = down

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        self._see_pairs(generation)
        session = generation.session_id
        self._require_up(session)
        self._doom.met("first token", session)
        async with aclosing(self._engine.generate(generation)) as parts:
            number = 0
            async for part in parts:
                self._require_up(session)
                yield part
                number += 1
                if number == STREAM_CHUNKS:
                    self._doom.met("mid-stream", session)

    def _require_up(self, session: str) -> None:
        if self._down.exists():
            self._diary.write("engine lost", session=session)
            raise EngineUnavailable("chaos: the connection to the engine broke")

    def _see_pairs(self, generation: Generation) -> None:
        """What the model reads: a result for each call."""
        if isinstance(self._engine, ScriptedEngine):
            prompt = self._engine.decode(generation.prompt)
            if prompt.count("</tool_call>") != prompt.count("<|im_start|>tool\n"):
                self._diary.write("unpaired", session=generation.session_id)


class JumpingClock(SystemClock):
    offset = timedelta()

    def now(self) -> datetime:
        return super().now() + JumpingClock.offset


def obey_jumps(diary: Diary) -> None:
    def jump(offset: timedelta) -> None:
        JumpingClock.offset = offset
        diary.write("jump", seconds=offset.total_seconds())

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, jump, JUMP)
    loop.add_signal_handler(signal.SIGUSR2, jump, -JUMP)


async def main(redis_url: str, port: int, engine_url: str | None = None) -> None:
    leases.LEASE_MS = int(LEASE_SECONDS * 1000)
    leases.MARGIN_SECONDS = 0.2
    runners.HEARTBEAT_SECONDS = 0.2
    folder = Path(os.environ["CHAOS_FOLDER"])
    MortalStore.diary, MortalStore.doom = Diary(folder / "diary"), Doom(folder)
    stores.RedisSessionStore = MortalStore  # type: ignore[misc]
    service.SystemClock = JumpingClock  # type: ignore[misc]
    inner = SglangEngine([engine_url]) if engine_url else ScriptedEngine(answer)
    engine: Any = MortalEngine(inner, MortalStore.doom, MortalStore.diary, folder / "engine down")
    settings = Settings(redis_url=redis_url, port=port, tools=(TOOLS,), grace_seconds=10)
    async with (
        stop_signals() as stop,
        build(settings, engine=engine) as running,
        serving(running.app, settings.host, settings.port),
    ):
        obey_jumps(MortalStore.diary)
        await stop.wait()
        await drained(running.service, stop, settings.grace_seconds)


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
