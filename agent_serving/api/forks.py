"""Forks."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agent_serving.api import views
from agent_serving.api.bodies import ForkBody
from agent_serving.api.context import Context, SessionId
from agent_serving.api.errors import documented
from agent_serving.domain.errors import NotFound

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["sessions"])


@router.post(
    "/fork",
    status_code=201,
    response_model=views.Session,
    summary="Fork a session",
    responses=documented(NotFound, body=True),
)
async def fork_session(
    session_id: SessionId, api: Context, response: Response, body: ForkBody | None = None
) -> views.Session:
    """A new session that begins with the turns of another, up to `at_turn`, and with exactly their
    tokens: the engine's cache serves both. The fork did not pay for what it inherits."""
    body = body or ForkBody()
    fork = await api.service.forks.fork(
        api.tenant, session_id, at_turn=body.at_turn, metadata=body.metadata
    )
    response.headers["location"] = f"/v1/sessions/{fork.id}"
    return views.Session.of(fork)
