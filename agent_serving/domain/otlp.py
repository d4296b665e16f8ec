"""Spans as OTLP/JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in
hex, 64-bit integers as strings, enumerations as numbers. Jaeger's UI opens such a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from agent_serving.domain.span import Attributes, AttributeValue, Span, SpanKind

Json = dict[str, Any]

KINDS: Final[dict[SpanKind, int]] = {"internal": 1, "server": 2, "client": 3}
ERROR: Final = 2


def otlp_json(spans: Iterable[Span], *, resource: Attributes, scope: str, version: str) -> Json:
    """An ExportTraceServiceRequest."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": scope, "version": version},
                        "spans": [_span(span) for span in spans],
                    }
                ],
            }
        ]
    }


def _span(span: Span) -> Json:
    said: Json = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_span_id or "",
        "name": span.name,
        "kind": KINDS[span.kind],
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(span.attributes),
        "events": [
            {
                "name": event.name,
                "timeUnixNano": str(event.at_ns),
                "attributes": _attributes(event.attributes),
            }
            for event in span.events
        ],
        "links": [{"traceId": link.trace_id, "spanId": link.span_id} for link in span.links],
        "status": {},
    }
    if span.tracestate:
        said["traceState"] = span.tracestate
    if span.error is not None:
        said["status"] = {"code": ERROR} | ({"message": span.error} if span.error else {})
    return said


def _attributes(attributes: Attributes) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: AttributeValue) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case tuple():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
