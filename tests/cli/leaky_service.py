"""A service that loses something with each request: memory, a file, a task.

python -m tests.cli.leaky_service REDIS_URL
"""

from __future__ import annotations

import asyncio
import os
import sys

from starlette.types import ASGIApp, Receive, Scope, Send

from agent_serving import bootstrap
from agent_serving.cli.server import serving, stop_signals
from agent_serving.cli.soak_service import scripted_engine
from agent_serving.config import Settings

LOST_BYTES = 100_000


class Leak:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lost: list[object] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/metrics":
            self._lost += [os.urandom(LOST_BYTES), os.open(os.devnull, os.O_RDONLY)]
            self._lost.append(asyncio.create_task(asyncio.Event().wait()))
        await self._app(scope, receive, send)


async def main(redis_url: str) -> None:
    async with (
        stop_signals() as stop,
        bootstrap.build(Settings(redis_url=redis_url), engine=scripted_engine()) as running,
    ):
        running.app.add_middleware(Leak)
        async with serving(running.app, "127.0.0.1", 0) as url:
            print(url, flush=True)
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
