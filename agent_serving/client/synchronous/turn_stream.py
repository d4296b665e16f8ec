"""A turn, event by event; what it asks for on the way is answered."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

import time
from collections.abc import Generator
from types import TracebackType
from typing import Generic, Self, TypeVar

from agent_serving.client.call import Call
from agent_serving.client.models.event import Event, TextDelta, TurnEnded, TurnWaiting
from agent_serving.client.result import Result
from agent_serving.client.synchronous.event_source import EventSource, followed
from agent_serving.client.synchronous.turn import Turn

T = TypeVar("T")


class TurnStream(Generic[T]):
    """The events of a turn, from `after` on, each once and in order, over as many connections as it
    takes. Where the turn waits for a tool that is here, the tool runs when the next event is asked
    for; where it waits for what nothing here can give, the events end, and go on when that has been
    given. Leaving the block closes the connection, never the turn."""

    def __init__(self, turn: Turn[T], *, after: int = 0, start: Call | None = None) -> None:
        self.turn = turn
        self._start = start
        self._after = after
        self._source: EventSource | None = None
        self._waits = False
        self._over = False

    def __enter__(self) -> Self:
        self._begun()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._source is not None:
            self._source.close()

    @property
    def id(self) -> str:
        return self.turn.id

    @property
    def cursor(self) -> int:
        """The sequence of the last event: `attach(after=…)` goes on behind it."""
        return self._after if self._source is None else self._source.cursor

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = self._next(None)
        if event is None:
            raise StopIteration
        return event

    def text(self) -> Generator[str, None, None]:
        """The answer as it is written, piece by piece; with the words between tool calls."""
        for event in self:
            if isinstance(event, TextDelta):
                yield event.delta

    def result(self, timeout: float | None = None) -> Result[T]:
        """The turn's end, once it has come; `timeout` is in seconds. Raises TurnError,
        TurnWaitingError, TurnTimeoutError, OutputError, APIError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._next(deadline) is not None:
            pass
        return self.turn.outcome()

    def _begun(self) -> EventSource:
        """The turn is started, where it has to be, by the stream's own request."""
        if self._source is not None:
            return self._source
        turn = self.turn
        if self._start is None:
            params = {"turn_id": turn.id}
            source = EventSource(turn.transport, turn.session_id, params, after=self._after)
        else:
            source = EventSource(turn.transport, turn.session_id, {})
            response = source.begin(followed(self._start))
            turn.id = response.headers["x-turn-id"]
            source.params = {"turn_id": turn.id}
        self._source = source
        return source

    def _next(self, deadline: float | None) -> Event | None:
        source = self._begun()
        if self._over or (self._waits and not self.turn.answered()):
            return None
        self._waits = False
        event = source.next(deadline)
        self._waits = isinstance(event, TurnWaiting)
        self._over = event is None or isinstance(event, TurnEnded)
        return event
