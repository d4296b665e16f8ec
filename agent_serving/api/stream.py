"""Events as they go out: one view, and the wire format of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from agent_serving.api.amounts import Time, View
from agent_serving.api.context import Api
from agent_serving.api.idempotency import REPLAYED
from agent_serving.domain.feed import TERMINAL_EVENTS, EventType
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import TERMINAL, Session
from agent_serving.runtime.follow import SessionEvent, is_dropped
from agent_serving.runtime.quotas import Seat
from agent_serving.runtime.turn_request import Taken

EVENTS: Mapping[str, Any] = {
    "text/event-stream": {
        # Of each event, as the versions of OpenAPI before 3.2 have it.
        "schema": {
            "title": "ServerSentEvent",
            "type": "object",
            "required": ["id", "event", "data"],
            "properties": {
                "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Its sequence."},
                "event": {"type": "string", "description": "Its type."},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"$ref": "#/components/schemas/Event"},
                },
            },
        },
        "example": {
            "id": "7",
            "event": "output_text.delta",
            "data": '{"type":"output_text.delta","sequence":7,"data":{"delta":"Hel"}}',
        },
    }
}
"""What the OpenAPI document says of a stream."""

RETRY_MS = 1000
REPLAYED_AT_ONCE = 512

Wanted = Callable[[SessionEvent], bool]


class Event(View):
    """`sequence` grows by the session's events; its gaps mean nothing."""

    type: EventType
    sequence: int = Field(description="The cursor: `after`, and the `id` of a server-sent event.")
    session_id: str
    turn_id: str | None
    step_id: str | None
    created_at: Time
    trace_id: str | None
    data: dict[str, Any] = Field(description="By type.")

    @classmethod
    def of(cls, event: SessionEvent) -> Event:
        return cls(**dict(event))


class EventPage(BaseModel):
    object: Literal["list"] = "list"
    data: list[Event]
    first_id: int | None = Field(description="Sequence of the first event.")
    last_id: int | None = Field(description="For `after`, to get the next page.")
    has_more: bool


class EventStream(StreamingResponse):
    """Closes its source in every end, and gives its seat back, so that nothing goes on following
    for a caller who is gone."""

    media_type = "text/event-stream"

    def __init__(
        self,
        source: AsyncGenerator[bytes, None],
        headers: dict[str, str] | None = None,
        *,
        seat: Seat | None = None,
    ) -> None:
        fixed = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(source, headers={**fixed, **(headers or {})})
        self._source = source
        self._seat = seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._source):
                await super().__call__(scope, receive, send)
        finally:
            if self._seat is not None:
                self._seat.leave()


def frame(event: SessionEvent) -> bytes:
    """JSON has no line breaks outside of its strings, and in them they are escaped."""
    data = Event.of(event).model_dump_json()
    return f"id: {event.sequence}\nevent: {event.type}\ndata: {data}\n\n".encode()


async def live(
    api: Api, session: Session, after: int, *, wanted: Wanted, last: Wanted
) -> AsyncGenerator[bytes, None]:
    """Every wanted event behind `after`, up to the `last` one; without one, to the end of the
    session."""
    ping = api.settings.ping_seconds
    clock = asyncio.get_running_loop()
    yield f"retry: {RETRY_MS}\n\n".encode()
    told = clock.time()
    feed = api.service.feed.follow(session, after, ping_seconds=ping)
    async with aclosing(feed) as events:
        async for event in events:
            if event is not None and (wanted(event) or is_dropped(event)):
                yield frame(event)
                told = clock.time()
            elif event is None or clock.time() - told >= ping:
                yield b": ping\n\n"
                told = clock.time()
            if event is not None and last(event):
                return


async def replayed(
    api: Api, session: Session, after: int, *, wanted: Wanted, last: Wanted = lambda _: False
) -> AsyncGenerator[bytes, None]:
    """The wanted events behind `after` that there are, up to the `last` one."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    while events := await api.service.feed.page(session, after, REPLAYED_AT_ONCE, wanted):
        for event in events:
            yield frame(event)
            if last(event):
                return
        after = events[-1].sequence


async def turn_stream(
    api: Api, session: Session, taken: Taken, mark: RequestMark | None
) -> EventStream:
    """A turn from what was taken for it to where it is over or waits for the caller; of a replayed
    request, from what was taken the first time."""
    turn_id, trace_id = taken.turn.id, taken.turn.trace_id
    headers = {"x-turn-id": turn_id, "x-session-id": session.id, "x-trace-id": trace_id}
    if taken.replayed:
        headers |= REPLAYED
    first = taken.sequence
    if first is None:
        assert mark is not None
        first = await api.service.feed.start_of(session, mark.key)

    def of_turn(event: SessionEvent) -> bool:
        return event.turn_id == turn_id

    def settled(event: SessionEvent) -> bool:
        return of_turn(event) and (event.type in TERMINAL_EVENTS or event.type == "turn.waiting")

    # Nothing may come behind an answer to a turn that still waits for others.
    waits = taken.turn.status == "waiting" and taken.turn.cancel is None
    told = replayed if waits else live
    source = told(api, session, first - 1, wanted=of_turn, last=settled)
    return EventStream(source, headers)


def over(session: Session, turn_id: str) -> bool:
    turn = session.turn(turn_id)
    return turn is not None and turn.status in TERMINAL
