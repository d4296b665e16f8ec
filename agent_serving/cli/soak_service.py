"""The service that a soak runs against: a process of its own, on an engine that needs no model."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from agent_serving import bootstrap
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.domain.errors import AgentServingError
from agent_serving.testing import Line, Say, ScriptedEngine

START_SECONDS = 60
FORGET_SECONDS = 1.0


class ServiceEnded(AgentServingError):
    """The process that a soak started has not come up."""


@contextmanager
def soaked_service(redis_url: str) -> Iterator[str]:
    """Its base URL; it ends with the block, or with this process. Blocks. Raises ServiceEnded."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, redis_url), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _told(ours)
    finally:
        ours.close()
        process.join(20)
        process.kill()


def _told(pipe: Connection) -> str:
    with suppress(EOFError):
        if pipe.poll(START_SECONDS):
            return str(pipe.recv())
    raise ServiceEnded("The service of the soak did not start; its log is above.")


def scripted_engine() -> ScriptedEngine:
    return ScriptedEngine(_reply)


async def forget_forever(engine: ScriptedEngine) -> None:
    """What the engine remembers for tests would grow for ever."""
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        engine.forget()
        for memory in (engine.requests, engine.aborted, engine.closed_sessions):
            memory.clear()


def _run(pipe: Connection, redis_url: str) -> None:
    logging.basicConfig(level="WARNING")
    # A follower that leaves is no news.
    logging.getLogger("asyncio").setLevel("ERROR")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(pipe, redis_url))


async def _serve(pipe: Connection, redis_url: str) -> None:
    engine = scripted_engine()
    forgetting = asyncio.create_task(forget_forever(engine))
    async with (
        bootstrap.build(Settings(redis_url=redis_url), engine=engine) as running,
        serving(running.app, "127.0.0.1", 0) as url,
    ):
        pipe.send(url)
        with suppress(EOFError):
            await asyncio.to_thread(pipe.recv)
    forgetting.cancel()


def _reply(prompt: str) -> Line:
    heard = prompt.rsplit("<|im_start|>", 2)[1]
    if heard.startswith("tool\n"):
        return Say("That makes 391.", delay=0.002)
    if heard.startswith("user\nWhat is"):
        return _call("calculator", expression="17 * 23")
    if heard.startswith("user\nAsk"):
        return _call("ask_person", question="Well?")
    return Say("Once upon a time there was a story. " * 6, delay=0.004, chunk=9)


def _call(name: str, **arguments: str) -> Say:
    body = json.dumps({"name": name, "arguments": arguments})
    return Say(f"<tool_call>\n{body}\n</tool_call>", delay=0.002, chunk=16)
