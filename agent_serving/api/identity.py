"""By what name a request is found again: its id and its trace."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.runtime.trace import parse_traceparent

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class RequestIdentity:
    """`x-request-id` comes back as it was sent, where it can be logged as it stands, else a new
    one does. `x-trace-id` is the trace of the turn that an answer shows, else the caller's own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope)
        given = sent.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
        caller = parse_traceparent(sent.get("traceparent"))
        scope.setdefault("state", {})["request_id"] = request_id

        async def name(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                if caller is not None:
                    headers.setdefault("x-trace-id", caller[0])
            await send(message)

        await self._app(scope, receive, name)
