"""A replica as a process of its own, on an engine that needs no model:

    python -m tests.e2e.replica REDIS_URL PORT TOOLS LEASE_SECONDS

It calls `transfer` when it is told to pay, and else tells a story of two seconds, or of seven when
it is told to tell it slowly. Its leases are short where somebody dies, so that the tests are.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from agent_serving.bootstrap import build
from agent_serving.cli.server import drained, serving, stop_signals
from agent_serving.config import Settings
from agent_serving.runtime import leases, runners
from agent_serving.testing import Line, Say, ScriptedEngine

LEASE_SECONDS = 2.0
STORY = "Once upon a time. " * 8


def answer(prompt: str) -> Line:
    heard = prompt.rsplit("<|im_start|>", 2)[1]
    if heard.startswith("tool\n"):
        return "It is done."
    if heard.startswith("user\npay"):
        return '<tool_call>\n{"name": "transfer", "arguments": {}}\n</tool_call>'
    slowly = heard.startswith("user\ntell slowly")
    return Say(STORY, delay=0.2 if slowly else 0.05, chunk=4)


async def main(redis_url: str, port: int, tools: Path, lease_seconds: float) -> None:
    leases.LEASE_MS = int(lease_seconds * 1000)
    leases.MARGIN_SECONDS = 0.2
    runners.HEARTBEAT_SECONDS = 0.2
    settings = Settings(redis_url=redis_url, port=port, tools=(tools,), grace_seconds=10)
    async with (
        stop_signals() as stop,
        build(settings, engine=ScriptedEngine(answer)) as running,
        serving(running.app, settings.host, settings.port),
    ):
        await stop.wait()
        await drained(running.service, stop, settings.grace_seconds)


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
