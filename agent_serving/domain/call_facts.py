"""The facts about tool calls: asked for, claimed, answered, refused, in doubt."""

from __future__ import annotations

from typing import Literal

from agent_serving.domain.cost import Cost
from agent_serving.domain.fact import Fact
from agent_serving.domain.values import Effect, ReplyItem, Timings, ToolCall, ToolResult


class ApprovalRequested(Fact):
    """A call that runs only if somebody agrees. The reply that makes it is whole."""

    type: Literal["approval_requested"] = "approval_requested"
    turn_id: str
    model_step_id: str
    call: ToolCall


class ApprovalResolved(Fact):
    """Somebody has looked at the call. One that is `approved` is claimed next, another refused."""

    type: Literal["approval_resolved"] = "approval_resolved"
    turn_id: str
    call_id: str
    approved: bool
    resumes: bool = False
    """Whether this was all that the turn waited for."""


class ToolStarted(Fact):
    """The claim on a call, durable before the call is dispatched. Where the reply still streams,
    the claim carries what was said so far, down to the call: `items` are the reply's items, and
    `output_tokens` ids join the transcript with this fact. So a call never outlives the words that
    asked for it."""

    type: Literal["tool_started"] = "tool_started"
    turn_id: str
    step_id: str
    span_id: str
    model_step_id: str
    call: ToolCall
    effect: Effect
    executor: Literal["server", "client"]
    items: tuple[ReplyItem, ...] = ()
    output_tokens: int = 0
    cost: Cost = Cost()
    """Of the call itself: from here on it may have been made."""


class ToolFinished(Fact):
    type: Literal["tool_finished"] = "tool_finished"
    turn_id: str
    step_id: str
    name: str
    result: ToolResult
    timings: Timings
    cost: Cost = Cost()
    """Of the KV that was held for the call."""
    resumes: bool = False
    """Whether this was all that the turn waited for."""


class ToolRejected(Fact):
    """A call that never ran: its arguments are invalid, its tool unknown, or a limit is used up."""

    type: Literal["tool_rejected"] = "tool_rejected"
    turn_id: str
    step_id: str
    model_step_id: str
    call: ToolCall
    result: ToolResult


class ToolDoubted(Fact):
    """A `once` call may have run before its process died; somebody has to say what happened."""

    type: Literal["tool_doubted"] = "tool_doubted"
    turn_id: str
    step_id: str


class ToolReleased(Fact):
    """The doubt is settled: the call is to be run again, by a claim of its own."""

    type: Literal["tool_released"] = "tool_released"
    turn_id: str
    step_id: str
    resumes: bool = False
