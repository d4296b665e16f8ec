"""A turn, event by event; what it asks for on the way is answered."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Generic, Self, TypeVar

from agent_serving.client.asynchronous.event_source import AsyncEventSource, followed
from agent_serving.client.asynchronous.turn import AsyncTurn
from agent_serving.client.call import Call
from agent_serving.client.models.event import Event, TextDelta, TurnEnded, TurnWaiting
from agent_serving.client.result import Result

T = TypeVar("T")


class AsyncTurnStream(Generic[T]):
    """The events of a turn, from `after` on, each once and in order, over as many connections as it
    takes. Where the turn waits for a tool that is here, the tool runs when the next event is asked
    for; where it waits for what nothing here can give, the events end, and go on when that has been
    given. Leaving the block closes the connection, never the turn."""

    def __init__(self, turn: AsyncTurn[T], *, after: int = 0, start: Call | None = None) -> None:
        self.turn = turn
        self._start = start
        self._after = after
        self._source: AsyncEventSource | None = None
        self._waits = False
        self._over = False

    async def __aenter__(self) -> Self:
        await self._begun()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._source is not None:
            await self._source.aclose()

    @property
    def id(self) -> str:
        return self.turn.id

    @property
    def cursor(self) -> int:
        """The sequence of the last event: `attach(after=…)` goes on behind it."""
        return self._after if self._source is None else self._source.cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        event = await self._next(None)
        if event is None:
            raise StopAsyncIteration
        return event

    async def text(self) -> AsyncGenerator[str, None]:
        """The answer as it is written, piece by piece; with the words between tool calls."""
        async for event in self:
            if isinstance(event, TextDelta):
                yield event.delta

    async def result(self, timeout: float | None = None) -> Result[T]:
        """The turn's end, once it has come; `timeout` is in seconds. Raises TurnError,
        TurnWaitingError, TurnTimeoutError, OutputError, APIError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while await self._next(deadline) is not None:
            pass
        return await self.turn.outcome()

    async def _begun(self) -> AsyncEventSource:
        """The turn is started, where it has to be, by the stream's own request."""
        if self._source is not None:
            return self._source
        turn = self.turn
        if self._start is None:
            params = {"turn_id": turn.id}
            source = AsyncEventSource(turn.transport, turn.session_id, params, after=self._after)
        else:
            source = AsyncEventSource(turn.transport, turn.session_id, {})
            response = await source.begin(followed(self._start))
            turn.id = response.headers["x-turn-id"]
            source.params = {"turn_id": turn.id}
        self._source = source
        return source

    async def _next(self, deadline: float | None) -> Event | None:
        source = await self._begun()
        if self._over or (self._waits and not await self.turn.answered()):
            return None
        self._waits = False
        event = await source.next(deadline)
        self._waits = isinstance(event, TurnWaiting)
        self._over = event is None or isinstance(event, TurnEnded)
        return event
