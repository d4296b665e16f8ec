"""A turn's trace, made from the ledger."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

import agent_serving
from agent_serving.api.amounts import View
from agent_serving.api.context import Context, SessionId, TurnId
from agent_serving.api.errors import documented
from agent_serving.api.views import trace_url
from agent_serving.domain import span_names as n
from agent_serving.domain.errors import NotFound
from agent_serving.domain.otlp import otlp_json
from agent_serving.domain.spans import turn_spans
from agent_serving.runtime.turn_checks import turn_of

router = APIRouter(prefix="/v1/sessions/{session_id}/turns/{turn_id}", tags=["turns"])

_URL = {
    "x-trace-url": {
        "description": "Where Jaeger shows the exported trace; only where `jaeger_url` is set.",
        "schema": {"type": "string", "format": "uri"},
    },
    "x-trace-id": {"description": "The trace's id.", "schema": {"type": "string"}},
}


class KeyValue(View):
    key: str
    value: dict[str, Any] = Field(description="One field, named by the type: `stringValue`, …")


class SpanLink(View):
    traceId: str  # noqa: N815  # these are OTLP's names
    spanId: str  # noqa: N815


class SpanEvent(View):
    name: str
    timeUnixNano: str  # noqa: N815
    attributes: list[KeyValue]


class SpanStatus(View):
    code: int = Field(0, description="2: an error.")
    message: str = ""


class OtlpSpan(View):
    traceId: str = Field(description="32 hex digits.")  # noqa: N815
    spanId: str = Field(description="16 hex digits.")  # noqa: N815
    parentSpanId: str = Field(description="Empty for a span without a parent.")  # noqa: N815
    traceState: str = ""  # noqa: N815
    name: str
    kind: int = Field(description="1: internal, 2: server, 3: client.")
    startTimeUnixNano: str  # noqa: N815
    endTimeUnixNano: str  # noqa: N815
    attributes: list[KeyValue]
    events: list[SpanEvent]
    links: list[SpanLink]
    status: SpanStatus


class Scope(View):
    name: str
    version: str


class ScopeSpans(View):
    scope: Scope
    spans: list[OtlpSpan]


class Resource(View):
    attributes: list[KeyValue]


class ResourceSpans(View):
    resource: Resource
    scopeSpans: list[ScopeSpans]  # noqa: N815


class OtlpTrace(View):
    """An OTLP `ExportTraceServiceRequest` in JSON."""

    resourceSpans: list[ResourceSpans]  # noqa: N815


@router.get(
    "/trace",
    response_model=OtlpTrace,
    summary="Read a turn's trace",
    responses={
        200: {"description": "OTLP JSON, which Jaeger's UI opens.", "headers": _URL},
        **documented(NotFound),
    },
)
async def get_trace(
    session_id: SessionId, turn_id: TurnId, api: Context, response: Response
) -> OtlpTrace:
    """The turn's spans as OTLP JSON, made from the ledger: complete whether or not a collector has
    got them, the trace was sampled, or the caller has a part of it. What was said is not in it. A
    turn that runs is told up to the last step that is over."""
    session = await api.service.sessions.get(api.tenant, session_id)
    turn = turn_of(session, turn_id)
    tracer = api.service.ports.tracer
    resource = {n.SERVICE_NAME: "agent-serving"} if tracer is None else tracer.resource
    response.headers["x-trace-id"] = turn.trace_id
    response.headers["content-disposition"] = f'inline; filename="{turn.id}.json"'
    url = trace_url(api.settings.jaeger_url, turn)
    if url is not None:
        response.headers["x-trace-url"] = url
    return OtlpTrace.model_validate(
        otlp_json(
            turn_spans(session, turn),
            resource=resource,
            scope=n.SCOPE,
            version=agent_serving.__version__,
        )
    )
