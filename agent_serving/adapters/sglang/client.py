"""Raw HTTP to one SGLang process. What comes out is JSON, lines of a stream, or an error of
`domain.errors`; nothing of httpx passes this file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NoReturn

import httpx

from agent_serving.domain.errors import (
    AgentServingError,
    ContextLengthExceeded,
    EngineUnavailable,
    InvalidRequest,
)

CONNECT_SECONDS = 5.0
CALL_SECONDS = 30.0
# SGLang closes an idle connection after 5 s; ours goes first, so that no request meets the closing.
_KEEP_ALIVE_SECONDS = 3.0
_LONGEST_WORDS = 2000

_REFUSED = frozenset({400, 413, 422})


def engine_words(body: Any) -> str:
    """The engine's own explanation in one of the shapes that it uses for errors."""
    match body:
        case {"error": {"message": str(words)}}:
            return words[:_LONGEST_WORDS]
        case {"error": str(words)} | {"message": str(words)} | {"detail": str(words)}:
            return words[:_LONGEST_WORDS]
        case _:
            return str(body)[:_LONGEST_WORDS]


def refusal(worker: str, status: int | None, words: str) -> AgentServingError:
    """What an error of the engine means to the caller. `details["engine"]` has its words."""
    words = words.strip() or "no explanation"
    if status in _REFUSED:
        kind = ContextLengthExceeded if "context length" in words else InvalidRequest
        return kind(f"The engine {worker} refused the request: {words}", details={"engine": words})
    if status == HTTPStatus.UNAUTHORIZED:
        return EngineUnavailable(
            f"The engine {worker} asks for another key: set engine_api_key to its --api-key."
        )
    answered = "" if status is None else f" (status {status})"
    return EngineUnavailable(f"The engine {worker} failed the request{answered}: {words}")


class EngineClient:
    """One process. `name` stands in every error message."""

    def __init__(
        self, name: str, url: str, *, api_key: str | None = None, chunk_seconds: float = 300.0
    ) -> None:
        self.name = name
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=64,
                keepalive_expiry=_KEEP_ALIVE_SECONDS,
            ),
            trust_env=False,
        )
        self._stream_timeout = httpx.Timeout(
            CALL_SECONDS, connect=CONNECT_SECONDS, read=chunk_seconds
        )

    async def get(self, path: str, *, seconds: float = CALL_SECONDS) -> Any:
        return await self._call("GET", path, None, seconds)

    async def post(
        self, path: str, body: Mapping[str, Any], *, seconds: float = CALL_SECONDS
    ) -> Any:
        """The decoded answer; None where it is empty. Raises EngineUnavailable, InvalidRequest,
        ContextLengthExceeded."""
        return await self._call("POST", path, body, seconds)

    @asynccontextmanager
    async def stream(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of a streamed answer. Raises like `post`, while reading too."""
        content = _encode(body)
        try:
            async with self._http.stream(
                "POST",
                path,
                content=content,
                headers={"Content-Type": "application/json", **headers},
                timeout=self._stream_timeout,
            ) as response:
                if not response.is_success:
                    await response.aread()
                    self._raise_for(response)
                yield response.aiter_lines()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._unreachable(path, error) from error

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        try:
            response = await self._http.request(
                method,
                path,
                content=None if body is None else _encode(body),
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            )
        except httpx.HTTPError as error:
            raise self._unreachable(path, error) from error
        if not response.is_success:
            self._raise_for(response)
        return self._decode(response) if response.content else None

    def _decode(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise EngineUnavailable(
                f"The engine {self.name} answered {response.request.url.path} with something "
                "that is not JSON; check that its URL points at SGLang itself."
            ) from error

    def _raise_for(self, response: httpx.Response) -> NoReturn:
        try:
            words = engine_words(response.json())
        except ValueError:
            words = response.text[:_LONGEST_WORDS] or response.reason_phrase
        raise refusal(self.name, response.status_code, words)

    def _unreachable(self, path: str, error: Exception) -> EngineUnavailable:
        reason = str(error) or type(error).__name__
        return EngineUnavailable(f"The engine {self.name} could not be reached at {path}: {reason}")


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            "The text holds a lone surrogate (half of a UTF-16 pair), which has no UTF-8 form; "
            "replace it before sending."
        ) from error
