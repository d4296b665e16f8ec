"""A session's events, a class for each kind that is worth telling apart.

    match event:
        case TextDelta():
            print(event.delta, end="")
        case TurnWaiting():
            ...

What an event says beside its envelope is in `data`, and in fields of its own where it has a class.
An event of a type that this client does not know is a plain `Event`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent_serving.client.models.agent import Budget
from agent_serving.client.models.item import Item
from agent_serving.client.models.shape import Failure, Model
from agent_serving.client.models.usage import StepTimings, StepUsage


class Event(Model):
    """`sequence` is the cursor: it grows by the session's events, and its gaps mean nothing."""

    type: str
    sequence: int
    session_id: str
    turn_id: str | None = None
    step_id: str | None = None
    created_at: datetime
    trace_id: str | None = None
    data: dict[str, Any] = {}


class SessionStatusChanged(Event):
    """session.in_progress, .idle, .requires_action, .budget_reached, .closed, .failed"""


class TurnStatusChanged(Event):
    """turn.queued, .in_progress"""


class TurnUpdated(Event):
    budget: Budget | None = None


class TurnWaiting(Event):
    """For answers to calls, or, with `scope` and `budget`, for a budget to be raised."""

    call_ids: list[str] = []
    scope: str | None = None
    budget: str | None = None


class TurnEnded(Event):
    """turn.completed, .incomplete, .failed, .cancelled: the turn's last event."""

    status: str
    reason: str | None = None
    error: Failure | None = None


class StepStarted(Event):
    """`kind` is model, tool, approval or compaction; of a tool there is the call."""

    kind: str
    prompt_tokens: int | None = None
    expected_tokens: int | None = None
    call_id: str | None = None
    name: str | None = None


class StepRestarted(Event):
    attempt: int
    error: Failure | None = None


class StepCompleted(Event):
    kind: str
    timings: StepTimings
    usage: StepUsage | None = None
    finish: str | None = None
    call_id: str | None = None
    name: str | None = None
    outcome: str | None = None


class StepFailed(Event):
    error: Failure
    kind: str | None = None
    call_id: str | None = None


class ItemBegun(Model):
    id: str
    type: str
    name: str | None = None
    call_id: str | None = None


class ItemAdded(Event):
    item: ItemBegun


class ItemDone(Event):
    item: Item


class TextDelta(Event):
    """output_text.delta: a piece of the answer."""

    item_id: str
    delta: str


class TextDone(Event):
    item_id: str
    text: str


class ReasoningDelta(Event):
    item_id: str
    delta: str


class ReasoningDone(Event):
    item_id: str
    text: str


class ArgumentsDelta(Event):
    item_id: str
    call_id: str
    delta: str


class ArgumentsDone(Event):
    item_id: str
    call_id: str
    arguments: str


class ToolCallStarted(Event):
    """`executor` is server or client."""

    call_id: str
    name: str
    executor: str


class ToolCallCompleted(Event):
    call_id: str
    name: str
    outcome: str


class ToolCallInDoubt(Event):
    """Nobody knows whether the call had its effect."""


class UsageUpdated(Event):
    usage: StepUsage


class ErrorTold(Event):
    code: str
    message: str


_CLASSES: Mapping[str, type[Event]] = {
    "session.in_progress": SessionStatusChanged,
    "session.idle": SessionStatusChanged,
    "session.requires_action": SessionStatusChanged,
    "session.budget_reached": SessionStatusChanged,
    "session.failed": SessionStatusChanged,
    "session.closed": SessionStatusChanged,
    "turn.queued": TurnStatusChanged,
    "turn.in_progress": TurnStatusChanged,
    "turn.updated": TurnUpdated,
    "turn.waiting": TurnWaiting,
    "turn.completed": TurnEnded,
    "turn.incomplete": TurnEnded,
    "turn.failed": TurnEnded,
    "turn.cancelled": TurnEnded,
    "step.started": StepStarted,
    "step.restarted": StepRestarted,
    "step.completed": StepCompleted,
    "step.failed": StepFailed,
    "item.added": ItemAdded,
    "item.done": ItemDone,
    "output_text.delta": TextDelta,
    "output_text.done": TextDone,
    "reasoning_text.delta": ReasoningDelta,
    "reasoning_text.done": ReasoningDone,
    "tool_call.arguments.delta": ArgumentsDelta,
    "tool_call.arguments.done": ArgumentsDone,
    "tool_call.started": ToolCallStarted,
    "tool_call.completed": ToolCallCompleted,
    "tool_call.in_doubt": ToolCallInDoubt,
    "usage.updated": UsageUpdated,
    "error": ErrorTold,
}


def read_event(told: Mapping[str, Any]) -> Event:
    """An event from its JSON. Raises pydantic's ValidationError."""
    kind = _CLASSES.get(told.get("type", ""), Event)
    return kind.model_validate({**told.get("data", {}), **told})
