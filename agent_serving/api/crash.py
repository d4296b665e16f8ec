"""The last resort: a defect becomes a 500 that tells nothing, and a log that tells all."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.api.errors import answer, internal_error, request_id_of

_LOG = logging.getLogger(__name__)


class CrashGuard:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if scope["type"] != "http":
                raise
            _LOG.exception(
                "%s %s failed (request %s)", scope["method"], scope["path"], request_id_of(scope)
            )
            if started:
                # Half an answer is out: only a broken connection tells the caller.
                raise
            await answer(internal_error(), scope)(scope, receive, send)
