"""Turns: start, list, read, cancel."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from agent_serving.api import views
from agent_serving.api.context import Context, SessionId, TurnId
from agent_serving.api.delivery import Include, outcome, turn_request, turn_view
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.messages import texts
from agent_serving.api.paging import OldestFirst, cut
from agent_serving.api.preference import Patience
from agent_serving.api.sessions import STREAMED
from agent_serving.api.stream import EventStream, turn_stream
from agent_serving.api.turn_bodies import TurnBody, TurnPatch
from agent_serving.domain.errors import (
    BudgetExhausted,
    ContextLengthExceeded,
    EngineUnavailable,
    IdempotencyMismatch,
    NotFound,
    Overloaded,
    SchemaRejected,
    SessionBusy,
    ShuttingDown,
    TurnNotActive,
    UnknownTool,
)

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["turns"])


@router.post(
    "/turns",
    status_code=201,
    response_model=views.Turn,
    summary="Start a turn",
    responses={
        200: STREAMED,
        202: {
            "model": views.Turn,
            "description": "The turn runs (`mode=background`, or the time of `Prefer: wait=N` is "
            "over).",
        },
        **documented(
            BadHeader,
            NotFound,
            SessionBusy,
            TurnNotActive,
            IdempotencyMismatch,
            BudgetExhausted,
            ContextLengthExceeded,
            SchemaRejected,
            UnknownTool,
            Overloaded,
            EngineUnavailable,
            ShuttingDown,
            body=True,
        ),
    },
)
async def start_turn(
    session_id: SessionId,
    body: TurnBody,
    api: Context,
    request: Request,
    response: Response,
    mark: Mark,
    patience: Patience,
    include: Include,
) -> views.Turn | EventStream:
    """The turn is durable before anything is answered, and it runs to its end whether or not the
    caller stays. The header `x-turn-id` names it in every mode. With `mode=wait` a replica that is
    about to end answers 202 and the turn as it is; another one goes on with it. Wait for it there:
    `GET …/turns/{turn_id}` with `Prefer: wait=N`."""
    session = await api.service.sessions.get(api.tenant, session_id)
    taken = api.service.sessions.replay(session, mark)
    if taken is None:
        asked = await turn_request(api, session, body, texts(body.input), request)
        taken = await api.service.sessions.start_turn(
            api.tenant,
            session_id,
            asked.but(mark=mark),
            on_conflict=body.on_conflict,
            at_hand=True,
        )
    turn = taken.turn
    tell(response, replayed=taken.replayed)
    if body.mode == "stream":
        return await turn_stream(api, session, taken, mark)
    if body.mode == "background":
        response.status_code = 202
    else:
        turn = await outcome(api, request, response, session_id, turn, patience)
    return turn_view(api, session_id, turn, response, include)


@router.get(
    "/turns",
    response_model=views.TurnPage,
    summary="List a session's turns",
    responses=documented(NotFound),
)
async def list_turns(session_id: SessionId, api: Context, query: OldestFirst) -> views.TurnPage:
    session = await api.service.sessions.get(api.tenant, session_id)
    rows, more = cut(session.turns, lambda turn: turn.id, query)
    jaeger = api.settings.jaeger_url
    return views.TurnPage(
        data=[views.Turn.of(session_id, turn, jaeger_url=jaeger) for turn in rows],
        first_id=rows[0].id if rows else None,
        last_id=rows[-1].id if rows else None,
        has_more=more,
    )


@router.get(
    "/turns/{turn_id}",
    response_model=views.Turn,
    summary="Read a turn",
    responses=documented(NotFound),
)
async def get_turn(
    session_id: SessionId,
    turn_id: TurnId,
    api: Context,
    request: Request,
    response: Response,
    patience: Patience,
    include: Include,
) -> views.Turn:
    """As it is now; with `Prefer: wait=N`, once it is over or waits for the caller, and after N
    seconds in any case."""
    turn = await api.service.sessions.turn(api.tenant, session_id, turn_id)
    if patience is not None:
        turn = await outcome(api, request, response, session_id, turn, patience, late=200)
    return turn_view(api, session_id, turn, response, include)


@router.patch(
    "/turns/{turn_id}",
    response_model=views.Turn,
    summary="Change a turn's budget",
    responses=documented(NotFound, TurnNotActive, body=True),
)
async def change_turn(
    session_id: SessionId, turn_id: TurnId, body: TurnPatch, api: Context, response: Response
) -> views.Turn:
    """A turn that waits for its budget goes on from where it was."""
    turn = await api.service.budgets.change_turn(api.tenant, session_id, turn_id, body.budget)
    return turn_view(api, session_id, turn, response)


@router.post(
    "/turns/{turn_id}/cancel",
    status_code=202,
    response_model=views.Turn,
    summary="Cancel a turn",
    responses=documented(BadHeader, NotFound, TurnNotActive, IdempotencyMismatch),
)
async def cancel_turn(
    session_id: SessionId, turn_id: TurnId, api: Context, response: Response, mark: Mark
) -> views.Turn:
    """Idempotent. The engine's request is aborted; the turn is `cancelled` once the engine has
    let go of it. What the model had said until then is kept."""
    made = await api.service.sessions.cancel(api.tenant, session_id, turn_id, mark=mark)
    tell(response, replayed=made.replayed)
    return turn_view(api, session_id, made.value, response)
