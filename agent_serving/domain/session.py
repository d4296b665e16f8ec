"""What the facts of a session add up to: its turns, and the steps of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from agent_serving.domain.cost import Cost, total_of
from agent_serving.domain.events import ForkOrigin
from agent_serving.domain.receipt import Receipt
from agent_serving.domain.step import ModelStep, Step, ToolStep
from agent_serving.domain.values import (
    Agent,
    Approval,
    Budget,
    Failure,
    Item,
    Limits,
    Message,
    MessageItem,
    Output,
    Pause,
    ToolCall,
    ToolChoice,
    Usage,
    Value,
    total_usage,
)

TurnStatus = Literal[
    "queued", "in_progress", "waiting", "completed", "incomplete", "failed", "cancelled"
]
SessionStatus = Literal["idle", "in_progress", "requires_action", "budget_reached", "closed"]
OPEN: frozenset[str] = frozenset({"in_progress", "waiting"})
TERMINAL: frozenset[str] = frozenset({"completed", "incomplete", "failed", "cancelled"})


class Interjection(Value):
    """A message that came into a turn under way, behind its first `after` steps."""

    after: int
    item: MessageItem


class Turn(Value):
    id: str
    index: int
    status: TurnStatus
    input: tuple[MessageItem, ...]
    steps: tuple[Step, ...] = ()
    interjections: tuple[Interjection, ...] = ()
    approvals: tuple[Approval, ...] = ()
    tool_choice: ToolChoice = "auto"
    output: Output | None = None
    limits: Limits
    budget: Budget = Budget()
    metadata: dict[str, str] = {}
    ends_at_calls: bool = False
    """Client-side calls end the turn: they are answered elsewhere."""
    echo: dict[str, Any] = {}
    """What the surface that asked for the turn shows of the asking; nothing else reads it."""
    hidden: bool = False
    trace_id: str
    parent_span_id: str | None = None
    sampled: bool = True
    tracestate: str | None = None
    cancel: Literal["cancel", "interrupt"] | None = None
    pause: Pause | None = None
    waiting_for: tuple[str, ...] = ()
    waiting_since: datetime | None = None
    waited: timedelta = timedelta(0)
    reason: str | None = None
    error: Failure | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def model_steps(self) -> tuple[ModelStep, ...]:
        return tuple(step for step in self.steps if isinstance(step, ModelStep))

    @property
    def tool_steps(self) -> tuple[ToolStep, ...]:
        return tuple(step for step in self.steps if isinstance(step, ToolStep))

    @property
    def last_model_step(self) -> ModelStep | None:
        return next((s for s in reversed(self.steps) if isinstance(s, ModelStep)), None)

    def answers(self, model_step_id: str) -> dict[str, ToolStep]:
        """The tool step that holds each claimed call of a model step, by call id."""
        return {
            step.call.call_id: step
            for step in self.tool_steps
            if step.model_step_id == model_step_id and not step.released
        }

    def approval(self, model_step_id: str, call_id: str) -> Approval | None:
        return next(
            (
                asked
                for asked in self.approvals
                if (asked.model_step_id, asked.call.call_id) == (model_step_id, call_id)
            ),
            None,
        )

    @property
    def open_approvals(self) -> tuple[Approval, ...]:
        return tuple(asked for asked in self.approvals if asked.approved is None)

    def unanswered(self, step: ModelStep) -> tuple[ToolCall, ...]:
        """Calls of a reply that have no result yet, in the reply's order."""
        answers = self.answers(step.id)
        return tuple(
            call
            for call in step.calls
            if call.call_id not in answers or answers[call.call_id].result is None
        )

    def resumed_by(self, call_id: str) -> bool:
        """Whether the turn waits for this call, and for no other."""
        return self.status == "waiting" and self.waiting_for == (call_id,)

    def put_step(self, step: ModelStep | ToolStep) -> Turn:
        return self.but(steps=(*self.steps[: step.index], step, *self.steps[step.index + 1 :]))

    @property
    def deadline(self) -> datetime:
        """When the wall time is used up; time spent waiting for the caller does not count."""
        started = self.started_at or self.created_at
        return started + timedelta(seconds=self.limits.max_seconds) + self.waited

    def worked(self, now: datetime) -> timedelta:
        """Wall time without what it spent in the queue and waiting."""
        if self.started_at is None:
            return timedelta(0)
        until = self.ended_at or self.waiting_since or now
        return max(until - self.started_at - self.waited, timedelta(0))

    @property
    def usage(self) -> Usage:
        return total_usage(step.usage for step in self.steps)

    @property
    def cost(self) -> Cost:
        return total_of(step.cost for step in self.steps)

    @property
    def output_text(self) -> str:
        last = self.last_model_step
        return last.text if last is not None and not last.calls else ""

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(turn_items(self))


