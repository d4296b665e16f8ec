"""The step ledger's rows."""

from __future__ import annotations

from datetime import datetime

from agent_serving.client.models.shape import Failure, Model
from agent_serving.client.models.usage import Cost, StepTimings, StepUsage


class Prefix(Model):
    """How much of what the engine had seen before it still had; `reason` says why not all."""

    expected_tokens: int
    cached_tokens: int
    lost_tokens: int
    reason: str | None = None


class Attempt(Model):
    """One request to the engine; `rid` is the engine's id of it."""

    number: int
    rid: str
    worker: str
    status: str
    usage: StepUsage
    timings: StepTimings
    cost: Cost | None = None
    error: Failure | None = None


class ToolUse(Model):
    """`executor` is server or client; `outcome` is None until there is a result."""

    name: str
    call_id: str
    effect: str
    executor: str
    arguments: str
    outcome: str | None = None


class Step(Model):
    """`kind` is model, tool, approval or compaction; `status` planned, running, completed, failed
    or in_doubt."""

    id: str
    turn_id: str
    index: int
    kind: str
    status: str
    attempts: list[Attempt]
    worker: str | None = None
    rid: str | None = None
    usage: StepUsage
    prefix: Prefix | None = None
    timings: StepTimings
    cost: Cost | None = None
    tool: ToolUse | None = None
    error: Failure | None = None
    trace_id: str
    span_id: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
