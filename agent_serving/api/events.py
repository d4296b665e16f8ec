"""A session's events: server-sent, or as JSON pages."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Header, Query, Request, Response

from agent_serving.api.context import Api, Context, SessionId
from agent_serving.api.errors import documented
from agent_serving.api.paging import MAX_LIMIT
from agent_serving.api.stream import (
    EVENTS,
    Event,
    EventPage,
    EventStream,
    Wanted,
    live,
    over,
    replayed,
)
from agent_serving.domain.errors import CursorExpired, InvalidRequest, NotFound
from agent_serving.domain.feed import TERMINAL_EVENTS, EventType
from agent_serving.domain.session import Session
from agent_serving.runtime.follow import SessionEvent
from agent_serving.runtime.turn_checks import turn_of

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["events"])

MAX_SEQUENCE = 2**53
"""What every JSON reader can hold."""


@router.get(
    "/events",
    response_model=EventPage,
    summary="Follow or read a session's events",
    responses={
        200: {
            "description": "A page, or with `Accept: text/event-stream` every event from the "
            "cursor on, as it happens: `id` is the sequence, `event` the type, `data` one `Event` "
            "as JSON. A comment comes whenever nothing was said for a while.",
            "content": EVENTS,
        },
        204: {"description": "The stream's turn is over and all of it was told: do not reconnect."},
        **documented(NotFound, CursorExpired),
    },
)
async def list_events(
    session_id: SessionId,
    api: Context,
    request: Request,
    after: Annotated[
        int,
        Query(ge=0, le=MAX_SEQUENCE, description="Events behind this sequence; 0 means all."),
    ] = 0,
    turn_id: Annotated[
        str | None, Query(max_length=128, description="Only this turn's events.")
    ] = None,
    types: Annotated[
        list[str] | None,
        Query(description="Only these types; separated by commas, or given several times."),
    ] = None,
    limit: Annotated[
        int | None,
        Query(ge=1, le=MAX_LIMIT, description="Most events on a page; a stream has no limit."),
    ] = None,
    last_event_id: Annotated[
        str | None,
        Header(description="A cursor as `after` is; what a reconnecting EventSource sends."),
    ] = None,
) -> EventPage | Response:
    """Resume from any event, on any replica: nothing is lost, nothing comes twice. Deltas may be
    gone once their item is done; `item.done` has the whole. A stream of one turn is closed behind
    the turn's last event."""
    session = await api.service.sessions.get(api.tenant, session_id)
    if turn_id is not None:
        turn_of(session, turn_id)
    cursor = _cursor(after, last_event_id)
    await _check_cursor(api, session, cursor)
    wanted = _wanted(turn_id, _types(types))
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await _page(api, session, cursor, limit or api.settings.event_page_size, wanted)
    return await _stream(api, session, cursor, turn_id, wanted)


async def _page(api: Api, session: Session, after: int, limit: int, wanted: Wanted) -> EventPage:
    found = await api.service.feed.page(session, after, limit + 1, wanted)
    events = found[:limit]
    return EventPage(
        data=[Event.of(event) for event in events],
        first_id=events[0].sequence if events else None,
        last_id=events[-1].sequence if events else None,
        has_more=len(found) > limit,
    )


async def _stream(
    api: Api, session: Session, after: int, turn_id: str | None, wanted: Wanted
) -> Response:
    if turn_id is not None and over(session, turn_id):
        if not await api.service.feed.page(session, after, 1, wanted):
            return Response(status_code=204)
        return EventStream(replayed(api, session, after, wanted=wanted))

    def ends(event: SessionEvent) -> bool:
        return event.turn_id == turn_id and event.type in TERMINAL_EVENTS

    def never(_: SessionEvent) -> bool:
        return False

    last = never if turn_id is None else ends
    seat = await api.service.quotas.follower(api.tenant)
    return EventStream(live(api, session, after, wanted=wanted, last=last), seat=seat)


def _wanted(turn_id: str | None, types: frozenset[str]) -> Wanted:
    def wanted(event: SessionEvent) -> bool:
        return turn_id in (None, event.turn_id) and (not types or event.type in types)

    return wanted


def _types(given: list[str] | None) -> frozenset[str]:
    types = [name for part in given or [] for name in part.split(",") if name]
    known = get_args(EventType)
    for name in types:
        if name not in known:
            raise InvalidRequest(
                f"There is no event type {name!r}. There are: {', '.join(known)}.", param="types"
            )
    return frozenset(types)


def _cursor(after: int, last_event_id: str | None) -> int:
    """A reconnecting EventSource repeats its URL, so the header is the newer one."""
    if not last_event_id:
        return after
    if not (last_event_id.isascii() and last_event_id.isdigit()) or len(last_event_id) > 16:
        raise InvalidRequest(
            f"`Last-Event-ID` is {last_event_id[:40]!r}; send the `id` of an event, a number.",
            param="last-event-id",
        )
    return int(last_event_id)


async def _check_cursor(api: Api, session: Session, cursor: int) -> None:
    """A cursor that no event of this session has would skip events to come, unseen. While a turn
    runs it cannot be told from the cursor of a delta that is gone."""
    if cursor == 0 or session.status == "in_progress":
        return
    if not await api.service.ports.store.read(session.id, cursor - 1, limit=1):
        raise InvalidRequest(
            f"The session has no event {cursor} yet; is the cursor another session's?",
            param="after",
        )
