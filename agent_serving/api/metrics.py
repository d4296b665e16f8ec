"""The metrics as Prometheus reads them, and the measuring of requests."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.api.context import Context
from agent_serving.api.errors import documented
from agent_serving.ports.meter import Meter

router = APIRouter(tags=["health"])

_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/metrics",
    response_class=Response,
    summary="Show the metrics",
    responses={
        200: {
            "description": "Prometheus' text format, or OpenMetrics where `accept` asks for it.",
            "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
        },
        **documented(),
    },
)
async def get_metrics(
    api: Context, accept: Annotated[str, Header(include_in_schema=False)] = ""
) -> Response:
    """Of this process alone, since it started. Labels have few values: tenants and agents behind
    the first hundred are counted as `_OTHER`, and no session is named."""
    assert api.meter is not None
    text, media_type = await asyncio.to_thread(api.meter.exposition, accept)
    return Response(text, media_type=media_type)


class RequestMeter:
    """Tells how long each request took, by the template of its route."""

    def __init__(self, app: ASGIApp, *, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int | None = None

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            # The router leaves the route that it found in the scope.
            route = getattr(scope.get("route"), "path", None)
            seconds = time.perf_counter() - started
            self._meter.request_ended(scope["method"], route, status, seconds)
