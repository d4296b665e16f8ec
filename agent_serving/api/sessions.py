"""Sessions: open, list, read, change, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from agent_serving.api import views
from agent_serving.api.agents import REFUSED, chosen
from agent_serving.api.bodies import SessionBody, SessionPatch
from agent_serving.api.context import Api, Context, SessionId
from agent_serving.api.delivery import Include, outcome, turn_view
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.listing import SessionFilter, list_page
from agent_serving.api.messages import texts
from agent_serving.api.paging import NewestFirst
from agent_serving.api.preference import Patience
from agent_serving.api.stream import EVENTS, EventStream, turn_stream
from agent_serving.domain.errors import (
    BudgetExhausted,
    ContextLengthExceeded,
    IdempotencyMismatch,
    NotFound,
    Overloaded,
    SessionBusy,
    ShuttingDown,
)
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Session, SessionStatus
from agent_serving.runtime.idempotency import Made
from agent_serving.runtime.turn_request import Taken, TurnRequest

router = APIRouter(prefix="/v1", tags=["sessions"])

STREAMED: dict[str, Any] = {
    "description": "With `mode=stream`: the turn's server-sent events, up to its end or to where "
    "it waits for the caller.",
    "content": EVENTS,
}


@router.post(
    "/sessions",
    status_code=201,
    response_model=views.OpenedSession,
    summary="Open a session",
    responses={
        200: STREAMED,
        202: {
            "model": views.OpenedSession,
            "description": "With an `input`: the turn runs (`mode=background`, or the time of "
            "`Prefer: wait=N` is over).",
        },
        **documented(
            BadHeader,
            NotFound,
            *REFUSED,
            BudgetExhausted,
            ContextLengthExceeded,
            IdempotencyMismatch,
            Overloaded,
            ShuttingDown,
            body=True,
        ),
    },
)
async def open_session(
    body: SessionBody,
    api: Context,
    request: Request,
    response: Response,
    mark: Mark,
    patience: Patience,
    include: Include,
) -> views.OpenedSession | EventStream:
    """With an `input` the first turn starts at once and is answered by `mode`, as by
    `POST /v1/sessions/{session_id}/turns`. If it cannot start, no session is opened."""
    made = await _opened(api, body, mark)
    session = made.value
    tell(response, replayed=made.replayed)
    response.headers["location"] = f"/v1/sessions/{session.id}"
    if body.input is None:
        return views.OpenedSession.opened(session, None)
    asked = TurnRequest(
        input=texts(body.input),
        traceparent=request.headers.get("traceparent"),
        tracestate=request.headers.get("tracestate"),
        # Opening the session was the first part of the request.
        mark=None if mark is None else mark.but(part=2),
    )
    taken = await _first_turn(api, session, asked)
    turn = taken.turn
    if body.mode == "stream":
        return await turn_stream(api, session, taken, mark)
    if body.mode == "background":
        response.status_code = 202
    else:
        turn = await outcome(api, request, response, session.id, turn, patience)
    told = turn_view(api, session.id, turn, response, include)
    session = await api.service.sessions.get(api.tenant, session.id, at_hand=True)
    return views.OpenedSession.opened(session, told)


@router.get(
    "/sessions",
    response_model=views.SessionPage,
    summary="List sessions",
    responses=documented(),
)
async def list_sessions(
    api: Context,
    request: Request,
    query: NewestFirst,
    status: Annotated[
        SessionStatus | None, Query(description="Only sessions of this status.")
    ] = None,
) -> views.SessionPage:
    """`metadata.KEY=VALUE` as a query parameter, once or more, lists only sessions with these
    pairs."""
    wanted = SessionFilter.of(status, request.query_params)
    return await list_page(api, query, wanted)


@router.get(
    "/sessions/{session_id}",
    response_model=views.Session,
    summary="Read a session",
    responses=documented(NotFound),
)
async def get_session(session_id: SessionId, api: Context) -> views.Session:
    return views.Session.of(await api.service.sessions.get(api.tenant, session_id))


@router.patch(
    "/sessions/{session_id}",
    response_model=views.Session,
    summary="Change a session's metadata, limits or budget",
    responses=documented(NotFound, body=True),
)
async def change_session(session_id: SessionId, body: SessionPatch, api: Context) -> views.Session:
    session = await api.service.sessions.get(api.tenant, session_id)
    if body != SessionPatch():
        base = session.limits or session.agent.limits
        session = await api.service.sessions.change(
            api.tenant,
            session_id,
            metadata=body.metadata,
            limits=body.limits.over(base) if body.limits is not None else None,
            budget=body.budget,
        )
    return views.Session.of(session)


@router.delete(
    "/sessions/{session_id}",
    response_model=views.Deleted,
    summary="Delete a session",
    responses=documented(NotFound, SessionBusy),
)
async def delete_session(session_id: SessionId, api: Context) -> views.Deleted:
    """A turn under way is cancelled first. The engine is told that the session's KV may go."""
    await api.service.sessions.delete(api.tenant, session_id)
    return views.Deleted(id=session_id, object="session.deleted")


async def _opened(api: Api, body: SessionBody, mark: RequestMark | None) -> Made[Session]:
    sessions = api.service.sessions
    known = await sessions.maker.known(api.tenant, mark)
    if known is not None:
        return Made(known, replayed=True)
    return await sessions.open(
        api.tenant,
        await chosen(api, body.agent),
        metadata=body.metadata,
        budget=body.budget,
        ttl_seconds=body.ttl_seconds,
        mark=mark,
    )


async def _first_turn(api: Api, session: Session, asked: TurnRequest) -> Taken:
    try:
        return await api.service.sessions.start_turn(api.tenant, session.id, asked, at_hand=True)
    except Exception:
        # Nobody knows the session's id: it would stay for ever. The request may come again.
        await api.service.sessions.maker.forget(asked.mark)
        await api.service.sessions.delete(api.tenant, session.id)
        raise
