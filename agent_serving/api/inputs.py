"""Answers to the agent."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agent_serving.api import views
from agent_serving.api.context import Context, SessionId, TurnId
from agent_serving.api.delivery import turn_view
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.messages import AnswerBody, SteerBody
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
    responses=documented(BadHeader, NotFound, TurnNotActive, IdempotencyMismatch, body=True),
)
async def give_inputs(
    session_id: SessionId,
    turn_id: TurnId,
    body: InputsBody,
    api: Context,
    response: Response,
    mark: Mark,
) -> views.Turn:
    """Results of client-side calls, approvals, the truth about calls in doubt, and messages for a
    turn under way. The answers are durable when this returns; the turn goes on by itself once all
    that it waits for is there. Follow it by its events."""
    _check_once(body.inputs)
    made = await api.service.inputs.answer(api.tenant, session_id, turn_id, body.inputs, mark=mark)
    tell(response, replayed=made.replayed)
    return turn_view(api, session_id, made.value, response)


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
