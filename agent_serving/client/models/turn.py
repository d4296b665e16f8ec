"""Turns, as the service tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from agent_serving.client.models.agent import Budget
from agent_serving.client.models.item import Item, MessageItem
from agent_serving.client.models.shape import Failure, Model
from agent_serving.client.models.step import Step
from agent_serving.client.models.usage import Cost, Timings, Usage


class RequiredInput(Model):
    """What a turn waits for: `type` is tool_result, in_doubt or approval. `arguments` is JSON
    text, as the model wrote it."""

    type: str
    call_id: str
    name: str
    arguments: str


class Pause(Model):
    """Which budget a turn waits for: the `scope`'s (turn, session or tenant)."""

    scope: str
    budget: str


class Incomplete(Model):
    reason: str


class TurnData(Model):
    """`status` is queued, in_progress, waiting, completed, incomplete, failed or cancelled."""

    id: str
    session_id: str
    index: int
    status: str
    input: list[MessageItem]
    output_text: str
    output_parsed: Any = None
    items: list[Item]
    required_inputs: list[RequiredInput]
    budget: Budget | None = None
    paused: Pause | None = None
    usage: Usage
    timings: Timings
    cost: Cost | None = None
    steps: list[Step] | None = None
    trace_id: str
    trace_url: str | None = None
    error: Failure | None = None
    incomplete_details: Incomplete | None = None
    metadata: dict[str, str]
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it runs, or will."""
        return self.status in ("queued", "in_progress")
