"""A turn cut into responses: each ends where the caller has to run tools, or to agree to calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent_serving.domain.session import Turn
from agent_serving.domain.step import ModelStep, Step, ToolStep
from agent_serving.domain.values import Approval, Usage, total_usage

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

ANSWERED = frozenset({"ok", "error"})
"""Outcomes that a caller's answer can have."""


@dataclass(frozen=True, slots=True)
class Part:
    """`number` counts from 1; `before` is the part in front. The first one is there as soon as the
    turn is, any other when the calls of the one before are answered."""

    turn: Turn
    number: int
    steps: tuple[Step, ...]
    before: Part | None = None

    @property
    def model_steps(self) -> tuple[ModelStep, ...]:
        return tuple(step for step in self.steps if isinstance(step, ModelStep))

    @property
    def reply(self) -> ModelStep | None:
        """The last one."""
        return next(reversed(self.model_steps), None)

    @property
    def handed(self) -> tuple[ToolStep, ...]:
        """The calls of its last reply that are the caller's to run."""
        return () if self.reply is None else _clients(self.turn, self.reply)

    @property
    def asked(self) -> tuple[Approval, ...]:
        """What the caller was asked about of the calls of its last reply. A call that somebody
        agreed to while others still ran goes on as they do, and asks nothing any more."""
        begun = {step.call.call_id for step in self.steps if isinstance(step, ToolStep)}
        asked = () if self.reply is None else asked_about(self.turn, self.reply)
        return tuple(one for one in asked if one.call.call_id not in begun)

    @property
    def asks(self) -> bool:
        """Whether its reply is whole, and nothing is left to do for it but by the caller."""
        last = self.reply
        if last is None or not (self.handed or self.asked) or last.status != "completed":
            return False
        return last.finish != "cancelled" and self._is_quiet(last)

    @property
    def calls_left(self) -> tuple[str, ...]:
        """Ids of handed calls without a result."""
        return tuple(step.call.call_id for step in self.handed if step.result is None)

    @property
    def questions_left(self) -> tuple[str, ...]:
        """Ids of calls that were asked about, and nobody has said."""
        return tuple(one.call.call_id for one in self.asked if one.approved is None)

    @property
    def is_open(self) -> bool:
        """Whether it asks for what it was not given yet."""
        return self.asks and bool(self.calls_left or self.questions_left)

    def _is_quiet(self, last: ModelStep) -> bool:
        """Whether each call of the reply has been begun, refused or asked about, and what runs here
        is done."""
        tools = [s for s in self.turn.tool_steps if s.model_step_id == last.id]
        asked = asked_about(self.turn, last)
        known = {s.call.call_id for s in tools} | {one.call.call_id for one in asked}
        answers = self.turn.answers(last.id)
        served = [s for s in answers.values() if s.executor == "server" and s in self.steps]
        done = all(s.result is not None and s.result.outcome != "cancelled" for s in served)
        return done and all(call.call_id in known for call in last.calls)

    @property
    def status(self) -> Status:
        if self.asks:
            return "completed"
        return "in_progress" if self.turn.status == "waiting" else self.turn.status

    @property
    def usage(self) -> Usage:
        return total_usage(step.usage for step in self.steps)

    @property
    def created_at(self) -> datetime:
        if self.before is None:
            return self.turn.created_at
        answered = [step.ended_at for step in self.before.handed if step.ended_at is not None]
        return max(answered, default=self.before.ended_at or self.turn.created_at)

    @property
    def ended_at(self) -> datetime | None:
        if not self.asks:
            return self.turn.ended_at
        own = [step for step in self.steps if step not in self.handed]
        return max((step.ended_at for step in own if step.ended_at is not None), default=None)


def parts_of(turn: Turn) -> tuple[Part, ...]:
    """At least one, in their order."""
    parts: list[Part] = []
    steps: list[Step] = []

    def close() -> None:
        before = parts[-1] if parts else None
        parts.append(Part(turn, len(parts) + 1, tuple(steps), before))
        steps.clear()

    for step in turn.steps:
        if _goes_on(turn, steps, step):
            close()
        steps.append(step)
    close()
    if _all_answered(parts[-1]):
        close()
    return tuple(parts)


def asked_about(turn: Turn, step: ModelStep) -> tuple[Approval, ...]:
    return tuple(asked for asked in turn.approvals if asked.model_step_id == step.id)


def _goes_on(turn: Turn, before: Sequence[Step], step: Step) -> bool:
    """Whether the step comes behind what the caller had to do for the steps before it."""
    if isinstance(step, ModelStep):
        return any(_is_client(earlier) for earlier in before)
    asking = [earlier.id for earlier in before if isinstance(earlier, ModelStep)]
    if turn.approval(step.model_step_id, step.call.call_id) is None:
        return False
    beside = [one for one in before if isinstance(one, ToolStep) and one.executor == "server"]
    waited = all(one.ended_at is not None and one.ended_at <= step.started_at for one in beside)
    return step.model_step_id in asking and waited


def _all_answered(part: Part) -> bool:
    handed, asked = part.handed, part.asked
    results = [step.result for step in handed]
    answered = all(r is not None and r.outcome in ANSWERED for r in results)
    agreed = not asked or (part.asks and not part.questions_left)
    return bool(handed or asked) and answered and agreed


def _clients(turn: Turn, step: ModelStep) -> tuple[ToolStep, ...]:
    return tuple(answer for answer in turn.answers(step.id).values() if _is_client(answer))


def _is_client(step: Step) -> bool:
    """A refused call has no executor: it never ran."""
    return isinstance(step, ToolStep) and step.executor == "client"
