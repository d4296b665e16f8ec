"""The whole service in this process, behind a socket, with a script in place of a model.

    with ScriptedService(folder) as service:
        service.says(call("look_up", key="x"), "It is 42.")
        with AgentServing(base_url=service.url) as client:
            ...

All but the model is real: the API, the turns, the tools, and an embedded Redis in `folder`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI

from agent_serving.bootstrap import build
from agent_serving.config import Settings
from agent_serving.ports import Generation
from agent_serving.testing import Line, Script, ScriptedEngine

HOST = "127.0.0.1"


class ScriptedService:
    """`settings` are those of the service: `tools=(Path("tools"),)` for tools of your own. Raises
    ConfigurationError on entering."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.engine = ScriptedEngine()
        self._settings = Settings(**{"data_dir": folder, **settings})
        self._url: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="scripted service", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        assert self._url is not None, "The service has not been started: use it in a `with`."
        return self._url

    @property
    def requests(self) -> Sequence[Generation]:
        """What the model was asked, since `says` or `follows`."""
        return self.engine.requests

    def prompt(self, request: int = -1) -> str:
        """What the model read in one of the requests; in the last one by default."""
        return self.engine.decode(self.engine.requests[request].prompt)

    def says(self, *lines: Line) -> None:
        """The model's next replies, in this order; the last one again and again."""
        self.follows(lines or ("OK.",))

    def follows(self, script: Script) -> None:
        """The same; or a function from the prompt's text to the reply."""
        self.engine.requests.clear()
        self.engine.follow(script)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with (
            build(self._settings, engine=self.engine) as running,
            _listening(running.app) as self._url,
        ):
            self._ready.set()
            await self._stop.wait()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Signals are the test runner's."""
        yield


@asynccontextmanager
async def _listening(app: FastAPI) -> AsyncIterator[str]:
    with socket.create_server((HOST, 0), backlog=128) as listener:
        # Connections inherit it; else an answer in two writes waits for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  # it sets no event
            await asyncio.sleep(0.002)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving
