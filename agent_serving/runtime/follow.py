"""Live events to any number of followers: complete from any point on, on any replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from agent_serving.domain import events as e
from agent_serving.domain.errors import CursorExpired, LogGone, StoreUnavailable
from agent_serving.domain.feed import EventType, Public, project
from agent_serving.domain.session import Session
from agent_serving.domain.values import Value
from agent_serving.ports import FactEntry, LiveEntry, SessionStore

QUEUE_EVENTS = 4096
PAGE_ENTRIES = 512
BLOCK_MS = 15_000
RETRY_SECONDS = 1.0


class SessionEvent(Value):
    type: EventType
    sequence: int
    session_id: str
    turn_id: str | None
    step_id: str | None
    created_at: datetime
    trace_id: str | None
    data: dict[str, Any]


def is_dropped(event: SessionEvent) -> bool:
    """Whether it is not of the session, but tells this follower that it was too slow."""
    return event.type == "error" and event.data.get("code") == CursorExpired.code


def _dropped(session_id: str, after: int) -> SessionEvent:
    """Its number is that of the last event before it, so that resuming from it misses nothing."""
    message = (
        f"This reader is more than {QUEUE_EVENTS} events behind. Deltas of items that are done are "
        "left out from here on, up to where the reader has caught up; `item.done` has the whole."
    )
    return SessionEvent(
        type="error",
        sequence=after,
        session_id=session_id,
        turn_id=None,
        step_id=None,
        created_at=datetime.now(UTC),
        trace_id=None,
        data={"code": CursorExpired.code, "message": message, "after": after},
    )


def _whole(events: Sequence[SessionEvent]) -> Iterator[SessionEvent]:
    """Without the deltas of items that are done further on."""
    done = {e.data["item"]["id"]: e.sequence for e in events if e.type == "item.done"}
    for event in events:
        is_delta = event.type.endswith(".delta")
        if not is_delta or done.get(event.data["item_id"], 0) < event.sequence:
            yield event


class Traces:
    """The trace id of each turn, as told by the session and by the facts that come in."""

    def __init__(self, session: Session) -> None:
        self._known = {turn.id: turn.trace_id for turn in session.turns}

    def events(self, session_id: str, entry: FactEntry | LiveEntry) -> list[SessionEvent]:
        match entry:
            case FactEntry():
                fact = e.FACT.validate_json(entry.fact)
                if isinstance(fact, e.TurnAccepted):
                    self._known[fact.turn_id] = fact.trace_id
                public: Sequence[Public] = project(fact)
                at = fact.at
            case LiveEntry():
                public = [Public.model_validate_json(entry.event)]
                at = public[0].created_at or datetime.min
        return [
            SessionEvent(
                type=event.type,
                sequence=entry.sequence + offset,
                session_id=session_id,
                turn_id=event.turn_id,
                step_id=event.step_id,
                created_at=event.created_at or at,
                trace_id=self._known.get(event.turn_id) if event.turn_id else None,
                data=event.data,
            )
            for offset, event in enumerate(public)
        ]


class _Tail:
    """The one reader of a session's feed in this process, and the queues it fills."""

    def __init__(self, traces: Traces) -> None:
        self.traces = traces
        self.position = 0
        self.queues: set[asyncio.Queue[SessionEvent | None]] = set()
        self.lagging: set[asyncio.Queue[SessionEvent | None]] = set()
        self.task: asyncio.Task[None] | None = None

    def tell(self, event: SessionEvent | None) -> None:
        for queue in self.queues - self.lagging:
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self.lagging.add(queue)


