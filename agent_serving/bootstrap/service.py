"""What the settings ask for, put together: adapters, the service on them, its HTTP face."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.otel.metrics import Metrics
from agent_serving.adapters.otel.tracer import OtelTracer, captured_content, otlp_tracer
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.api import ApiSettings, create_app
from agent_serving.bootstrap.agents import filed_agents, registered
from agent_serving.bootstrap.keys import access_to, opened_keyring, opened_tokens
from agent_serving.bootstrap.store import opened_store
from agent_serving.bootstrap.tools import opened_tools
from agent_serving.config import Settings
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.hosts import OwnHosts
from agent_serving.plugins.grammars import load_dialects, load_outputs
from agent_serving.plugins.locations import shipped
from agent_serving.ports import Engine, Ports, Scheduler, Tracer
from agent_serving.runtime.gathered import Gathered
from agent_serving.runtime.service import Service
from agent_serving.runtime.turn_spans import TurnSpans
from agent_serving.scheduling.classes import batch_window


@dataclass(frozen=True, slots=True)
class Running:
    """A service that was started, and its HTTP face (which the caller serves)."""

    settings: Settings
    service: Service
    app: FastAPI


@asynccontextmanager
async def build(settings: Settings, *, engine: Engine | None = None) -> AsyncIterator[Running]:
    """Start what the settings ask for; on leaving, stop what was started, last first.

    `engine` stands in for the SGLang pool at `settings.engines`. The engines need not be up, nor a
    Redis that is named by URL. Raises ConfigurationError and other AgentServingErrors.
    """
    if engine is None and not settings.engines:
        raise ConfigurationError(
            "No engine is named. Give --engine URL (an SGLang server), or start one on this "
            "machine with `agent-serving up`."
        )
    dialects = _dialects(settings)
    outputs = load_outputs(_grammars(settings))
    filed = filed_agents(settings, outputs)
    async with AsyncExitStack() as stack:
        tools, tool_servers = await opened_tools(settings, stack)
        metrics = Metrics(tools=[spec.name for spec in tools.specs()])
        tracer = otlp_tracer(os.environ)
        spans = _turn_spans(tracer)
        stack.push_async_callback(_close_telemetry, metrics, tracer, spans)
        if tracer is not None:
            metrics.watch_spans(lambda: tracer.counts().lost)
        store = await opened_store(settings, stack)
        keyring = opened_keyring(settings, stack)
        access = await access_to(settings, keyring, await opened_tokens(settings, stack))
        pool = engine or _pool(settings)
        ports = Ports(
            engine=pool,
            scheduler=metrics.count_admissions(_scheduler(settings, pool)),
            store=store,
            tools=tools,
            clock=SystemClock(),
            new_id=MonotonicIds().new,
            dialects=dialects,
            prices=settings.price_book,
            tenant_budgets=settings.tenant_budgets,
            quotas=keyring.quotas,
            tenant_limits=settings.tenant_limits,
            observers=(metrics, *spans),
            tracer=tracer,
            tool_servers=tool_servers,
        )
        window = batch_window(
            len(settings.engines), settings.max_running_per_engine, settings.max_waiting
        )
        service = Service(ports, dialect=settings.dialect, batch_window=window)
        stack.push_async_callback(service.aclose)  # closes the engine too
        metrics.watch(service.load, pool.workers)
        metrics.watch_process()
        await service.start()
        await stack.enter_async_context(registered(service.agents, filed))
        app = create_app(
            service, settings=_api(settings), outputs=outputs, meter=metrics, access=access
        )
        yield Running(settings, service, app)


def _grammars(settings: Settings) -> list[Any]:
    return [shipped("grammars"), *settings.grammars]


def _dialects(settings: Settings) -> dict[str, Dialect]:
    dialects = load_dialects(_grammars(settings))
    if settings.dialect is not None and settings.dialect not in dialects:
        raise ConfigurationError(
            f"There is no dialect {settings.dialect!r}. There are: {', '.join(dialects)}."
        )
    return dialects


def _pool(settings: Settings) -> Engine:
    key = settings.engine_api_key
    return SglangEngine(
        settings.engines,
        api_key=None if key is None else key.get_secret_value(),
        isolate_tenants=settings.isolate_prefixes,
    )


def _scheduler(settings: Settings, engine: Engine) -> Scheduler:
    return FifoScheduler(
        engine.workers,
        max_running_per_worker=settings.max_running_per_engine,
        max_waiting=settings.max_waiting,
    )


def _turn_spans(tracer: Tracer | None) -> tuple[Gathered, ...]:
    if tracer is None:
        return ()
    return (Gathered(TurnSpans(tracer, captured_content(os.environ))),)


async def _close_telemetry(
    metrics: Metrics, tracer: OtelTracer | None, spans: Iterable[Gathered]
) -> None:
    """Side by side: where nobody receives, each waits its time."""
    for each in spans:
        each.flush()
    closing = [asyncio.to_thread(metrics.shutdown), *([tracer.aclose()] if tracer else [])]
    await asyncio.gather(*closing)


def _api(settings: Settings) -> ApiSettings:
    return ApiSettings(
        max_body_bytes=settings.body_limit,
        jaeger_url=settings.jaeger_url,
        capabilities=_deployment(settings),
        hosts=OwnHosts(listens=settings.host, allowed=settings.allowed_hosts),
    )


def _deployment(settings: Settings) -> dict[str, Any]:
    """What GET /v1/capabilities says of the configuration: no secrets."""
    return {
        "max_running_per_engine": settings.max_running_per_engine,
        "max_waiting": settings.max_waiting,
        "durability": settings.durability if settings.redis_url is None else "external",
        "redis_replicas": settings.redis_replicas,
    }
