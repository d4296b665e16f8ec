"""Answers to the agent."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from agent_serving.api import views
from agent_serving.api.context import Context, SessionId, TurnId
from agent_serving.api.delivery import Include, outcome, turn_view
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.messages import AnswerBody, SteerBody
from agent_serving.api.preference import Patience
from agent_serving.api.stream import EVENTS, EventStream, turn_stream
from agent_serving.api.turn_bodies import InputsBody
from agent_serving.domain.errors import (
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    TurnNotActive,
)

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["turns"])


@router.post(
    "/turns/{turn_id}/inputs",
    response_model=views.Turn,
    summary="Answer what a turn waits for, or steer it",
    responses={
        200: {
            "description": "The turn; with `mode=stream` its server-sent events from here on, up "
            "to its end or to where it waits again.",
            "content": EVENTS,
        },
        202: {
            "model": views.Turn,
            "description": "With `mode=wait`: the time of `Prefer: wait=N` is over, the turn runs.",
        },
        **documented(BadHeader, NotFound, TurnNotActive, IdempotencyMismatch, body=True),
    },
)
async def give_inputs(
    session_id: SessionId,
    turn_id: TurnId,
    body: InputsBody,
    api: Context,
    request: Request,
    response: Response,
    mark: Mark,
    patience: Patience,
    include: Include,
) -> views.Turn | EventStream:
    """Results of client-side calls, approvals, the truth about calls in doubt, and messages for a
    turn under way. The answers are durable when this returns; the turn goes on by itself once all
    that it waits for is there. `mode` says how to be told of that, as where a turn is started."""
    _check_once(body.inputs)
    inputs, sessions = api.service.inputs, api.service.sessions
    taken = await inputs.answer(api.tenant, session_id, turn_id, body.inputs, mark=mark)
    turn = taken.turn
    tell(response, replayed=taken.replayed)
    if body.mode == "stream":
        session = await sessions.get(api.tenant, session_id)
        return await turn_stream(api, session, taken, mark)
    if body.mode == "wait":
        turn = await outcome(api, request, response, session_id, turn, patience)
    return turn_view(api, session_id, turn, response, include)


def _check_once(inputs: list[AnswerBody]) -> None:
    seen: set[str] = set()
    for position, given in enumerate(inputs):
        if isinstance(given, SteerBody):
            continue
        if given.call_id in seen:
            raise InvalidRequest(
                f"Call {given.call_id!r} is answered twice.", param=f"inputs[{position}].call_id"
            )
        seen.add(given.call_id)
