"""The step ledger."""

from __future__ import annotations

from fastapi import APIRouter

from agent_serving.api import ledger
from agent_serving.api.context import Context, SessionId, StepId, TurnId
from agent_serving.api.errors import documented
from agent_serving.api.paging import OldestFirst, cut
from agent_serving.domain.errors import NotFound

router = APIRouter(prefix="/v1/sessions/{session_id}/turns/{turn_id}", tags=["turns"])


@router.get(
    "/steps",
    response_model=ledger.StepPage,
    summary="List a turn's steps",
    responses=documented(NotFound),
)
async def list_steps(
    session_id: SessionId, turn_id: TurnId, api: Context, query: OldestFirst
) -> ledger.StepPage:
    """One row for each model step and each tool call, in the order in which they began: tokens,
    where the time went, how much of the prefix was still cached."""
    turn = await api.service.sessions.turn(api.tenant, session_id, turn_id)
    rows, more = cut(turn.steps, lambda step: step.id, query)
    return ledger.StepPage(
        data=[ledger.Step.of(turn, step) for step in rows],
        first_id=rows[0].id if rows else None,
        last_id=rows[-1].id if rows else None,
        has_more=more,
    )


@router.get(
    "/steps/{step_id}",
    response_model=ledger.Step,
    summary="Read a step",
    responses=documented(NotFound),
)
async def get_step(
    session_id: SessionId, turn_id: TurnId, step_id: StepId, api: Context
) -> ledger.Step:
    turn = await api.service.sessions.turn(api.tenant, session_id, turn_id)
    step = next((step for step in turn.steps if step.id == step_id), None)
    if step is None:
        raise NotFound(f"Turn {turn_id} has no step {step_id!r}.", param="step_id")
    return ledger.Step.of(turn, step)
