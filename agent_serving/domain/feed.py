"""What the world sees of a session: each fact as public events, and the deltas between facts.

`project` is a pure function of one fact, so every replica tells the same story. A fact takes as
many numbers of the session's feed as it has events; deltas take one each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, assert_never

from agent_serving.domain import events as e
from agent_serving.domain.reply import (
    ArgumentsDelta,
    ItemAdded,
    ItemDone,
    Piece,
    ReasoningDelta,
    TextDelta,
)
from agent_serving.domain.step import result_item
from agent_serving.domain.values import (
    MessageItem,
    ReasoningItem,
    ReplyItem,
    Timings,
    ToolCallItem,
    ToolResult,
    Usage,
    Value,
)

EventType = Literal[
    "session.created",
    "session.updated",
    "session.in_progress",
    "session.idle",
    "session.requires_action",
    "session.budget_reached",
    "session.closed",
    "turn.queued",
    "turn.in_progress",
    "turn.updated",
    "turn.waiting",
    "turn.completed",
    "turn.incomplete",
    "turn.failed",
    "turn.cancelled",
    "step.started",
    "step.restarted",
    "step.resumed",
    "step.completed",
    "step.failed",
    "item.added",
    "item.done",
    "output_text.delta",
    "output_text.done",
    "reasoning_text.delta",
    "reasoning_text.done",
    "tool_call.arguments.delta",
    "tool_call.arguments.done",
    "tool_call.started",
    "tool_call.completed",
    "tool_call.in_doubt",
    "approval.requested",
    "approval.resolved",
    "usage.updated",
    "error",
]

TERMINAL_EVENTS = frozenset({"turn.completed", "turn.incomplete", "turn.failed", "turn.cancelled"})


class Public(Value):
    """`created_at` is set on deltas; an event of a fact happened when the fact did."""

    type: EventType
    turn_id: str | None = None
    step_id: str | None = None
    created_at: datetime | None = None
    data: dict[str, Any] = {}


def project(fact: e.AnyFact) -> tuple[Public, ...]:
    """The public events of a fact: at least one, always the same ones."""
    match fact:
        case e.SessionOpened() | e.SessionForked():
            data: dict[str, Any] = {"agent": fact.agent.name, "metadata": fact.metadata}
            if isinstance(fact, e.SessionForked):
                data["forked_from"] = fact.origin.model_dump()
            return (Public(type="session.created", data=data),)
        case e.SessionChanged():
            budget = fact.budget and fact.budget.model_dump(mode="json")
            agent = fact.agent and fact.agent.name
            data = _set(metadata=fact.metadata, budget=budget, agent=agent)
            return (Public(type="session.updated", data=data),)
        case e.SessionClosed():
            return (Public(type="session.closed"),)
        case (
            e.TurnAccepted()
            | e.TurnBegan()
            | e.TurnSteered()
            | e.CancelRequested()
            | e.TurnWaited()
            | e.AnswerRejected()
            | e.TurnBudgeted()
            | e.BudgetReached()
            | e.TurnResumed()
            | e.TurnEnded()
        ):
            return tuple(_turn(fact))
        case (
            e.StepPlanned()
            | e.StepRestarted()
            | e.StepResumed()
            | e.ModelReplied()
            | e.StepFailed()
        ):
            return tuple(_model(fact))
        case (
            e.ToolStarted()
            | e.ToolFinished()
            | e.ToolRejected()
            | e.ToolDoubted()
            | e.ToolReleased()
        ):
            return tuple(_tool(fact))
        case e.ApprovalRequested():
            asked = fact.call.model_dump()
            return (Public(type="approval.requested", turn_id=fact.turn_id, data=asked),)
        case e.ApprovalResolved():
            said = {"call_id": fact.call_id, "approved": fact.approved}
            resolved = Public(type="approval.resolved", turn_id=fact.turn_id, data=said)
            return (resolved, *_resumed(fact))
        case _:
            assert_never(fact)


def delta(turn_id: str, step_id: str, piece: Piece, at: datetime) -> Public | None:
    """A piece of a reply as it streams; what is done is told by the fact, not by a delta."""
    match piece:
        case ItemAdded():
            data = _set(id=piece.item_id, type=piece.kind, name=piece.name, call_id=piece.call_id)
            return Public(
                type="item.added",
                turn_id=turn_id,
                step_id=step_id,
                created_at=at,
                data={"item": data},
            )
        case TextDelta():
            kind: EventType = "output_text.delta"
        case ReasoningDelta():
            kind = "reasoning_text.delta"
        case ArgumentsDelta():
            kind = "tool_call.arguments.delta"
        case ItemDone():
            return None
        case _:
            assert_never(piece)
    data = {"item_id": piece.item_id, "delta": piece.text}
    if isinstance(piece, ArgumentsDelta):
        data["call_id"] = piece.call_id
    return Public(type=kind, turn_id=turn_id, step_id=step_id, created_at=at, data=data)


def _turn(
    fact: (
        e.TurnAccepted
        | e.TurnBegan
        | e.TurnSteered
        | e.CancelRequested
        | e.TurnWaited
        | e.AnswerRejected
        | e.TurnBudgeted
        | e.BudgetReached
        | e.TurnResumed
        | e.TurnEnded
    ),
) -> list[Public]:
    def event(type_: EventType, **data: Any) -> Public:
        return Public(type=type_, turn_id=fact.turn_id, data=data)

    match fact:
        case e.TurnAccepted():
            begins = [] if fact.queued else [event("session.in_progress")]
            status: EventType = "turn.queued" if fact.queued else "turn.in_progress"
            return [*begins, event(status), *(_done(fact.turn_id, i) for i in fact.input)]
        case e.TurnBegan() | e.TurnResumed():
            return [event("session.in_progress"), event("turn.in_progress")]
        case e.TurnSteered():
            return [_done(fact.turn_id, item) for item in fact.input]
        case e.CancelRequested():
            return [event("turn.in_progress", cancelling=fact.reason)]
        case e.TurnWaited():
            ids = list(fact.call_ids)
            return [event("turn.waiting", call_ids=ids), event("session.requires_action")]
        case e.AnswerRejected():
            return [_done(fact.turn_id, fact.item)]
        case e.TurnBudgeted():
            return [event("turn.updated", budget=fact.budget.model_dump(mode="json"))]
        case e.BudgetReached():
            why = fact.pause.model_dump()
            return [event("turn.waiting", **why), event("session.budget_reached", **why)]
        case e.TurnEnded():
            error = fact.error.model_dump() if fact.error else None
            ended = Public(
                type=f"turn.{fact.status}",
                turn_id=fact.turn_id,
                data=_set(status=fact.status, reason=fact.reason, error=error),
            )
            return [event("session.idle"), ended] if fact.idle else [ended]
        case _:
            assert_never(fact)


def _model(
    fact: e.StepPlanned | e.StepRestarted | e.StepResumed | e.ModelReplied | e.StepFailed,
) -> list[Public]:
    def event(type_: EventType, **data: Any) -> Public:
        return Public(type=type_, turn_id=fact.turn_id, step_id=fact.step_id, data=data)

    match fact:
        case e.StepPlanned():
            return [
                event(
                    "step.started",
                    kind="model",
                    prompt_tokens=fact.prompt_tokens,
                    expected_tokens=fact.expected_tokens,
                )
            ]
        case e.StepRestarted() | e.StepResumed():
            error = fact.attempt.error.model_dump() if fact.attempt.error else None
            lost = {"attempt": fact.attempt.number, "error": error}
            if isinstance(fact, e.StepResumed):
                return [event("step.resumed", kept_tokens=fact.kept_tokens, **lost)]
            return [event("step.restarted", void_from=fact.void_from, **lost)]
        case e.StepFailed():
            error = fact.error.model_dump()
            failed = [event("step.failed", error=error)] if fact.step_id else []
            return [*failed, event("error", **error)]
        case e.ModelReplied():
            done = [_item_done(fact.turn_id, fact.step_id, item) for item in fact.items]
            items = [told for pair in done for told in pair]
            usage = usage_data(fact.attempt.usage)
            timings = timings_data(fact.timings)
            return [
                *items,
                event("usage.updated", usage=usage),
                event(
                    "step.completed",
                    kind="model",
                    finish=fact.finish,
                    usage=usage,
                    timings=timings,
                ),
            ]
        case _:
            assert_never(fact)


def _tool(
    fact: e.ToolStarted | e.ToolFinished | e.ToolRejected | e.ToolDoubted | e.ToolReleased,
) -> list[Public]:
    def event(type_: EventType, **data: Any) -> Public:
        return Public(type=type_, turn_id=fact.turn_id, step_id=fact.step_id, data=data)

    def result(name: str, value: ToolResult) -> Public:
        return event("item.done", item=result_item(fact.step_id, name, value).model_dump())

    match fact:
        case e.ToolStarted():
            call = {"call_id": fact.call.call_id, "name": fact.call.name}
            return [
                event("step.started", kind="tool", **call),
                event("tool_call.started", executor=fact.executor, **call),
            ]
        case e.ToolFinished():
            told = {"call_id": fact.result.call_id, "name": fact.name}
            done = {"outcome": fact.result.outcome, **told}
            timings = timings_data(fact.timings)
            return [
                event("tool_call.completed", **done),
                result(fact.name, fact.result),
                event("step.completed", kind="tool", timings=timings, **done),
                *_resumed(fact),
            ]
        case e.ToolRejected():
            error = {"code": fact.result.outcome, "message": fact.result.output}
            return [
                event("step.failed", kind="tool", call_id=fact.call.call_id, error=error),
                result(fact.call.name, fact.result),
            ]
        case e.ToolDoubted():
            return [event("tool_call.in_doubt")]
        case e.ToolReleased():
            error = {"code": "in_doubt", "message": "The call is run again on demand."}
            return [event("step.failed", kind="tool", error=error), *_resumed(fact)]
        case _:
            assert_never(fact)


def _resumed(fact: e.ToolFinished | e.ToolReleased | e.ApprovalResolved) -> list[Public]:
    kinds: tuple[EventType, ...] = ("session.in_progress", "turn.in_progress")
    return [Public(type=kind, turn_id=fact.turn_id) for kind in kinds] if fact.resumes else []


def _item_done(turn_id: str, step_id: str, item: ReplyItem) -> list[Public]:
    match item:
        case MessageItem():
            kind: EventType = "output_text.done"
            data = {"item_id": item.id, "text": item.text}
        case ReasoningItem():
            kind = "reasoning_text.done"
            data = {"item_id": item.id, "text": item.text}
        case ToolCallItem():
            kind = "tool_call.arguments.done"
            data = {"item_id": item.id, "call_id": item.call_id, "arguments": item.arguments}
        case _:
            assert_never(item)
    done = Public(
        type="item.done", turn_id=turn_id, step_id=step_id, data={"item": item.model_dump()}
    )
    return [Public(type=kind, turn_id=turn_id, step_id=step_id, data=data), done]


def _done(turn_id: str, item: MessageItem) -> Public:
    return Public(type="item.done", turn_id=turn_id, data={"item": item.model_dump()})


def usage_data(usage: Usage) -> dict[str, int]:
    return {**usage.model_dump(), "uncached_tokens": usage.uncached_tokens}


def timings_data(timings: Timings) -> dict[str, float | None]:
    """Milliseconds, with the phases rounded to the microsecond and orchestration as what is left
    of the rounded total, so that the shown phases still add up."""
    data = {
        key: None if value is None else round(value, 3)
        for key, value in timings.model_dump().items()
    }
    phases = ("admission_ms", "engine_queue_ms", "prefill_ms", "decode_ms", "tool_ms")
    spent = sum(data[phase] or 0.0 for phase in phases)
    return {**data, "orchestration_ms": round((data["total_ms"] or 0.0) - spent, 3)}


def _set(**data: Any) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
