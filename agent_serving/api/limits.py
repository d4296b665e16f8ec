"""What may come in at all: checked before any route sees it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.api import strict_json
from agent_serving.api.errors import UnsupportedMediaType, answer
from agent_serving.domain.errors import PayloadTooLarge, RequestError

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class RequestLimits:
    """Never holds more of a body than `max_bytes`, whatever its length is said to be."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_depth: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_depth = max_depth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(Headers(scope=scope), receive)
            if body is None:
                return
            if body and scope["method"] in _WITH_BODY:
                _check_media_type(Headers(scope=scope))
                strict_json.check(body, max_depth=self._max_depth)
        except RequestError as error:
            await answer(error, scope)(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """None where the caller is gone. Raises PayloadTooLarge."""
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            raise self._too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(
            f"The body is larger than the {self._max_bytes} bytes that are taken here. Send less, "
            "or store it somewhere and send a reference.",
            details={"max_bytes": self._max_bytes},
        )


def _check_media_type(headers: Headers) -> None:
    given = headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    kind = kind.strip().lower()
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    is_json = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    if not is_json or charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMediaType(
            f"The body is declared as {given or 'nothing'!r}; send JSON in UTF-8 with the header "
            "`content-type: application/json`.",
            param="content-type",
        )


def _replayed(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
