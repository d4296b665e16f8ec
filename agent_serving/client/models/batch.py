"""Batches, as the service tells them."""

from __future__ import annotations

from datetime import datetime

from agent_serving.client.models.shape import Failure, Model
from agent_serving.client.models.turn import TurnData
from agent_serving.client.models.usage import Cost, Usage


class RequestCounts(Model):
    """The other counts add up to `total`."""

    total: int
    queued: int
    in_progress: int
    waiting: int
    completed: int
    incomplete: int
    failed: int
    cancelled: int


class BatchData(Model):
    """`status` is in_progress, completed, cancelling or cancelled. `usage` and `cost` are those of
    the turns that are over."""

    id: str
    status: str
    request_counts: RequestCounts
    usage: Usage
    cost: Cost | None = None
    metadata: dict[str, str]
    created_at: datetime
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None


class BatchResult(Model):
    """`status` is that of a turn. `turn` is None before it begins, and where it was deleted since;
    `error` says why it failed, or why there is none."""

    custom_id: str
    status: str
    session_id: str | None = None
    turn: TurnData | None = None
    error: Failure | None = None