class Session(Value):
    """`version` counts the facts; `token_count` the transcript. `pending` are messages that are
    not tokens yet. `reply_open` says that the transcript ends inside an assistant's message."""

    id: str
    tenant: str
    agent: Agent
    metadata: dict[str, str] = {}
    limits: Limits | None = None
    budget: Budget = Budget()
    origin: ForkOrigin | None = None
    history: tuple[Item, ...] = ()
    """What was said elsewhere before the first turn."""
    added: tuple[MessageItem, ...] = ()
    """What was said elsewhere since the last turn; the next one begins with it."""
    turns: tuple[Turn, ...] = ()
    inherited_turns: int = 0
    opening_turn: int = 0
    """Steps of turns before this one were computed with another opening (system and tools) than
    the transcript has now: a fork changed the agent."""
    spent: Usage = Usage()
    """Of the turns that have ended here."""
    spent_cost: Cost = Cost()
    spent_time: timedelta = timedelta(0)
    pending: tuple[Message, ...] = ()
    token_count: int = 0
    reply_open: bool = False
    closed: bool = False
    receipts: tuple[Receipt, ...] = ()
    """Of the requests of the last 24 hours that had an Idempotency-Key."""
    version: int = 0
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None

    @property
    def active(self) -> Turn | None:
        return next((turn for turn in reversed(self.turns) if turn.status in OPEN), None)

    @property
    def queue(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.status == "queued")

    @property
    def status(self) -> SessionStatus:
        if self.closed:
            return "closed"
        active = self.active
        if active is not None and active.status == "waiting":
            return "requires_action" if active.pause is None else "budget_reached"
        return "in_progress" if active or self.queue else "idle"

    @property
    def own_turns(self) -> tuple[Turn, ...]:
        return self.turns[self.inherited_turns :]

    @property
    def usage(self) -> Usage:
        """What this session used; turns inherited by a fork are not among it."""
        active = self.active
        return self.spent if active is None else self.spent + active.usage

    @property
    def cost(self) -> Cost:
        active = self.active
        return self.spent_cost if active is None else self.spent_cost + active.cost

    def worked(self, now: datetime) -> timedelta:
        """Wall time of its turns, without what they spent waiting."""
        active = self.active
        return self.spent_time if active is None else self.spent_time + active.worked(now)

    def turn(self, turn_id: str) -> Turn | None:
        return next((turn for turn in self.turns if turn.id == turn_id), None)

    def put_turn(self, turn: Turn) -> Session:
        return self.but(turns=(*self.turns[: turn.index], turn, *self.turns[turn.index + 1 :]))


def turn_items(turn: Turn) -> Iterable[Item]:
    """The turn as the model saw it: a reply's results stand behind it in the order of its calls."""
    yield from turn.input
    interjections = list(turn.interjections)
    for position, step in enumerate(turn.steps):
        if isinstance(step, ModelStep):
            while interjections and interjections[0].after <= position:
                yield interjections.pop(0).item
            yield from step.items
            answers = turn.answers(step.id)
            called = (answers[call.call_id].item for call in step.calls if call.call_id in answers)
            yield from (item for item in called if item is not None)
    yield from (interjection.item for interjection in interjections)
