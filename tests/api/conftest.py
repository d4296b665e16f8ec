"""The API on a real socket, over a real Redis and a scripted engine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.otel.metrics import Metrics
from agent_serving.adapters.redis import EmbeddedRedis, RedisKeyring, RedisSessionStore
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.api import ApiSettings, create_app
from agent_serving.domain.access import TenantLimits
from agent_serving.domain.prices import PriceBook
from agent_serving.domain.tool import tool
from agent_serving.domain.values import RegexOutput, TenantBudget
from agent_serving.plugins.grammars import load_dialects
from agent_serving.plugins.locations import shipped
from agent_serving.ports import Ports, Tracer
from agent_serving.runtime.access import Access
from agent_serving.runtime.service import Service
from agent_serving.runtime.turn_spans import TurnSpans
from agent_serving.testing import ScriptedEngine

Json = dict[str, Any]

OUTPUTS = {"iso_date": RegexOutput(pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}")}


@tool(effect="pure")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@dataclass
class Served:
    """A service behind its API, and short ways to talk to it."""

    http: httpx.AsyncClient
    service: Service
    engine: ScriptedEngine
    app: FastAPI

    async def open(self, agent: Any = None, **body: Any) -> str:
        """A new session's id."""
        answer = await self.http.post("/v1/sessions", json={"agent": agent or {}, **body})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def say(self, session_id: str, text: Any, **body: Any) -> httpx.Response:
        path = f"/v1/sessions/{session_id}/turns"
        return await self.http.post(path, json={"input": text, **body})

    async def get(self, path: str, **params: Any) -> Json:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def settled(self, session_id: str, turn_id: str) -> Json:
        """The turn once it is over or waits, by asking again and again as a caller would."""
        async with asyncio.timeout(20):
            while True:
                turn = await self.get(f"/v1/sessions/{session_id}/turns/{turn_id}")
                if turn["status"] not in ("queued", "in_progress"):
                    return turn
                await asyncio.sleep(0.02)

    async def generating(self, requests: int = 1) -> None:
        """Until the engine is at work on its n-th request."""
        async with asyncio.timeout(10):
            while len(self.engine.requests) < requests:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and param."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture(scope="session")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """The app on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app,
            log_level="error",
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def serving(redis: EmbeddedRedis, prefix: str) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(
            engine: ScriptedEngine | None = None,
            *,
            tools: Sequence[Any] = (add,),
            redis_url: str | None = None,
            settings: ApiSettings | None = None,
            prices: PriceBook | None = None,
            tenant_budgets: Mapping[str, TenantBudget] | None = None,
            tracer: Tracer | None = None,
            tenant_limits: Mapping[str, TenantLimits] | None = None,
            access: Callable[[RedisKeyring], Access] | None = None,
        ) -> Served:
            engine = engine or ScriptedEngine()
            keyring = RedisKeyring.connect(redis_url or redis.url, prefix=prefix)
            stack.push_async_callback(keyring.aclose)
            metrics = Metrics(tools=[one.__name__ for one in tools], environment={})
            ports = Ports(
                engine=engine,
                scheduler=metrics.count_admissions(FifoScheduler(engine.workers)),
                store=RedisSessionStore.connect(redis_url or redis.url, prefix=prefix),
                tools=FunctionToolRunner(tools),
                clock=SystemClock(),
                new_id=MonotonicIds().new,
                dialects=load_dialects([shipped("grammars")]),
                observers=(metrics,) if tracer is None else (metrics, TurnSpans(tracer)),
                tracer=tracer,
                prices=prices or PriceBook(),
                tenant_budgets=tenant_budgets or {},
                quotas=keyring.quotas,
                tenant_limits=tenant_limits or {},
            )
            service = Service(ports)
            metrics.watch(service.load, engine.workers)
            metrics.watch_process()
            await service.start()
            stack.push_async_callback(service.aclose)
            app = create_app(
                service,
                settings=settings,
                outputs=OUTPUTS,
                meter=metrics,
                access=None if access is None else access(keyring),
            )
            url = await stack.enter_async_context(listening(app))
            client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
            http = await stack.enter_async_context(client)
            return Served(http, service, engine, app)

        yield start


@pytest.fixture
async def serve(redis: EmbeddedRedis, request: pytest.FixtureRequest) -> AsyncIterator[Serve]:
    """`await serve(engine)` gives a running API; several share one store."""
    async with serving(redis, f"t{abs(hash(request.node.nodeid))}") as start:
        yield start


@pytest.fixture
async def api(serve: Serve) -> Served:
    """With an engine that says OK, and nothing stored yet."""
    return await serve()


@pytest.fixture(scope="session")
async def shared(redis: EmbeddedRedis) -> AsyncIterator[Served]:
    """One for all tests that bring the sessions they look at, and break nothing."""
    async with serving(redis, "shared") as start:
        yield await start()
