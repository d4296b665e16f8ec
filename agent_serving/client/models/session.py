"""Sessions, as the service tells them."""

from __future__ import annotations

from datetime import datetime

from agent_serving.client.models.agent import AgentSummary, Budget, Limits
from agent_serving.client.models.shape import Model
from agent_serving.client.models.usage import Cost, Usage


class ForkOrigin(Model):
    session_id: str
    turn_id: str | None = None


class SessionData(Model):
    """`status` is idle, in_progress, requires_action, budget_reached, failed or closed.
    `limits`, `budget` and `forked_from` are None in lists."""

    id: str
    agent: AgentSummary
    status: str
    turn_count: int
    active_turn: str | None
    usage: Usage
    cost: Cost | None = None
    limits: Limits | None = None
    budget: Budget | None = None
    forked_from: ForkOrigin | None = None
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
