"""The composition root: the one place that chooses what stands behind the ports."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.hashing import Argon2Hasher
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.otel.metrics import Metrics
from agent_serving.adapters.otel.tracer import OtelTracer, captured_content, otlp_tracer
from agent_serving.adapters.redis import EmbeddedRedis, RedisKeyring, RedisSessionStore
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.adapters.tools.redaction import hidden_in_logs
from agent_serving.api import ApiSettings, create_app
from agent_serving.config import Settings, is_loopback
from agent_serving.domain.errors import ConfigurationError, StoreUnavailable
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment, ensure_engine
from agent_serving.local.launch import HOST, EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import LocalModel, shipped_model
from agent_serving.plugins.grammars import load_dialects, load_outputs
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.secrets import load_secrets
from agent_serving.plugins.tools import load_tools
from agent_serving.ports import Engine, Ports, Scheduler, Tracer
from agent_serving.runtime.access import Access, KeyDesk
from agent_serving.runtime.gathered import Gathered
from agent_serving.runtime.service import Service
from agent_serving.runtime.turn_spans import TurnSpans

log = logging.getLogger(__name__)

Say = Callable[[str], None]

SHIPPED_CACHE_TOKENS = 65_536
DURABILITY_RETRY_SECONDS = 1.0


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
    grammars = [shipped("grammars"), *settings.grammars]
    dialects = load_dialects(grammars)
    if settings.dialect is not None and settings.dialect not in dialects:
        raise ConfigurationError(
            f"There is no dialect {settings.dialect!r}. There are: {', '.join(dialects)}."
        )
    loaded = load_tools([shipped("tools"), *settings.tools])
    secrets = load_secrets(settings.tool_secrets, settings.secrets_file, os.environ)
    tools = FunctionToolRunner(
        [tool.function for tool in loaded.values()],
        settings=settings.settings_of_tools(),
        secrets=secrets,
        concurrency=settings.tool_concurrency,
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(hidden_in_logs(secrets))
        metrics = Metrics(tools=loaded)
        tracer = otlp_tracer(os.environ)
        spans = _turn_spans(tracer)
        stack.push_async_callback(_close_telemetry, metrics, tracer, spans)
        if tracer is not None:
            metrics.watch_spans(lambda: tracer.counts().lost)
        store = await _store(settings, stack)
        keyring = _keyring(settings, stack)
        access = await _access(settings, keyring)
        pool = engine or SglangEngine(settings.engines, isolate_tenants=settings.isolate_prefixes)
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
        )
        service = Service(ports, dialect=settings.dialect)
        stack.push_async_callback(service.aclose)  # closes the engine and the store too
        metrics.watch(service.load, pool.workers)
        await service.start()
        api = ApiSettings(
            max_body_bytes=settings.body_limit,
            jaeger_url=settings.jaeger_url,
            capabilities=_deployment(settings),
        )
        app = create_app(
            service, settings=api, outputs=load_outputs(grammars), meter=metrics, access=access
        )
        yield Running(settings, service, app)


def _scheduler(settings: Settings, engine: Engine) -> Scheduler:
    return FifoScheduler(
        engine.workers,
        max_running_per_worker=settings.max_running_per_engine,
        max_waiting=settings.max_waiting,
    )


async def _close_telemetry(
    metrics: Metrics, tracer: OtelTracer | None, spans: Iterable[Gathered]
) -> None:
    """Side by side: where nobody receives, each waits its time."""
    for each in spans:
        each.flush()
    closing = [asyncio.to_thread(metrics.shutdown), *([tracer.aclose()] if tracer else [])]
    await asyncio.gather(*closing)


def _turn_spans(tracer: Tracer | None) -> tuple[Gathered, ...]:
    if tracer is None:
        return ()
    return (Gathered(TurnSpans(tracer, captured_content(os.environ))),)


def _deployment(settings: Settings) -> dict[str, Any]:
    """What GET /v1/capabilities says of the configuration: no secrets."""
    return {
        "max_running_per_engine": settings.max_running_per_engine,
        "max_waiting": settings.max_waiting,
        "durability": settings.durability if settings.redis_url is None else "external",
        "redis_replicas": settings.redis_replicas,
    }


async def _store(settings: Settings, stack: AsyncExitStack) -> RedisSessionStore:
    if settings.redis_url is not None:
        store = RedisSessionStore.connect(settings.redis_url, replicas=settings.redis_replicas)
        checking = asyncio.create_task(state_durability(store, settings), name="durability")
        stack.callback(checking.cancel)
        return store
    redis = _embedded(settings)
    stack.push_async_callback(redis.stop)
    await redis.start()
    store = RedisSessionStore.connect(redis.url, embedded=True)
    await state_durability(store, settings)
    return store


async def state_durability(store: RedisSessionStore, settings: Settings) -> None:
    """Log what a turn that got its id survives, as soon as Redis answers."""
    while True:
        try:
            found = await store.ping()
            break
        except StoreUnavailable:
            await asyncio.sleep(DURABILITY_RETRY_SECONDS)
    problem = durability_problem(found["persistence"], settings)
    if problem is None:
        fsync = found["persistence"]["appendfsync"] or "not told"
        log.info("durability: append-only file, appendfsync %s, at %s", fsync, found["address"])
    else:
        log.warning("durability: %s (Redis at %s)", problem, found["address"])


def durability_problem(persistence: Mapping[str, Any], settings: Settings) -> str | None:
    """What is less than was asked for, and what to do; None where nothing is."""
    if not persistence["appendonly"]:
        return (
            "Redis keeps no append-only file: its restart loses sessions and accepted turns. Set "
            "`appendonly yes` there"
        )
    fsync = persistence["appendfsync"]
    if settings.durability == "strict" and fsync != "always":
        return (
            f"--durability strict was asked for, and Redis has appendfsync {fsync or 'unknown'}: a "
            "crash of its machine may lose the last second. Set `appendfsync always` there"
        )
    if fsync == "no":
        return "Redis leaves it to its machine when facts are on disk. Set `appendfsync everysec`"
    return None


def _embedded(settings: Settings) -> EmbeddedRedis:
    return EmbeddedRedis(settings.data_dir / "redis", strict=settings.durability == "strict")


# --- keys -----------------------------------------------------------------------------------


@asynccontextmanager
async def key_desk(settings: Settings) -> AsyncIterator[KeyDesk]:
    """Where keys are made and revoked, whether or not a service runs on the store."""
    async with AsyncExitStack() as stack:
        if settings.redis_url is None and not await _embedded(settings).answers():
            redis = _embedded(settings)
            stack.push_async_callback(redis.stop)
            await redis.start()
        keyring = _keyring(settings, stack)
        yield KeyDesk(keyring, Argon2Hasher(), SystemClock(), MonotonicIds().new)


def _keyring(settings: Settings, stack: AsyncExitStack) -> RedisKeyring:
    keyring = RedisKeyring.connect(settings.redis_url or _embedded(settings).url)
    stack.push_async_callback(keyring.aclose)
    return keyring


async def _access(settings: Settings, keyring: RedisKeyring) -> Access:
    """Raises ConfigurationError where anybody could reach the service and do everything."""
    required = settings.require_keys
    if not (required or is_loopback(settings.host) or settings.unsafe_no_keys):
        required = True
        try:
            there, why = await keyring.any_key(), "there are no keys"
        except StoreUnavailable as error:
            there, why = False, f"whether there are keys cannot be seen ({error.message})"
        if not there:
            raise ConfigurationError(
                f"{settings.host!r} is not a loopback address, and {why}: anybody who reaches it "
                "could run tools and read sessions. Make a key with `agent-serving keys create "
                "--tenant NAME`; or pass --require-keys, and requests are refused until there is "
                "one; or allow it inside a container by --unsafe-no-keys."
            )
    return Access(keyring, Argon2Hasher(), SystemClock(), required=required)


# --- an engine on this machine --------------------------------------------------------------


@contextmanager
def local_engine(settings: Settings, say: Say) -> Iterator[EngineProcess]:
    """An SGLang server on this machine that serves; stopped on leaving. Blocks.

    Raises LocalEngineError.
    """
    engine = EngineProcess(_launch_options(settings, say))
    _check_port_is_free(engine.options.port)
    try:
        engine.start(say)
        engine.wait_until_ready()
        yield engine
    finally:
        engine.stop()


def local_model(settings: Settings, say: Say) -> tuple[EngineEnvironment, LocalModel]:
    """Install the engine where it is missing, and verify the shipped model where it serves. Blocks.

    Raises LocalEngineError.
    """
    environment = ensure_engine(settings.home, say, torch_index=settings.torch_index)
    if settings.model is None:
        return environment, shipped_model()
    if not (settings.model / "config.json").is_file():
        raise LocalEngineError(f"{settings.model} holds no model: there is no config.json in it.")
    return environment, LocalModel(settings.model.absolute(), settings.model.name, 0)


def _launch_options(settings: Settings, say: Say) -> LaunchOptions:
    environment, model = local_model(settings, say)
    return LaunchOptions(
        environment=environment,
        model=model.directory,
        served_name=model.served_name,
        log=settings.data_dir.absolute() / "engine.log",
        port=settings.engine_port,
        context_length=settings.context_length or model.context_length or None,
        max_total_tokens=None if settings.model else SHIPPED_CACHE_TOKENS,
        extra_arguments=settings.engine_args,
    )


def _check_port_is_free(port: int) -> None:
    try:
        with socket.create_server((HOST, port)):
            return
    except OSError as error:
        raise LocalEngineError(
            f"The engine's port {port} cannot be taken: {error.strerror}. Pass --engine-port 0 for "
            "any free one."
        ) from None
