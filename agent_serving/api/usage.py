"""What a session used."""

from __future__ import annotations

from fastapi import APIRouter

from agent_serving.api.context import Context, SessionId
from agent_serving.api.errors import documented
from agent_serving.api.ledger import SessionUsage
from agent_serving.api.views import Usage, phases
from agent_serving.domain.errors import NotFound

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["sessions"])


@router.get(
    "/usage",
    response_model=SessionUsage,
    summary="Add up what a session used",
    responses=documented(NotFound),
)
async def get_usage(session_id: SessionId, api: Context) -> SessionUsage:
    """Tokens and time by phase, over all steps of the session's own turns."""
    session = await api.service.sessions.get(api.tenant, session_id)
    steps = [step for turn in session.own_turns for step in turn.steps]
    return SessionUsage(
        session_id=session_id,
        turns=len(session.own_turns),
        usage=Usage.of(session.usage),
        timings=phases(step.timings for step in steps),
    )
