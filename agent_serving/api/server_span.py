"""The span of a request, between the caller's span and what the request starts."""

from __future__ import annotations

import time
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.domain import span_names as n
from agent_serving.domain.span import AttributeValue, Span
from agent_serving.ports.tracer import Tracer
from agent_serving.runtime.trace import (
    Parent,
    new_span_id,
    new_trace_id,
    parse_traceparent,
    parse_tracestate,
    traceparent,
)

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Those that poll would be nothing but noise: a read has a span where its caller's trace does."""


class ServerSpan:
    """Spans of requests under /v1. What is behind this middleware sees `traceparent` as if the
    caller had sent it with the id of the request's own span."""

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        caller = parse_traceparent(headers.get("traceparent"))
        if caller is None and scope["method"] in READS:
            await self._app(scope, receive, send)
            return
        trace_id = caller.trace_id if caller else new_trace_id()
        own = Parent(trace_id, new_span_id(), self._samples(scope, trace_id, caller))
        state = parse_tracestate(headers.get("tracestate")) if caller else None
        headers["traceparent"] = traceparent(own.trace_id, own.span_id, sampled=own.sampled)
        if not own.sampled:
            await self._app(scope, receive, send)
            return
        await self._traced(scope, receive, send, own, caller, state)

    def _samples(self, scope: Scope, trace_id: str, caller: Parent | None) -> bool:
        known = caller.sampled if caller else None
        return self._tracer.samples(trace_id, scope["method"], parent_sampled=known)

    async def _traced(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        own: Parent,
        caller: Parent | None,
        state: str | None,
    ) -> None:
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        wall, started = time.time_ns(), time.perf_counter_ns()
        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", None)
            failed = status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            span = Span(
                name=f"{scope['method']} {route}" if route else scope["method"],
                trace_id=own.trace_id,
                span_id=own.span_id,
                parent_span_id=caller.span_id if caller else None,
                kind="server",
                start_ns=wall,
                end_ns=wall + time.perf_counter_ns() - started,
                attributes=_attributes(scope, route, status),
                error="" if failed else None,
                tracestate=state,
            )
            self._tracer.export([span])


def _attributes(scope: Scope, route: str | None, status: int | None) -> dict[str, AttributeValue]:
    """No query and no headers: those may hold anything."""
    said: dict[str, AttributeValue] = {
        n.HTTP_METHOD: scope["method"],
        n.URL_PATH: scope["path"],
        n.URL_SCHEME: scope["scheme"],
    }
    if route:
        said[n.HTTP_ROUTE] = route
    if scope.get("server"):
        address, port = scope["server"]
        said[n.SERVER_ADDRESS] = address
        if port:
            said[n.SERVER_PORT] = port
    if status is None:
        said[n.ERROR_TYPE] = "disconnected"
    else:
        said[n.HTTP_STATUS] = status
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            said[n.ERROR_TYPE] = str(status)
    return said
