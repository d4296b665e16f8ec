"""The whole runtime over a real Redis and a scripted engine."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.domain.prices import PriceBook
from agent_serving.domain.tool import tool
from agent_serving.plugins.grammars import load_dialects
from agent_serving.plugins.locations import shipped
from agent_serving.ports import Engine, Ports
from agent_serving.runtime import leases, runners
from agent_serving.runtime.service import Service


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="session")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path_factory.mktemp("redis"))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    return f"t{abs(hash(request.node.nodeid))}"


@tool(effect="pure")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


StartService = Callable[..., Any]


@pytest.fixture
async def start(redis: EmbeddedRedis, prefix: str) -> AsyncIterator[StartService]:
    """`await start(engine, tools=[…])` gives a running service; several share one store."""
    async with AsyncExitStack() as stack:

        def connect() -> RedisSessionStore:
            return RedisSessionStore.connect(redis.url, prefix=prefix)

        numbers = itertools.count(time.time_ns() // 1000)

        async def service(engine: Engine, tools: Sequence[Any] = (add,), **ports: Any) -> Service:
            window = {"batch_window": ports.pop("batch_window")} if "batch_window" in ports else {}
            made = Service(
                Ports(
                    engine=engine,
                    scheduler=ports.pop("scheduler", None) or FifoScheduler(engine.workers),
                    store=ports.pop("store", None) or connect(),
                    tools=FunctionToolRunner(tools),
                    clock=ports.pop("clock", None) or SystemClock(),
                    new_id=lambda kind: f"{kind}_{next(numbers):026d}",
                    dialects=load_dialects([shipped("grammars")]),
                    observers=ports.pop("observers", ()),
                    tracer=ports.pop("tracer", None),
                    prices=ports.pop("prices", PriceBook()),
                    tenant_budgets=ports.pop("tenant_budgets", {}),
                ),
                **window,
            )
            await made.start()
            stack.push_async_callback(made.aclose)
            return made

        yield service


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A file outside of the service, in which tools leave a line for each time they run."""
    path = tmp_path / "witness"
    path.touch()
    return path


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 600)
    monkeypatch.setattr(leases, "MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(runners, "HEARTBEAT_SECONDS", 0.1)
