"""Spans through OpenTelemetry's SDK to a collector of our own making."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2 as proto

from agent_serving.adapters.otel.tracer import OtelTracer, captured_content, otlp_tracer
from agent_serving.domain.errors import ConfigurationError
from agent_serving.domain.span import Span, SpanEvent, SpanLink
from agent_serving.domain.span_content import Capture
from tests.tracing import Collector, collecting, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LATER = "f" * 32
PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
"""Who waited for the exporter would wait long."""


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


def span(number: int = 1, **changes: Any) -> Span:
    values: dict[str, Any] = {
        "name": "chat m",
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "parent_span_id": "00f067aa0ba902b7",
        "kind": "client",
        "start_ns": 1_767_225_600_000_000_000,
        "end_ns": 1_767_225_600_123_456_000,
        "attributes": {"text": "x", "whole": 7, "real": 0.5, "flag": True, "list": ("a", "b")},
    }
    return Span(**values | changes)


def tracer_to(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str] = {}
) -> OtelTracer:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracer = otlp_tracer(os.environ)
    assert tracer is not None
    return tracer


# --- what arrives ---------------------------------------------------------------------------


async def test_a_span_arrives_with_its_own_ids_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    full = span(
        error="It broke.",
        links=(SpanLink(LATER, "00000000000000ff"),),
        events=(SpanEvent("said", 1_767_225_600_000_001_000, {"what": "hello"}),),
        tracestate="vendor=1",
    )
    variables = {
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=abc",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    with collecting() as collector:
        tracer = tracer_to(collector, monkeypatch, variables)
        tracer.export([full, span(2, parent_span_id=None)])
        await tracer.aclose()
    [(headers, _)] = collector.requests
    assert (headers["path"], headers["x-key"]) == ("/v1/traces", "abc")
    [resource] = collector.resources
    said = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert said["service.name"] == "agent-serving"
    assert said["deployment.environment"] == "test"
    [scope] = resource.scope_spans
    assert scope.scope.name == "agent_serving"
    first, second = scope.spans
    assert first.trace_id.hex() == TRACE
    assert first.span_id.hex() == full.span_id
    assert first.parent_span_id.hex() == full.parent_span_id
    assert first.trace_state == "vendor=1"
    assert first.name == "chat m"
    assert first.kind == proto.Span.SPAN_KIND_CLIENT
    assert (first.start_time_unix_nano, first.end_time_unix_nano) == (full.start_ns, full.end_ns)
    assert {pair.key: pair.value.WhichOneof("value") for pair in first.attributes} == {
        "text": "string_value",
        "whole": "int_value",
        "real": "double_value",
        "flag": "bool_value",
        "list": "array_value",
    }
    assert (first.status.code, first.status.message) == (
        proto.Status.STATUS_CODE_ERROR,
        "It broke.",
    )
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in first.links] == [
        (LATER, "00000000000000ff")
    ]
    [event] = first.events
    assert (event.name, event.time_unix_nano) == ("said", 1_767_225_600_000_001_000)
    assert second.parent_span_id == b""
    assert second.status.code == proto.Status.STATUS_CODE_UNSET
    assert (tracer.counts().delivered, tracer.counts().lost) == (2, 0)


async def test_a_service_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        tracer = tracer_to(collector, monkeypatch, {"OTEL_SERVICE_NAME": "shop"})
        assert tracer.resource["service.name"] == "shop"
        await tracer.aclose()


async def test_a_burst_in_front_of_a_slow_collector_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting(delay=0.05) as collector:
        tracer = tracer_to(collector, monkeypatch)
        tracer.export(span(number) for number in range(1, 20_001))
        await asyncio.to_thread(until, lambda: not tracer.counts().waiting)
        await tracer.aclose()
    assert len(collector.requests) > 20
    assert len({each.span_id for each in collector.spans}) == 20_000  # type: ignore[attr-defined]
    assert (tracer.counts().delivered, tracer.counts().lost) == (20_000, 0)


# --- what is lost ---------------------------------------------------------------------------


async def test_with_a_dead_collector_the_loss_is_counted_and_the_end_is_quick(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = Collector(url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    tracer = tracer_to(dead, monkeypatch, PATIENT)
    with caplog.at_level(logging.WARNING):
        tracer.export(span(number) for number in range(1, 1001))
        async with asyncio.timeout(10):
            await tracer.aclose()
    counts = tracer.counts()
    assert (counts.delivered, counts.lost, counts.waiting) == (0, 1000, 0)
    assert "1000 spans were lost" in caplog.text


async def test_a_collector_that_hangs_does_not_hold_the_service_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting(delay=60) as collector:
        tracer = tracer_to(collector, monkeypatch, PATIENT | {"OTEL_BSP_SCHEDULE_DELAY": "10"})
        tracer.export(span(number) for number in range(1, 1001))
        async with asyncio.timeout(10):
            await tracer.aclose()
        assert (tracer.counts().lost, tracer.counts().waiting) == (1000, 0)


async def test_what_a_collector_refuses_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting(status=400) as collector:
        tracer = tracer_to(collector, monkeypatch)
        tracer.export([span()])
        await tracer.aclose()
    assert (tracer.counts().delivered, tracer.counts().lost) == (0, 1)


async def test_what_does_not_fit_the_queue_is_lost_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with collecting(delay=60) as collector:
        tracer = tracer_to(collector, monkeypatch, variables)
        # One batch of a hundred is with the collector, a hundred wait.
        tracer.export(span(number) for number in range(1, 101))
        await asyncio.to_thread(until, lambda: collector.begun)
        tracer.export(span(number) for number in range(101, 301))
        assert tracer.counts().lost == 100
        collector.released.set()
        await asyncio.to_thread(until, lambda: not tracer.counts().waiting)
        await tracer.aclose()
        assert (tracer.counts().delivered, tracer.counts().lost) == (200, 100)


async def test_a_span_that_comes_after_the_end_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        tracer = tracer_to(collector, monkeypatch)
        await tracer.aclose()
        tracer.export([span()])
        await tracer.aclose()
    assert (tracer.counts().delivered, tracer.counts().lost) == (0, 1)


# --- what is asked for ----------------------------------------------------------------------

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "True"},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_there_is_no_tracer(variables: dict[str, str]) -> None:
    assert otlp_tracer(variables) is None


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "0"},
        {"OTEL_BSP_SCHEDULE_DELAY": "soon"},
    ],
)
def test_what_cannot_be_done_is_said_with_its_variable(variables: dict[str, str]) -> None:
    [name] = variables
    with pytest.raises(ConfigurationError, match=name):
        otlp_tracer({**ENDPOINT, **variables})


@pytest.mark.parametrize(
    ("sampler", "argument", "answers"),
    [
        # For a caller that said yes, one that said no, and none.
        (None, None, (True, False, True)),
        ("parentbased_always_off", None, (True, False, False)),
        ("always_on", None, (True, True, True)),
        ("always_off", None, (False, False, False)),
        ("traceidratio", "0", (False, False, False)),
        ("parentbased_traceidratio", "0", (True, False, False)),
    ],
)
async def test_the_sampler_is_the_operators(
    monkeypatch: pytest.MonkeyPatch,
    sampler: str | None,
    argument: str | None,
    answers: tuple[bool, bool, bool],
) -> None:
    variables = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    with collecting() as collector:
        given = {name: value for name, value in variables.items() if value is not None}
        tracer = tracer_to(collector, monkeypatch, given)
        found = [tracer.samples(TRACE, "x", parent_sampled=said) for said in (True, False, None)]
        await tracer.aclose()
    assert tuple(found) == answers


@pytest.mark.parametrize(
    ("asked", "captured"),
    [
        ("", Capture.NO_CONTENT),
        ("NO_CONTENT", Capture.NO_CONTENT),
        ("span_only", Capture.SPAN_ONLY),
        ("EVENT_ONLY", Capture.EVENT_ONLY),
        ("SPAN_AND_EVENT", Capture.SPAN_AND_EVENT),
        ("true", Capture.NO_CONTENT),
    ],
)
def test_content_is_captured_only_where_the_standard_variable_asks_for_it(
    asked: str, captured: Capture
) -> None:
    name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    assert captured_content({name: asked}) is captured
    assert captured_content({}) is Capture.NO_CONTENT
