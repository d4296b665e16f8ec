"""The whole service, as bootstrap builds it, on the real SGLang, behind its real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.bootstrap import build
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.runtime.service import Service

Json = dict[str, Any]


@dataclass
class Deployment:
    http: httpx.AsyncClient
    service: Service
    url: str

    async def open(self, **agent: Any) -> str:
        answer = await self.http.post("/v1/sessions", json={"agent": {"name": "e2e", **agent}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def say(self, session: str, text: str, **body: Any) -> Json:
        answer = await self.http.post(f"/v1/sessions/{session}/turns", json={"input": text, **body})
        assert answer.status_code in (201, 202), answer.text
        turn: Json = answer.json()
        return turn

    async def get(self, path: str) -> Json:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def steps(self, session: str, turn: Json) -> list[Json]:
        page = await self.get(f"/v1/sessions/{session}/turns/{turn['id']}/steps?limit=100")
        steps: list[Json] = page["data"]
        return steps


Deploy = Callable[..., Awaitable[Deployment]]


@asynccontextmanager
async def deploying(folder: Path) -> AsyncIterator[Deploy]:
    """Services with `folder` for a data directory, up to the end of the block."""
    async with AsyncExitStack() as stack:

        async def start(*engines: str, **settings: Any) -> Deployment:
            chosen = Settings(data_dir=folder, engines=engines, **settings)
            running = await stack.enter_async_context(build(chosen))
            url = await stack.enter_async_context(serving(running.app, "127.0.0.1", 0))
            client = httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
            http = await stack.enter_async_context(client)
            return Deployment(http, running.service, url)

        yield start


@pytest.fixture
async def deploy(tmp_path: Path) -> AsyncIterator[Deploy]:
    """`await deploy(engine_url)` gives a running service; calls share one data directory only
    when they are told to."""
    async with deploying(tmp_path) as start:
        yield start
