"""The metrics: told of every step and turn as the ledger has it, shown to Prometheus, and sent
over OTLP where the standard variables name an endpoint."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

import agent_serving
from agent_serving.adapters.otel import metric_names as names
from agent_serving.adapters.otel import process
from agent_serving.adapters.otel.admissions import CountedAdmissions
from agent_serving.adapters.otel.cardinality import Bounded
from agent_serving.adapters.otel.instruments import Instruments
from agent_serving.domain import span_names as spans
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.events import Attempt
from agent_serving.domain.prefix import lost_tokens
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports import Observer, Scheduler, Worker
from agent_serving.ports.meter import Meter
from agent_serving.runtime.load import Load

log = logging.getLogger(__name__)

SHUTDOWN_MS = 1_500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics(Observer, Meter):
    """One set of instruments, read by Prometheus and, where there is one, by an OTLP exporter.

    `tools` are the names of the tools that run here: those of calls that the caller runs are not
    told apart, for there is no end to them. `environment` is where OTEL_* variables are looked
    up; the exporter itself reads the process's. Raises ConfigurationError.
    """

    def __init__(
        self,
        *,
        tools: Iterable[str] = (),
        resource: Resource | None = None,
        environment: Mapping[str, str] = os.environ,
        readers: Sequence[MetricReader] = (),
    ) -> None:
        self._tools = frozenset(tools)
        self._bounded = Bounded()
        self._registry = CollectorRegistry()
        self._scrape = threading.Lock()
        prometheus = PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)
        self._provider = MeterProvider(
            [prometheus, *otlp_readers(environment), *readers],
            resource or _resource(),
            exemplar_filter=AlwaysOffExemplarFilter(),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("agent_serving", agent_serving.__version__)
        self._instruments = Instruments(meter)

    def shutdown(self) -> None:
        """Send what is there. Blocks, for two seconds at most, also where nobody receives it."""
        self._provider.shutdown(SHUTDOWN_MS)

    # --- what is in hand --------------------------------------------------------------------

    def count_admissions(self, scheduler: Scheduler) -> Scheduler:
        """The scheduler to use in its place."""
        counted = CountedAdmissions(scheduler)
        gauge = self._instruments.observe_gauge
        gauge(
            names.QUEUE_DEPTH,
            lambda: [(n, {spans.CLASS: kind}) for kind, n in list(counted.waiting.items())],
        )
        gauge(
            names.ADMITTED_REQUESTS,
            lambda: [(n, {spans.WORKER: worker}) for worker, n in list(counted.requests.items())],
        )
        gauge(
            names.ADMITTED_TOKENS,
            lambda: [(n, {spans.WORKER: worker}) for worker, n in list(counted.tokens.items())],
        )
        return counted

    def watch(self, load: Callable[[], Load], workers: Callable[[], Sequence[Worker]]) -> None:
        observe = self._instruments
        observe.observe_gauge(
            names.OPEN_TURNS,
            lambda: [
                (load().turns.get(status, 0), {names.STATUS: status})
                for status in ("queued", "in_progress", "waiting")
            ],
        )
        observe.observe_gauge(names.FOLLOWERS, lambda: [(load().followers, {})])
        observe.observe_counter(names.ADOPTED, lambda: [(load().adopted, {})])
        observe.observe_gauge(
            names.ENGINES_READY,
            lambda: [(int(w.ready), {spans.WORKER: w.name}) for w in workers()],
        )

    def watch_process(self) -> None:
        """To be called on the service's event loop."""
        observe, loop = self._instruments.observe_gauge, asyncio.get_running_loop()
        observe(names.TASKS, lambda: [(len(asyncio.all_tasks(loop)), {})])
        observe(names.MEMORY, process.resident_memory)
        observe(names.OPEN_FILES, process.open_files)

    def watch_spans(self, dropped: Callable[[], int]) -> None:
        """`dropped`: how many spans were lost so far."""
        self._instruments.observe_counter(names.SPANS_DROPPED, lambda: [(dropped(), {})])

    # --- what was done ----------------------------------------------------------------------

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        tenant = self._bounded(spans.TENANT, session.tenant)
        of_step = {names.KIND: step.kind, spans.TENANT: tenant}
        self._instruments.steps.add(1, of_step | {names.STATUS: step.status})
        self._count_cost(step, of_step)
        if isinstance(step, ModelStep):
            self._count_model_step(session, step, tenant)
        else:
            self._count_call(step)

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        tenant = self._bounded(spans.TENANT, session.tenant)
        self._instruments.doubts.add(1, self._tool(step) | {spans.TENANT: tenant})

    def turn_ended(self, session: Session, turn: Turn) -> None:
        if turn.started_at is None or turn.ended_at is None:
            return
        attributes = {
            spans.OPERATION_NAME: spans.INVOKE_AGENT,
            spans.AGENT_NAME: self._bounded(spans.AGENT_NAME, session.agent.name),
            spans.REQUEST_MODEL: self._bounded(spans.REQUEST_MODEL, session.agent.model),
            spans.TENANT: self._bounded(spans.TENANT, session.tenant),
            names.STATUS: turn.status,
        }
        if turn.error is not None and turn.status == "failed":
            attributes[spans.ERROR_TYPE] = turn.error.code
        seconds = (turn.ended_at - turn.started_at).total_seconds()
        self._instruments.turn.record(max(seconds, 0.0), attributes)

    def _count_model_step(self, session: Session, step: ModelStep, tenant: str) -> None:
        chat = {
            spans.OPERATION_NAME: spans.CHAT,
            spans.PROVIDER_NAME: spans.PROVIDER,
            spans.REQUEST_MODEL: self._bounded(spans.REQUEST_MODEL, session.agent.model),
        }
        for attempt in step.attempts:
            self._count_attempt(attempt, chat | {spans.TENANT: tenant})
        last = step.attempts[-1] if step.attempts else None
        if last is not None and last.status == "completed":
            self._time_reply(last, chat | {spans.WORKER: self._bounded(spans.WORKER, last.worker)})
            self._count_prefix(step, last, tenant)
        timings = step.timings
        self._time_phases(
            {
                spans.ADMISSION: timings.admission_ms,
                spans.ENGINE_QUEUE: timings.engine_queue_ms,
                spans.ENGINE_PREFILL: timings.prefill_ms,
                spans.ENGINE_DECODE: timings.decode_ms,
                names.ORCHESTRATION: timings.orchestration_ms,
            }
        )

    def _count_attempt(self, attempt: Attempt, attributes: dict[str, str]) -> None:
        usage = self._instruments.token_usage
        usage.record(attempt.usage.input_tokens, attributes | {names.TOKEN_TYPE: "input"})
        usage.record(attempt.usage.output_tokens, attributes | {names.TOKEN_TYPE: "output"})
        if attempt.error is not None:
            attributes = attributes | {spans.ERROR_TYPE: attempt.error.code}
        # Of an attempt whose process died nobody knows how long it took.
        if attempt.timings.total_ms > 0:
            self._instruments.operation.record(attempt.timings.total_ms / 1000, attributes)

    def _time_reply(self, attempt: Attempt, attributes: dict[str, str]) -> None:
        timings, behind_first = attempt.timings, attempt.usage.output_tokens - 1
        if timings.ttft_ms is not None:
            self._instruments.first_token.record(timings.ttft_ms / 1000, attributes)
        if behind_first > 0:
            each = timings.decode_ms / 1000 / behind_first
            self._instruments.output_token.record(each, attributes)

    def _count_prefix(self, step: ModelStep, attempt: Attempt, tenant: str) -> None:
        """As the ledger's row has it. More than was expected may be cached, by another session;
        that is no hit of this one's prefix."""
        of_tenant = {spans.TENANT: tenant}
        cached = attempt.usage.cached_tokens
        self._instruments.expected.add(step.expected_tokens, of_tenant)
        self._instruments.cached.add(min(cached, step.expected_tokens), of_tenant)
        lost = lost_tokens(step.expected_tokens, cached, attempt.page_tokens)
        if lost:
            reason = attempt.prefix_reason or "unknown"
            self._instruments.lost.add(lost, of_tenant | {spans.PREFIX_REASON: reason})

    def _count_call(self, step: ToolStep) -> None:
        if step.span_id is None or step.released or step.ended_at is None:
            return  # it was refused, or nobody knows whether it ran: there is no run to time
        attributes = self._tool(step)
        if step.result is not None and step.result.outcome != "ok":
            attributes[spans.ERROR_TYPE] = step.result.outcome
        timings = step.timings
        if timings.total_ms > 0:
            seconds = timings.tool_ms / 1000
            self._time_phases(
                {names.TOOL: timings.tool_ms, names.ORCHESTRATION: timings.orchestration_ms}
            )
        else:  # stopped by the end of its turn
            seconds = (step.ended_at - step.started_at).total_seconds()
        self._instruments.tool.record(max(seconds, 0.0), attributes)

    def _tool(self, step: ToolStep) -> dict[str, str]:
        """The conventions call a tool that the caller runs a function, and one that the agent's
        side runs an extension."""
        kind = "extension" if step.executor == "server" else "function"
        name = step.call.name if step.call.name in self._tools else names.OTHER
        return {
            spans.OPERATION_NAME: spans.EXECUTE_TOOL,
            spans.TOOL_NAME: name,
            spans.TOOL_TYPE: kind,
        }

    def _count_cost(self, step: ModelStep | ToolStep, attributes: dict[str, str]) -> None:
        cost = step.cost
        if cost.currency is not None:
            of_currency = attributes | {spans.COST_CURRENCY: cost.currency}
            self._instruments.cost.add(float(cost.total), of_currency)
        if cost.gpu_seconds:
            self._instruments.gpu.add(float(cost.gpu_seconds), attributes)

    def _time_phases(self, milliseconds: Mapping[str, float]) -> None:
        for phase, spent in milliseconds.items():
            self._instruments.phase.record(max(spent, 0.0) / 1000, {names.PHASE: phase})

    # --- the API's ----------------------------------------------------------------------------

    def request_ended(
        self, method: str, route: str | None, status: int | None, seconds: float
    ) -> None:
        attributes: dict[str, str | int] = {
            spans.HTTP_METHOD: method if method in _METHODS else names.OTHER
        }
        if route is not None:
            attributes[spans.HTTP_ROUTE] = route
        if status is None:
            attributes[spans.ERROR_TYPE] = "disconnected"
        else:
            attributes[spans.HTTP_STATUS] = status
            if status >= 500:
                attributes[spans.ERROR_TYPE] = str(status)
        self._instruments.request.record(seconds, attributes)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        encode, media_type = choose_encoder(accept)
        with self._scrape:  # two at once would take each other's figures
            return encode(self._registry), media_type


def _resource() -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, under our name where they do not
    give one."""
    ours = Resource({spans.SERVICE_NAME: "agent-serving"})
    told = Resource.create()
    name = str(told.attributes.get(spans.SERVICE_NAME, ""))
    return told.merge(ours) if name.startswith("unknown_service") else told


def otlp_readers(environment: Mapping[str, str]) -> list[MetricReader]:
    """One where an endpoint is named, and metrics are not turned off. Only OTLP over HTTP is
    spoken. Raises ConfigurationError."""
    named = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    exporters = environment.get("OTEL_METRICS_EXPORTER", "otlp").split(",")
    if not any(environment.get(name) for name in named) or "otlp" not in exporters:
        return []
    for name in "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL":
        if protocol := environment.get(name):
            if protocol != "http/protobuf":
                raise ConfigurationError(
                    f"{name} is {protocol!r}, and metrics are sent as http/protobuf only. Set it "
                    "to that, and the endpoint to the collector's port for OTLP over HTTP (4318)."
                )
            break
    return [PeriodicExportingMetricReader(OTLPMetricExporter())]