class Feed:
    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._tails: dict[str, _Tail] = {}

    @property
    def followers(self) -> int:
        """May be asked from another thread."""
        return sum(len(tail.queues) for tail in list(self._tails.values()))

    def close(self) -> None:
        """Every follower gets what is there for it, and then the end: it goes on elsewhere."""
        for tail in list(self._tails.values()):
            tail.tell(None)

    async def page(
        self,
        session: Session,
        after: int,
        limit: int,
        wanted: Callable[[SessionEvent], bool] = lambda _: True,
    ) -> list[SessionEvent]:
        """At most `limit` events behind `after` that are `wanted`. Raises LogGone."""
        traces, found, more = Traces(session), list[SessionEvent](), True
        while more and len(found) < limit:
            events, more = await self._read(session.id, after, traces)
            found.extend(event for event in events if wanted(event))
            after = events[-1].sequence if events else after
        return found[:limit]

    async def start_of(self, session: Session, named: str) -> int:
        """The sequence of the first event of what is `named` by a turn's id or by the key of a
        request; 1 where it is not found. Raises LogGone."""
        after, name = 0, f'"{named}"'.encode()
        while entries := await self._store.read(session.id, after):
            for entry in entries:
                match entry:
                    case FactEntry() if name in entry.fact:
                        return entry.sequence
                    case FactEntry():
                        after = entry.sequence + entry.width - 1
                    case LiveEntry():
                        after = entry.sequence
        return 1

    async def follow(
        self, session: Session, after: int, *, ping_seconds: float = 15.0
    ) -> AsyncGenerator[SessionEvent | None, None]:
        """Every event behind `after` as it happens, each once, in order; None is a ping. Ends when
        the session is deleted. A follower that is too slow for its queue is told so by an event
        (`is_dropped`) and catches up from the store, without the deltas of items that are done."""
        tail = self._tails.setdefault(session.id, _Tail(Traces(session)))
        queue: asyncio.Queue[SessionEvent | None] = asyncio.Queue(QUEUE_EVENTS)
        tail.queues.add(queue)
        dropped = False
        try:
            while True:
                # Before the store is read: what overflows from here on is caught up once more.
                tail.lagging.discard(queue)
                if dropped:
                    yield _dropped(session.id, after)
                async for event in self._catch_up(session, tail, after, brief=dropped):
                    after = event.sequence
                    yield event
                self._ensure(session.id, tail, after, queue)
                while queue not in tail.lagging or not queue.empty():
                    try:
                        async with asyncio.timeout(ping_seconds):
                            event_or_end = await queue.get()
                    except TimeoutError:
                        yield None
                        continue
                    if event_or_end is None:
                        return
                    if event_or_end.sequence > after:
                        after = event_or_end.sequence
                        yield event_or_end
                dropped = True
        except LogGone:
            return
        finally:
            tail.queues.discard(queue)
            tail.lagging.discard(queue)
            if not tail.queues:
                if tail.task is not None:
                    tail.task.cancel()
                self._tails.pop(session.id, None)

    async def _catch_up(
        self, session: Session, tail: _Tail, after: int, *, brief: bool
    ) -> AsyncGenerator[SessionEvent, None]:
        more = True
        while more:
            try:
                events, more = await self._read(session.id, after, tail.traces)
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            after = events[-1].sequence if events else after
            for event in _whole(events) if brief else events:
                yield event

    async def _read(
        self, session_id: str, after: int, traces: Traces
    ) -> tuple[list[SessionEvent], bool]:
        """The next events, and whether there may be more of them already."""
        entries = await self._store.read(session_id, after, limit=PAGE_ENTRIES)
        events = [event for entry in entries for event in traces.events(session_id, entry)]
        return [event for event in events if event.sequence > after], len(entries) == PAGE_ENTRIES

    def _ensure(
        self, session_id: str, tail: _Tail, after: int, queue: asyncio.Queue[SessionEvent | None]
    ) -> None:
        running = tail.task is not None and not tail.task.done()
        if running and after < tail.position and queue.empty() and queue not in tail.lagging:
            # All behind `after` would be in the queue by now: the reader was sent past the end
            # of the feed by a follower whose cursor was never given out.
            assert tail.task is not None
            tail.task.cancel()
            running = False
        if not running:
            tail.position = after
            tail.task = asyncio.create_task(self._pump(session_id, tail), name=f"feed {session_id}")

    async def _pump(self, session_id: str, tail: _Tail) -> None:
        while True:
            try:
                entries = await self._store.read(session_id, tail.position, block_ms=BLOCK_MS)
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            except LogGone:
                tail.tell(None)
                return
            for entry in entries:
                for event in tail.traces.events(session_id, entry):
                    if event.sequence > tail.position:
                        tail.tell(event)
                        tail.position = event.sequence
