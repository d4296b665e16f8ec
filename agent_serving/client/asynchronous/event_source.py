"""A session's events over connections that may break: each event once, in order."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from http import HTTPStatus

import httpx
from pydantic import ValidationError
from pydantic_core import from_json

from agent_serving.client import call as calls
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.asynchronous.waiting import sleep
from agent_serving.client.call import Call, Params, segment
from agent_serving.client.errors import (
    APIConnectionError,
    APIResponseError,
    TurnTimeoutError,
)
from agent_serving.client.models.event import Event, read_event
from agent_serving.client.retrying import pause
from agent_serving.client.settings import SILENCE_SECONDS
from agent_serving.client.sse import FrameReader

STEADY_SECONDS = 1.0
"""A connection that held so long was not a failure."""


class AsyncEventSource:
    """Follows from `after` on. `cursor` is the sequence of the last event that was given."""

    def __init__(
        self, transport: AsyncTransport, session_id: str, params: Params, *, after: int = 0
    ) -> None:
        self.cursor = after
        self._transport = transport
        self._path = f"/sessions/{segment(session_id)}/events"
        self.params = params
        self._response: httpx.Response | None = None
        self._frames: AsyncGenerator[str | None, None] | None = None
        self._opened = 0.0
        self._failures = 0
        self._deadline: float | None = None

    async def begin(self, call: Call) -> httpx.Response:
        """Take the first events from the answer to this call."""
        return await self._open(call)

    async def next(self, deadline: float | None = None) -> Event | None:
        """The next event; None where there will be no more. `deadline` is of `time.monotonic`.
        Raises APIError, TurnTimeoutError."""
        if deadline != self._deadline:
            # The connection that there is may be silent for longer than the caller waits.
            await self.aclose()
            self._deadline = deadline
        while True:
            _check(deadline)
            if self._frames is None and not await self._reconnect(deadline):
                return None
            assert self._frames is not None
            try:
                told = await anext(self._frames)
            except (StopAsyncIteration, httpx.TransportError) as broken:
                await self.aclose()
                _check(deadline)
                await self._lost(broken)
                continue
            if told is not None:
                event = _read(told)
                if not self._is_known(event):
                    self.cursor = event.sequence
                    self._failures = 0
                    return event

    async def aclose(self) -> None:
        frames, self._frames = self._frames, None
        response, self._response = self._response, None
        if frames is not None:
            await frames.aclose()
        if response is not None:
            await response.aclose()

    async def _reconnect(self, deadline: float | None) -> bool:
        silence = SILENCE_SECONDS
        if deadline is not None:
            silence = max(0.001, min(silence, deadline - time.monotonic()))
        params = {**self.params, "after": self.cursor}
        response = await self._open(calls.stream("GET", self._path, params, silence))
        if response.status_code == HTTPStatus.NO_CONTENT:
            await self.aclose()
            return False
        return True

    async def _open(self, call: Call) -> httpx.Response:
        self._response = await self._transport.send(call, stream=True)
        self._frames = _frames(self._response)
        self._opened = time.monotonic()
        return self._response

    async def _lost(self, broken: Exception) -> None:
        """The first time in a row costs nothing: a stream may also just have come to its end."""
        steady = time.monotonic() - self._opened > STEADY_SECONDS
        self._failures = 1 if steady else self._failures + 1
        if self._failures > self._transport.settings.max_retries + 1:
            what = str(broken) or type(broken).__name__
            raise APIConnectionError(
                f"GET /v1{self._path}: the stream ends again and again before an event ({what})."
            ) from broken
        if self._failures > 1:
            await sleep(pause(self._failures - 1, {}) or 0.0)

    def _is_known(self, event: Event) -> bool:
        """What tells a reader that it was too slow has the number of the event before it."""
        if event.type == "error":
            return event.sequence < self.cursor
        return event.sequence <= self.cursor


def followed(call: Call, silence: float = SILENCE_SECONDS) -> Call:
    """The call, to be answered by a stream of events."""
    headers = {**call.headers, "accept": "text/event-stream"}
    return replace(call, headers=headers, timeout=silence)


async def _frames(response: httpx.Response) -> AsyncGenerator[str | None, None]:
    """The data of each event; None for whatever else shows that the other side is there."""
    reader = FrameReader()
    async for chunk in response.aiter_bytes():
        for data in reader.feed(chunk):
            yield data
        yield None


def _read(told: str) -> Event:
    try:
        return read_event(from_json(told))
    except (ValidationError, ValueError, TypeError) as error:
        raise APIResponseError(f"An event cannot be read: {error}") from error


def _check(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise TurnTimeoutError(
            "The time to wait is over. The turn goes on: attach to it, or cancel it."
        )
