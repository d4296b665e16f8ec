"""The facts: all that can ever happen to a session. A session is the fold of its facts.

Each fact is committed alone, with the tokens that it adds to the transcript, in one atomic append.
What a fact adds as tokens is counted in the fact (`rendered_tokens`, `output_tokens`) and stored
in the session's token blob.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from agent_serving.domain.attempt import Attempt as Attempt
from agent_serving.domain.call_facts import ApprovalRequested as ApprovalRequested
from agent_serving.domain.call_facts import ApprovalResolved as ApprovalResolved
from agent_serving.domain.call_facts import ToolDoubted as ToolDoubted
from agent_serving.domain.call_facts import ToolFinished as ToolFinished
from agent_serving.domain.call_facts import ToolRejected as ToolRejected
from agent_serving.domain.call_facts import ToolReleased as ToolReleased
from agent_serving.domain.call_facts import ToolStarted as ToolStarted
from agent_serving.domain.fact import Fact as Fact
from agent_serving.domain.values import (
    Agent,
    Budget,
    Failure,
    Item,
    Limits,
    Message,
    MessageItem,
    Output,
    Pause,
    ReplyItem,
    Timings,
    ToolChoice,
    Value,
)


class ForkOrigin(Value):
    session_id: str
    turn_id: str | None
    """The last turn that the fork has in common with its origin."""


class SessionOpened(Fact):
    type: Literal["session_opened"] = "session_opened"
    session_id: str
    tenant: str
    agent: Agent
    metadata: dict[str, str] = {}
    budget: Budget = Budget()
    expires_at: datetime | None = None
    history: tuple[Item, ...] = ()
    """See `SessionChanged`."""


class SessionForked(Fact):
    """The first fact of a fork: it inherits finished turns and their tokens. Inherited turns are
    history, not usage: the fork did not pay for them."""

    type: Literal["session_forked"] = "session_forked"
    session_id: str
    tenant: str
    agent: Agent
    metadata: dict[str, str] = {}
    expires_at: datetime | None = None
    origin: ForkOrigin
    inherited: tuple[dict[str, Any], ...]
    """The inherited turns, each a `session.Turn` as JSON."""
    pending: tuple[Message, ...]
    token_count: int
    reply_open: bool
    limits: Limits | None = None
    opening_turn: int = 0
    """See `session.Session`."""
    budget: Budget = Budget()
    history: tuple[Item, ...] = ()


class SessionChanged(Fact):
    type: Literal["session_changed"] = "session_changed"
    metadata: dict[str, str] | None = None
    limits: Limits | None = None
    budget: Budget | None = None
    agent: Agent | None = None
    """For turns to come: with the same opening, unless nothing is rendered yet."""
    history: tuple[Item, ...] = ()
    """What was said elsewhere. In front of the first turn the opening renders it; between turns
    it is messages only, and the next turn begins with them."""
    hidden_turn: str | None = None
    """Stays in the transcript, and is shown no more as a thing of its own."""


class SessionClosed(Fact):
    type: Literal["session_closed"] = "session_closed"


class TurnAccepted(Fact):
    """A turn got its id. It begins at once when no other turn is open, else it is queued."""

    type: Literal["turn_accepted"] = "turn_accepted"
    turn_id: str
    input: tuple[MessageItem, ...]
    """Empty only where `history` is to be answered."""
    history: tuple[Item, ...] = ()
    """See `SessionChanged`."""
    queued: bool = False
    tool_choice: ToolChoice = "auto"
    output: Output | None = None
    limits: Limits | None = None
    budget: Budget = Budget()
    metadata: dict[str, str] = {}
    ends_at_calls: bool = False
    echo: dict[str, Any] = {}
    """See `session.Turn`."""
    trace_id: str
    """32 hex digits (W3C trace context)."""
    parent_span_id: str | None = None
    sampled: bool = True
    """Whether the trace is recorded; the engine and the tools are told."""
    tracestate: str | None = None
    """The caller's, passed on as it came."""


class TurnBegan(Fact):
    """A queued turn's time has come."""

    type: Literal["turn_began"] = "turn_began"
    turn_id: str


class TurnSteered(Fact):
    """A message for a turn that is under way; the model sees it at the next step boundary."""

    type: Literal["turn_steered"] = "turn_steered"
    turn_id: str
    input: tuple[MessageItem, ...]


