"""Responses: create, read, follow, cancel, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from agent_serving.api.agents import REFUSED
from agent_serving.api.context import Api, Context
from agent_serving.api.delivery import settled
from agent_serving.api.errors import BadHeader, Unsupported, documented
from agent_serving.api.idempotency import REPLAYED, Mark, tell
from agent_serving.api.openai import views
from agent_serving.api.openai.bodies import ResponseBody
from agent_serving.api.openai.ids import ResponseId
from agent_serving.api.openai.ignored import INCLUDED_STEPS, of_response, tell_ignored, warning
from agent_serving.api.openai.objects import part_of
from agent_serving.api.openai.output import Json, input_of
from agent_serving.api.openai.streaming import error_event, found, frame, frames, narrated, streamed
from agent_serving.api.openai.taking import Begun, take
from agent_serving.api.paging import NewestFirst, cut
from agent_serving.api.stream import EventStream
from agent_serving.domain.errors import (
    BudgetExhausted,
    ContextLengthExceeded,
    IdempotencyMismatch,
    NotFound,
    Overloaded,
    SessionBusy,
    ShuttingDown,
    TurnNotActive,
)
from agent_serving.domain.session import TERMINAL, Session

router = APIRouter(prefix="/v1/responses", tags=["openai"])

STARTING = (
    BadHeader, Unsupported, NotFound, *REFUSED, SessionBusy, TurnNotActive, IdempotencyMismatch,
    BudgetExhausted, ContextLengthExceeded, Overloaded, ShuttingDown,
)  # fmt: skip
STREAMED = streamed(
    {
        "event": "response.created",
        "data": '{"type":"response.created","sequence_number":2000,"response":{"id":"resp_…"}}',
    }
)
Id = Annotated[
    str,
    Path(
        max_length=256,
        description="Id of a response.",
        examples=["resp_01k0a3v5e2n7p4r8s6t1w9x3c5_01k0a3t9c4m8v2q6x5z7w1y3b9"],
    ),
]
Include = Annotated[
    list[str] | None,
    Query(alias="include[]", description="`agent_serving.steps` adds the step ledger."),
]


@router.post(
    "",
    response_model=views.Response,
    summary="Create a response",
    responses={200: STREAMED, **documented(*STARTING, body=True)},
)
async def create_response(
    body: ResponseBody, api: Context, request: Request, response: Response, mark: Mark
) -> Json | EventStream:
    """As OpenAI's. Answers when the response is over or waits for outputs of calls; with `stream`
    as it is made, with `background` at once, and with both at once and as it is made. A response
    that waits for calls is `completed`, and the one that answers them is the rest of its turn."""
    begun = await take(api, body, request, mark)
    ignored = of_response(body)
    steps = INCLUDED_STEPS in (body.include or ())
    if body.stream:
        headers = warning(ignored) | (REPLAYED if begun.replayed else {})
        headers |= {"x-turn-id": begun.id.turn_id, "x-session-id": begun.id.session_id}
        return EventStream(_told(api, begun, steps=steps), headers)
    tell_ignored(response, ignored)
    tell(response, replayed=begun.replayed)
    if not body.background:
        session, _ = await found(api, begun.id)
        turn = session.turn(begun.id.turn_id)
        assert turn is not None
        await settled(api, request, session.id, turn)
    session, shown = await found(api, begun.id, steps=steps)
    _name(response, session, begun.id)
    await pass_away(api, begun)
    return shown


@router.get(
    "/{response_id}",
    response_model=views.Response,
    summary="Read or follow a response",
    responses={200: STREAMED, **documented(NotFound)},
)
async def get_response(
    response_id: Id,
    api: Context,
    response: Response,
    stream: Annotated[bool, Query(description="Its events, from the first on.")] = False,
    starting_after: Annotated[
        int,
        Query(ge=-1, le=2**60, description="Only events behind this `sequence_number`."),
    ] = -1,
    include: Include = None,
) -> Json | EventStream:
    """As it stands now; with `stream` all of it again, and on to its end."""
    own = ResponseId.parse(response_id)
    steps = INCLUDED_STEPS in (include or ())
    session, shown = await found(api, own, steps=steps)
    if not stream:
        _name(response, session, own)
        return shown
    seat = await api.service.quotas.follower(api.tenant)
    events = narrated(api, own, after=starting_after, steps=steps)
    return EventStream(frames(events), seat=seat)


@router.post(
    "/{response_id}/cancel",
    response_model=views.Response,
    summary="Cancel a response",
    responses=documented(BadHeader, NotFound, TurnNotActive, IdempotencyMismatch),
)
async def cancel_response(
    response_id: Id, api: Context, request: Request, response: Response, mark: Mark
) -> Json:
    """Idempotent. Answers once the engine has let go of it. One that is over stays as it is: that
    is 409 `turn_not_active`."""
    own = ResponseId.parse(response_id)
    session, _ = await found(api, own)
    made = await api.service.sessions.cancel(api.tenant, session.id, own.turn_id, mark=mark)
    tell(response, replayed=made.replayed)
    await settled(api, request, session.id, made.value)
    session, shown = await found(api, own)
    _name(response, session, own)
    return shown


@router.delete(
    "/{response_id}",
    response_model=views.DeletedResponse,
    summary="Delete a response",
    responses=documented(NotFound, SessionBusy, TurnNotActive),
)
async def delete_response(response_id: Id, api: Context) -> views.DeletedResponse:
    """It is cancelled first if it runs. What it said stays part of what goes on from it, as long as
    that is there; the session goes with its last response, unless it is a conversation."""
    own = ResponseId.parse(response_id)
    session, _ = await found(api, own)
    sessions = api.service.sessions
    turn = session.turn(own.turn_id)
    assert turn is not None
    others = [each for each in session.own_turns if each.id != own.turn_id and not each.hidden]
    if not others and not turn.echo.get("conversation"):
        await sessions.delete(api.tenant, session.id)
        return views.DeletedResponse(id=response_id)
    if turn.status not in TERMINAL:
        await sessions.cancel(api.tenant, session.id, turn.id)
        await sessions.settled(api.tenant, session.id, turn.id)
    await sessions.change(api.tenant, session.id, hidden_turn=turn.id)
    return views.DeletedResponse(id=response_id)


@router.get(
    "/{response_id}/input_items",
    response_model=views.ItemList,
    summary="List what a response answers",
    responses=documented(NotFound),
)
async def list_input_items(response_id: Id, api: Context, query: NewestFirst) -> views.ItemList:
    own = ResponseId.parse(response_id)
    session, _ = await found(api, own)
    part = part_of(session, own)
    assert part is not None
    items = input_of(part, session.history, session.agent)
    rows, more = cut(items, lambda item: str(item["id"]), query)
    return item_list(rows, more)


def item_list(rows: list[Json], more: bool) -> views.ItemList:
    return views.ItemList(
        data=rows,
        first_id=rows[0]["id"] if rows else None,
        last_id=rows[-1]["id"] if rows else None,
        has_more=more,
    )


async def _told(api: Api, begun: Begun, *, steps: bool) -> AsyncGenerator[bytes, None]:
    """What is not to be stored goes with the stream, also where the caller leaves early."""
    try:
        async for event in narrated(api, begun.id, first=begun.sequence, steps=steps):
            yield frame(event)
    except NotFound as error:
        yield frame(error_event(error) | {"sequence_number": 0})
    finally:
        await pass_away(api, begun)


async def pass_away(api: Api, begun: Begun) -> None:
    """To the end, also where the caller has left and the request is cancelled."""
    if begun.passing:
        going = api.service.sessions.delete(api.tenant, begun.id.session_id)
        await asyncio.shield(asyncio.ensure_future(going))


def _name(response: Response, session: Session, own: ResponseId) -> None:
    turn = session.turn(own.turn_id)
    response.headers["x-session-id"] = session.id
    response.headers["x-turn-id"] = own.turn_id
    if turn is not None:
        response.headers["x-trace-id"] = turn.trace_id
