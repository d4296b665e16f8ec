"""Policy of the turn loop: what a session does next, as a pure function of its facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent_serving.domain import schema
from agent_serving.domain.budget import due_pause, lifted
from agent_serving.domain.refusal import calls_left, refusal_of
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.domain.values import (
    Agent,
    Failure,
    Output,
    Pause,
    ToolCall,
    ToolCallItem,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

ANSWER_RESERVE = 1
"""Output tokens that must be left for a step to be worth planning."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is to be done until somebody asks for something."""


@dataclass(frozen=True, slots=True)
class BeginTurn:
    turn_id: str


@dataclass(frozen=True, slots=True)
class PlanStep:
    """Render what is pending and plan a model step of at most `max_new_tokens`."""

    turn: Turn
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask the engine for the reply of a planned step; `attempt` counts from 1. What lost attempts
    have said counts for the turn's limit, so the last may have less room than was planned."""

    turn: Turn
    step: ModelStep
    attempt: int
    max_new_tokens: int
    tool_choice: ToolChoice
    output: Output | None


@dataclass(frozen=True, slots=True)
class CloseReply:
    """The reply was lost behind calls that had been claimed: it ends with the last of them."""

    turn: Turn
    step: ModelStep


@dataclass(frozen=True, slots=True)
class RunTools:
    """Start the `new` calls, refuse the `rejected` ones, and see the `running` ones to their
    end; a running call that nobody here runs was orphaned by a crash."""

    turn: Turn
    model_step: ModelStep
    new: tuple[tuple[ToolCall, ToolSpec], ...]
    rejected: tuple[tuple[ToolCall, ToolResult], ...]
    running: tuple[ToolStep, ...]


@dataclass(frozen=True, slots=True)
class AskApproval:
    """A call that runs only if somebody agrees, and nobody was asked yet."""

    turn: Turn
    model_step: ModelStep
    call: ToolCall


@dataclass(frozen=True, slots=True)
class RejectAnswer:
    turn: Turn
    step: ModelStep
    problem: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Only the caller can go on: client-side calls, approvals, and calls in doubt."""

    turn: Turn
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PauseTurn:
    """A budget is used up: the turn stands still in front of its next model step."""

    turn: Turn
    pause: Pause


@dataclass(frozen=True, slots=True)
class ResumeTurn:
    """The budget that the turn waited for was raised."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class EndTurn:
    turn: Turn
    status: Literal["completed", "incomplete", "failed", "cancelled"]
    reason: str | None = None
    error: Failure | None = None


Action = (
    Rest
    | BeginTurn
    | PlanStep
    | Generate
    | CloseReply
    | RunTools
    | AskApproval
    | RejectAnswer
    | Wait
    | PauseTurn
    | ResumeTurn
    | EndTurn
)


def begins_step(action: Action) -> bool:
    """Whether a process that is about to end leaves it to another one: nothing is under way."""
    match action:
        case BeginTurn() | PlanStep() | AskApproval():
            return True
        case RunTools(running=running):
            return not running
        case _:
            return False


def next_action(session: Session, now: datetime) -> Action:
    turn = session.active
    if turn is None:
        queue = session.queue
        return BeginTurn(queue[0].id) if queue and not session.closed else Rest()
    if turn.cancel is not None:
        return EndTurn(turn, "cancelled", reason=turn.cancel)
    if turn.error is not None:
        return EndTurn(turn, "failed", error=turn.error)
    if turn.status == "waiting":
        return ResumeTurn(turn) if lifted(session, turn, now) else Rest()
    return _work(session.agent, session, turn, now)


def _work(agent: Agent, session: Session, turn: Turn, now: datetime) -> Action:
    step = turn.last_model_step
    if now >= turn.deadline:
        return EndTurn(turn, "incomplete", reason="max_seconds")
    if step is None:
        return _plan(session, turn, now)
    if step.status == "running" and step.items:
        return CloseReply(turn, step)
    if step.status == "running":
        return _generate(turn, step)
    if turn.unanswered(step):
        return _calls(agent, turn, step)
    if step.finish == "length":
        return EndTurn(turn, "incomplete", reason="max_output_tokens")
    if step.finish == "interrupted" and not step.calls:
        reason = "max_cost" if _cost_is_used_up(turn) else "interrupted"
        return EndTurn(turn, "incomplete", reason=reason)
    if step.calls:
        problem = _repeated_mistake(turn)
        if problem is not None:
            return EndTurn(turn, "failed", error=problem)
        return _plan(session, turn, now)
    return _answered(session, turn, step, now)


def _generate(turn: Turn, step: ModelStep) -> Action:
    left = turn.limits.max_output_tokens - turn.usage.output_tokens
    if left < ANSWER_RESERVE:
        return EndTurn(turn, "incomplete", reason="max_output_tokens")
    if _cost_is_used_up(turn):
        return EndTurn(turn, "incomplete", reason="max_cost")
    return Generate(
        turn,
        step,
        attempt=len(step.attempts) + 1,
        max_new_tokens=min(step.max_new_tokens, left),
        tool_choice=tool_choice(turn, before=step),
        output=turn.output,
    )