class CancelRequested(Fact):
    """`interrupt` makes room for another turn; what the model had said so far is kept in both."""

    type: Literal["cancel_requested"] = "cancel_requested"
    turn_id: str
    reason: Literal["cancel", "interrupt"] = "cancel"


class StepPlanned(Fact):
    """A model step: `rendered_tokens` were appended, so the transcript now is the whole prompt,
    `prompt_tokens` long. `expected_tokens` of it were seen by the engine before."""

    type: Literal["step_planned"] = "step_planned"
    turn_id: str
    step_id: str
    span_id: str
    rendered_tokens: int
    prompt_tokens: int
    expected_tokens: int
    max_new_tokens: int
    tools_offered: bool


class StepRestarted(Fact):
    """An attempt was lost; text streamed since the step began is void: it begins with event
    `void_from` of the feed. None where none is known to have been streamed."""

    type: Literal["step_restarted"] = "step_restarted"
    turn_id: str
    step_id: str
    attempt: Attempt
    void_from: int | None = None


class StepResumed(Fact):
    """An attempt was lost; the next one goes on behind the first `kept_tokens` of the reply, and
    text that was streamed stays. A few of those tokens may be computed again, where the last of
    them spell a part of a character."""

    type: Literal["step_resumed"] = "step_resumed"
    turn_id: str
    step_id: str
    attempt: Attempt
    kept_tokens: int


class ModelReplied(Fact):
    """`output_tokens` were appended exactly as the engine returned them (those that came with the
    claims of its calls not counted again). `reply_open` says that the end-of-turn token is not
    among them. `attempt.usage` counts this step alone."""

    type: Literal["model_replied"] = "model_replied"
    turn_id: str
    step_id: str
    items: tuple[ReplyItem, ...]
    finish: Literal["stop", "length", "cancelled", "interrupted"]
    output_tokens: int
    reply_open: bool
    attempt: Attempt
    timings: Timings


class StepFailed(Fact):
    """The model step was given up: no attempt is left, or none can succeed."""

    type: Literal["step_failed"] = "step_failed"
    turn_id: str
    step_id: str | None = None
    attempt: Attempt | None = None
    error: Failure


class AnswerRejected(Fact):
    """A final answer that the engine's grammar let through but the agent's schema does not."""

    type: Literal["answer_rejected"] = "answer_rejected"
    turn_id: str
    step_id: str
    item: MessageItem
    """What the model is told, as the user message that carries it."""


class TurnWaited(Fact):
    """Nothing is left to do here until the caller answers these calls."""

    type: Literal["turn_waited"] = "turn_waited"
    turn_id: str
    call_ids: tuple[str, ...]


class TurnBudgeted(Fact):
    """The turn's own budget, changed while it is open."""

    type: Literal["turn_budgeted"] = "turn_budgeted"
    turn_id: str
    budget: Budget


class BudgetReached(Fact):
    """The turn pauses in front of its next model step; nothing of it is lost."""

    type: Literal["budget_reached"] = "budget_reached"
    turn_id: str
    pause: Pause


class TurnResumed(Fact):
    """The budget that the turn waited for has room again."""

    type: Literal["turn_resumed"] = "turn_resumed"
    turn_id: str


class TurnEnded(Fact):
    type: Literal["turn_ended"] = "turn_ended"
    turn_id: str
    status: Literal["completed", "incomplete", "failed", "cancelled"]
    reason: str | None = None
    """For `incomplete`: the limit that was reached; `requires_action` or `budget_reached` where a
    turn that ends at its calls would have had to wait."""
    error: Failure | None = None
    idle: bool
    """Whether the session has nothing left to do: no other turn is open or queued."""


AnyFact = Annotated[
    SessionOpened
    | SessionForked
    | SessionChanged
    | SessionClosed
    | TurnAccepted
    | TurnBegan
    | TurnSteered
    | CancelRequested
    | StepPlanned
    | StepRestarted
    | StepResumed
    | ModelReplied
    | StepFailed
    | ToolStarted
    | ToolFinished
    | ToolRejected
    | ToolDoubted
    | ToolReleased
    | ApprovalRequested
    | ApprovalResolved
    | AnswerRejected
    | TurnWaited
    | TurnBudgeted
    | BudgetReached
    | TurnResumed
    | TurnEnded,
    Field(discriminator="type"),
]

FACT: TypeAdapter[AnyFact] = TypeAdapter(AnyFact)
"""Reads a fact from JSON: `FACT.validate_json(bytes)`."""
