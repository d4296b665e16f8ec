"""Forks."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agent_serving.api import views
from agent_serving.api.agents import REFUSED, chosen
from agent_serving.api.bodies import ForkBody
from agent_serving.api.context import Api, Context, SessionId
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.domain.errors import IdempotencyMismatch, NotFound
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Session
from agent_serving.runtime.idempotency import Made

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["sessions"])


@router.post(
    "/fork",
    status_code=201,
    response_model=views.Session,
    summary="Fork a session",
    responses=documented(BadHeader, NotFound, IdempotencyMismatch, *REFUSED, body=True),
)
async def fork_session(
    session_id: SessionId,
    api: Context,
    response: Response,
    mark: Mark,
    body: ForkBody | None = None,
) -> views.Session:
    """A new session that begins with the turns of another, up to `at_turn`, and with exactly their
    tokens: the engine's cache serves both. The fork did not pay for what it inherits.

    With an `agent`, the fork goes on with other instructions or tools: the opening is rendered
    anew, all later tokens stay as they are, and the fork's first step computes them again (its
    prefix has the reason `tools_changed`). The agent must be for the session's model."""
    made = await _forked(api, session_id, body or ForkBody(), mark)
    tell(response, replayed=made.replayed)
    response.headers["location"] = f"/v1/sessions/{made.value.id}"
    return views.Session.of(made.value)


async def _forked(
    api: Api, session_id: str, body: ForkBody, mark: RequestMark | None
) -> Made[Session]:
    known = await api.service.sessions.maker.known(api.tenant, mark)
    if known is not None:
        return Made(known, replayed=True)
    return await api.service.forks.fork(
        api.tenant,
        session_id,
        at_turn=body.at_turn,
        metadata=body.metadata,
        agent=None if body.agent is None else await chosen(api, body.agent),
        mark=mark,
    )