def _answered(session: Session, turn: Turn, step: ModelStep, now: datetime) -> Action:
    if session.pending or step.answer_rejected:
        return _plan(session, turn, now)
    problem = answer_problem(turn.output, step)
    if problem is None:
        return EndTurn(turn, "completed")
    if any(earlier.answer_rejected for earlier in turn.model_steps):
        message = f"The model gave no valid answer, twice: {problem}"
        return EndTurn(turn, "failed", error=Failure(code="invalid_output", message=message))
    return RejectAnswer(turn, step, problem)


def _plan(session: Session, turn: Turn, now: datetime) -> Action:
    """A limit ends the turn, a budget only holds it up; so limits come first."""
    if len(turn.model_steps) >= turn.limits.max_steps:
        return EndTurn(turn, "incomplete", reason="max_steps")
    left = turn.limits.max_output_tokens - turn.usage.output_tokens
    if left < ANSWER_RESERVE:
        return EndTurn(turn, "incomplete", reason="max_output_tokens")
    if _cost_is_used_up(turn):
        return EndTurn(turn, "incomplete", reason="max_cost")
    pause = due_pause(session, turn, now)
    return PlanStep(turn, max_new_tokens=left) if pause is None else held_up(turn, pause)


def held_up(turn: Turn, pause: Pause) -> PauseTurn | EndTurn:
    """By a budget that is used up. Who asked for a turn that ends at its calls cannot come back to
    it, so that one waits for nothing."""
    if turn.ends_at_calls:
        return EndTurn(turn, "incomplete", reason="budget_reached")
    return PauseTurn(turn, pause)


def _cost_is_used_up(turn: Turn) -> bool:
    limit = turn.limits.max_cost
    return limit is not None and turn.cost.currency is not None and turn.cost.total >= limit


# --- tool calls -----------------------------------------------------------------------------


def tool_choice(turn: Turn, *, before: ModelStep) -> ToolChoice:
    """A demanded call is demanded of a turn's first step only; with its calls used up, the turn
    has to answer with what it has."""
    if calls_left(turn) <= 0:
        return "none"
    if turn.tool_choice == "none" or not turn.model_steps or turn.model_steps[0].id == before.id:
        return turn.tool_choice
    return "auto"


def _calls(agent: Agent, turn: Turn, step: ModelStep) -> Action:
    """Somebody is asked before anything runs, who can then look while other calls do."""
    answers = turn.answers(step.id)
    new: list[tuple[ToolCall, ToolSpec]] = []
    rejected: list[tuple[ToolCall, ToolResult]] = []
    unasked: list[ToolCall] = []
    asked: list[str] = []
    for call in step.calls:
        if call.call_id in answers:
            continue
        spec, approval = agent.tool(call.name), turn.approval(step.id, call.call_id)
        ahead = len(new) + len(unasked) + len(asked)
        refusal = refusal_of(agent, turn, call, approval, ahead=ahead)
        if refusal is not None:
            rejected.append((call, refusal))
        elif approval is not None and approval.approved is None:
            asked.append(call.call_id)
        elif spec is not None and spec.requires_approval and approval is None:
            unasked.append(call)
        elif spec is not None:
            new.append((call, spec))
    if unasked:
        return AskApproval(turn, step, unasked[0])
    open_steps = [answer for answer in answers.values() if answer.result is None]
    mine = tuple(s for s in open_steps if s.executor == "server" and s.status == "running")
    if new or rejected or mine:
        return RunTools(turn, step, tuple(new), tuple(rejected), mine)
    if not turn.ends_at_calls:
        return Wait(turn, tuple(sorted([*asked, *(s.call.call_id for s in open_steps)])))
    if all(s.executor == "client" for s in open_steps):
        return EndTurn(turn, "completed")
    return EndTurn(turn, "incomplete", reason="requires_action")


def _repeated_mistake(turn: Turn) -> Failure | None:
    """The model is told once why a call is invalid; a second reply in a row that is no better
    fails the turn."""
    last = turn.model_steps[-2:]
    if len(last) < 2:
        return None
    problems = [
        next(
            (
                answer.result.output
                for answer in turn.answers(step.id).values()
                if answer.result is not None and answer.result.outcome == "invalid"
            ),
            None,
        )
        for step in last
    ]
    if None in problems:
        return None
    message = f"The model made an invalid tool call twice in a row. {problems[-1]}"
    return Failure(code="invalid_tool_call", message=message)


def answer_problem(output: Output | None, step: ModelStep) -> str | None:
    """Why a reply without calls is no answer; None when it is one."""
    if any(isinstance(item, ToolCallItem) for item in step.items):
        return "it ended in the middle of a tool call."
    return None if output is None else schema.answer_problem(output, step.text)
