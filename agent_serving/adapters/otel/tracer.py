"""The tracer on OpenTelemetry's SDK: its resource, sampler, queue and exporter, with spans whose
ids and times are the ledger's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk import environment_variables as variables
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

import agent_serving
from agent_serving.adapters.otel.counted import Pipeline
from agent_serving.domain import span_names as n
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.span import Attributes, Span, SpanKind
from agent_serving.domain.span_content import Capture
from agent_serving.ports.tracer import SpanCounts, Tracer

log = logging.getLogger(__name__)

CAPTURE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SERVICE: Final = "agent-serving"

QUEUE_SIZE: Final = 65_536
"""The SDK's own 2048 lose three quarters of a burst of 20,000 spans."""
SCHEDULE_DELAY_MS: Final = 1000
BATCH_SIZE: Final = 512

_KINDS: Final[Mapping[SpanKind, otel.SpanKind]] = {
    "internal": otel.SpanKind.INTERNAL,
    "server": otel.SpanKind.SERVER,
    "client": otel.SpanKind.CLIENT,
}
_SAMPLED: Final = otel.TraceFlags(otel.TraceFlags.SAMPLED)
_UNSET: Final = otel.Status(otel.StatusCode.UNSET)


def otlp_tracer(environment: Mapping[str, str]) -> OtelTracer | None:
    """What the standard OTEL_* variables ask for; None where they name no endpoint or switch
    tracing off. `environment` is the process's: the SDK reads further variables from there.

    Raises ConfigurationError.
    """
    named = variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, variables.OTEL_EXPORTER_OTLP_ENDPOINT
    exporters = environment.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    disabled = environment.get(variables.OTEL_SDK_DISABLED, "").strip().lower() == "true"
    if disabled or "otlp" not in exporters or not any(environment.get(name) for name in named):
        return None
    _check_protocol(environment)
    return OtelTracer(OTLPSpanExporter(), environment)


def captured_content(environment: Mapping[str, str]) -> Capture:
    """What may be told of what was said. Nothing, where the variable is not understood."""
    asked = environment.get(CAPTURE_VARIABLE, "").strip().upper()
    if asked in Capture.__members__:
        return Capture[asked]
    if asked:
        log.warning("%s=%s is none of %s", CAPTURE_VARIABLE, asked, ", ".join(Capture))
    return Capture.NO_CONTENT


class _HashedOnce(Resource):
    """The encoder asks each span for the hash of its resource, which the SDK makes from JSON every
    time: a fifth of all that it costs to encode a span."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource.attributes, resource.schema_url)
        self._hash = hash(resource)

    def __hash__(self) -> int:
        return self._hash


class OtelTracer(Tracer):
    def __init__(self, exporter: SpanExporter, environment: Mapping[str, str]) -> None:
        # A provider that makes no spans: it reads the sampler's variables and the resource's.
        resource = Resource.create()
        if str(resource.attributes[n.SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({n.SERVICE_NAME: SERVICE}))
        self._resource = _HashedOnce(resource)
        self._sampler = TracerProvider(resource=resource, shutdown_on_exit=False).sampler
        self._scope = InstrumentationScope(n.SCOPE, agent_serving.__version__)
        self._pipeline = Pipeline(
            exporter,
            max_queue_size=_number(environment, variables.OTEL_BSP_MAX_QUEUE_SIZE, QUEUE_SIZE),
            schedule_delay_ms=_number(
                environment, variables.OTEL_BSP_SCHEDULE_DELAY, SCHEDULE_DELAY_MS
            ),
            max_batch_size=_number(
                environment, variables.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, BATCH_SIZE
            ),
        )

    @property
    def resource(self) -> Attributes:
        return {
            key: value
            for key, value in self._resource.attributes.items()
            if isinstance(value, str | bool | int | float)
        }

    def samples(self, trace_id: str, name: str, *, parent_sampled: bool | None) -> bool:
        number = int(trace_id, 16)
        context = None
        if parent_sampled is not None:
            flags = _SAMPLED if parent_sampled else otel.TraceFlags(otel.TraceFlags.DEFAULT)
            parent = otel.SpanContext(number, 1, is_remote=True, trace_flags=flags)
            context = otel.set_span_in_context(otel.NonRecordingSpan(parent))
        decision = self._sampler.should_sample(context, number, name).decision
        return decision is Decision.RECORD_AND_SAMPLE

    def export(self, spans: Iterable[Span]) -> None:
        for span in spans:
            self._pipeline.put(self._readable(span))

    def counts(self) -> SpanCounts:
        return self._pipeline.counts()

    async def aclose(self) -> None:
        """Within two seconds, also where the collector is down."""
        await self._pipeline.aclose()

    def _readable(self, span: Span) -> ReadableSpan:
        state = otel.TraceState.from_header([span.tracestate]) if span.tracestate else None
        trace_id = int(span.trace_id, 16)
        parent = span.parent_span_id
        return ReadableSpan(
            name=span.name,
            context=otel.SpanContext(trace_id, int(span.span_id, 16), False, _SAMPLED, state),
            parent=None
            if parent is None
            else otel.SpanContext(trace_id, int(parent, 16), False, _SAMPLED, state),
            resource=self._resource,
            attributes=span.attributes,
            events=[Event(event.name, event.attributes, event.at_ns) for event in span.events],
            links=[
                otel.Link(
                    otel.SpanContext(int(link.trace_id, 16), int(link.span_id, 16), True, _SAMPLED)
                )
                for link in span.links
            ],
            kind=_KINDS[span.kind],
            status=_UNSET
            if span.error is None
            else otel.Status(otel.StatusCode.ERROR, span.error or None),
            start_time=span.start_ns,
            end_time=span.end_ns,
            instrumentation_scope=self._scope,
        )


def _check_protocol(environment: Mapping[str, str]) -> None:
    for name in (
        variables.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
        variables.OTEL_EXPORTER_OTLP_PROTOCOL,
    ):
        if protocol := environment.get(name):
            if protocol != "http/protobuf":
                raise ConfigurationError(
                    f"{name} is {protocol!r}, and spans are sent as http/protobuf only. Set it to "
                    "that, and the endpoint to the collector's port for OTLP over HTTP (4318)."
                )
            return


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    """Raises ConfigurationError."""
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{name} is {text!r}, which is not a positive whole number.")
    return int(text)
