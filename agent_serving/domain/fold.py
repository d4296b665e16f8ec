"""The fold: which fact is possible when, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, assert_never

from agent_serving.domain import events as e
from agent_serving.domain.errors import ContextLengthExceeded, ImpossibleEvent
from agent_serving.domain.fold_steps import (
    apply_approval,
    apply_model,
    apply_tool,
    lasted,
    settle,
)
from agent_serving.domain.history import messages_of
from agent_serving.domain.receipt import receipt, with_receipt
from agent_serving.domain.session import OPEN, TERMINAL, Interjection, Session, Turn
from agent_serving.domain.step import ModelStep, Step
from agent_serving.domain.values import Agent, Message, MessageItem, ToolResult

LONG = 1000
LEFT_OUT = "(Left out: it was too long for the model's context.)"


def replay(facts: Iterable[e.AnyFact], session: Session | None = None) -> Session | None:
    for fact in facts:
        session = apply(session, fact)
    return session


def apply(session: Session | None, fact: e.AnyFact) -> Session:
    """The session after `fact`. Raises ImpossibleEvent, and then nothing has changed."""
    if isinstance(fact, e.SessionOpened | e.SessionForked):
        if session is not None:
            raise ImpossibleEvent.because(fact.type, "the session is already open")
        return _receipted(_open(fact), fact)
    if session is None:
        raise ImpossibleEvent.because(fact.type, "no session is open")
    if session.closed:
        raise ImpossibleEvent.because(fact.type, "the session is closed")
    changed = _apply(session, fact)
    return _receipted(changed.but(version=session.version + 1, updated_at=fact.at), fact)


def _receipted(session: Session, fact: e.AnyFact) -> Session:
    if fact.request is None:
        return session
    turn_id = getattr(fact, "turn_id", None)
    added = fact.history if isinstance(fact, e.SessionChanged) else ()
    items = tuple(item.id for item in added)
    made = receipt(fact.request, at=fact.at, turn_id=turn_id, items=items)
    return session.but(receipts=with_receipt(session.receipts, made))


def _apply(session: Session, fact: e.AnyFact) -> Session:
    match fact:
        case e.SessionOpened() | e.SessionForked():
            raise ImpossibleEvent.because(fact.type, "the session is already open")
        case e.SessionChanged():
            return _change(session, fact)
        case e.SessionClosed():
            if session.active or session.queue:
                raise ImpossibleEvent.because(fact.type, "a turn is open")
            return session.but(closed=True)
        case e.TurnAccepted():
            return _accept(session, fact)
        case e.TurnBegan():
            return _begin(session, fact)
        case e.TurnEnded():
            return _end(session, fact)
        case e.TurnSteered() | e.CancelRequested() | e.TurnWaited() | e.AnswerRejected():
            return _direct(session, fact, _open_turn(session, fact))
        case e.TurnBudgeted():
            return _budget(session, fact)
        case e.BudgetReached() | e.TurnResumed():
            return session.put_turn(_pause(fact, _open_turn(session, fact)))
        case (
            e.StepPlanned()
            | e.StepRestarted()
            | e.StepResumed()
            | e.ModelReplied()
            | e.StepFailed()
        ):
            return apply_model(session, fact, _open_turn(session, fact))
        case (
            e.ToolStarted()
            | e.ToolFinished()
            | e.ToolRejected()
            | e.ToolDoubted()
            | e.ToolReleased()
        ):
            return apply_tool(session, fact, _open_turn(session, fact))
        case e.ApprovalRequested() | e.ApprovalResolved():
            return session.put_turn(apply_approval(fact, _open_turn(session, fact)))
        case _:
            assert_never(fact)


def _open(fact: e.SessionOpened | e.SessionForked) -> Session:
    session = Session(
        id=fact.session_id,
        tenant=fact.tenant,
        agent=fact.agent,
        metadata=fact.metadata,
        budget=fact.budget,
        version=1,
        created_at=fact.at,
        updated_at=fact.at,
        expires_at=fact.expires_at,
    )
    if isinstance(fact, e.SessionOpened):
        return session.but(history=fact.history, pending=messages_of(fact.history))
    turns = tuple(Turn.model_validate(turn) for turn in fact.inherited)
    return session.but(
        limits=fact.limits,
        origin=fact.origin,
        history=fact.history,
        turns=turns,
        inherited_turns=len(turns),
        opening_turn=fact.opening_turn,
        pending=fact.pending,
        token_count=fact.token_count,
        reply_open=fact.reply_open,
    )


def _change(session: Session, fact: e.SessionChanged) -> Session:
    if fact.agent is not None:
        session = _with_agent(session, fact.agent)
    if fact.history:
        session = _add(session, fact) if session.turns else _remember(session, fact)
    if fact.hidden_turn is not None:
        turn = session.turn(fact.hidden_turn)
        if turn is None or turn.status not in TERMINAL:
            raise ImpossibleEvent.because(fact.type, "only a turn that is over can be hidden")
        session = session.put_turn(turn.but(hidden=True))
    return session.but(
        metadata=session.metadata if fact.metadata is None else fact.metadata,
        limits=session.limits if fact.limits is None else fact.limits,
        budget=session.budget if fact.budget is None else fact.budget,
    )


def _remember(session: Session, fact: e.SessionChanged | e.TurnAccepted) -> Session:
    if session.turns or session.token_count:
        raise ImpossibleEvent.because(fact.type, "history comes in front of the first turn")
    history = (*session.history, *fact.history)
    return session.but(history=history, pending=messages_of(history))


def _add(session: Session, fact: e.SessionChanged) -> Session:
    """A call is part of a turn, so none comes between two."""
    if session.active is not None or session.queue:
        raise ImpossibleEvent.because(fact.type, "a turn is open")
    said = tuple(item for item in fact.history if isinstance(item, MessageItem))
    if said != fact.history:
        raise ImpossibleEvent.because(fact.type, "only messages come between turns")
    pending = (*session.pending, *messages_of(said))
    return session.but(added=(*session.added, *said), pending=pending)


def _with_agent(session: Session, agent: Agent) -> Session:
    """Invariant: the transcript begins with the opening of the session's agent."""
    if session.active is not None or session.queue:
        raise ImpossibleEvent.because("session_changed", "a turn is open")
    if session.token_count and not agent.opens_as(session.agent):
        raise ImpossibleEvent.because("session_changed", "the opening is rendered already")
    return session.but(agent=agent)


# --- turns ----------------------------------------------------------------------------------


def _accept(session: Session, fact: e.TurnAccepted) -> Session:
    busy = session.active is not None or bool(session.queue)
    if fact.queued != busy:
        raise ImpossibleEvent.because(
            fact.type, "a turn is open" if busy else "no turn is open to queue behind"
        )
    if session.turn(fact.turn_id) is not None:
        raise ImpossibleEvent.because(fact.type, "the turn exists")
    if fact.history:
        session = _remember(session, fact)
    turn = Turn(
        id=fact.turn_id,
        index=len(session.turns),
        status="queued" if fact.queued else "in_progress",
        input=(*session.added, *fact.input),
        tool_choice=fact.tool_choice,
        output=fact.output or session.agent.output,
        limits=fact.limits or session.limits or session.agent.limits,
        budget=fact.budget,
        metadata=fact.metadata,
        ends_at_calls=fact.ends_at_calls,
        echo=fact.echo,
        trace_id=fact.trace_id,
        parent_span_id=fact.parent_span_id,
        sampled=fact.sampled,
        tracestate=fact.tracestate,
        created_at=fact.at,
        started_at=None if fact.queued else fact.at,
    )
    session = session.but(turns=(*session.turns, turn), added=())
    return session if fact.queued else _hear(session, fact.input)


def _begin(session: Session, fact: e.TurnBegan) -> Session:
    queue = session.queue
    if session.active is not None or not queue or queue[0].id != fact.turn_id:
        raise ImpossibleEvent.because(fact.type, "the turn is not the next in the queue")
    turn = queue[0].but(status="in_progress", started_at=fact.at)
    return _hear(session.put_turn(turn), turn.input)


def _end(session: Session, fact: e.TurnEnded) -> Session:
    turn = session.turn(fact.turn_id)
    if turn is None or turn.status not in OPEN | {"queued"}:
        raise ImpossibleEvent.because(fact.type, "the turn is not open")
    if turn.status == "queued" and fact.status != "cancelled":
        raise ImpossibleEvent.because(fact.type, "a queued turn can only be cancelled")
    if fact.idle != all(t.id == turn.id or t.status in TERMINAL for t in session.turns):
        raise ImpossibleEvent.because(fact.type, "`idle` does not say how the session is left")
    steps = tuple(_stop(step, fact) for step in turn.steps)
    ended = _unpaused(turn, fact.at).but(
        status=fact.status,
        reason=fact.reason,
        error=fact.error,
        ended_at=fact.at,
        steps=steps,
    )
    spent = session.but(
        spent=session.spent + ended.usage,
        spent_cost=session.spent_cost + ended.cost,
        spent_time=session.spent_time + ended.worked(fact.at),
    )
    session = settle(spent, turn, ended, final=True)
    if fact.error is None or fact.error.code != ContextLengthExceeded.code:
        return session
    return session.but(pending=tuple(_left_out(message) for message in session.pending))


def _left_out(message: Message) -> Message:
    """What did not fit would not fit the next turn either: the model is told of it instead. The
    item keeps the whole text."""
    return message if len(message.content) <= LONG else message.but(content=LEFT_OUT)


def _stop(step: Step, fact: e.TurnEnded) -> Step:
    """No step outlives its turn."""
    if isinstance(step, ModelStep):
        if step.status != "running":
            return step
        stopped = step.but(timings=lasted(step, step.attempts, fact.at), ended_at=fact.at)
        if step.items:
            return stopped.but(status="completed", finish="interrupted")
        return stopped.but(status="failed", error=fact.error)
    if step.result is not None or step.released:
        return step
    result = ToolResult(
        call_id=step.call.call_id,
        output=f"The call was given up when its turn ended ({fact.status}).",
        outcome="abandoned" if step.status == "in_doubt" else "cancelled",
    )
    return step.but(status="failed", result=result, ended_at=fact.at)


def _direct(
    session: Session,
    fact: e.TurnSteered | e.CancelRequested | e.TurnWaited | e.AnswerRejected,
    turn: Turn,
) -> Session:
    match fact:
        case e.TurnSteered():
            turn = _interject(turn, *fact.input)
            return _hear(session.put_turn(turn), fact.input)
        case e.AnswerRejected():
            step = turn.last_model_step
            if step is None or step.id != fact.step_id or step.finish != "stop" or step.calls:
                raise ImpossibleEvent.because(fact.type, "the step is not the turn's answer")
            turn = turn.put_step(step.but(answer_rejected=True))
            return _hear(session.put_turn(_interject(turn, fact.item)), (fact.item,))
        case e.CancelRequested():
            turn = turn.but(cancel=turn.cancel or fact.reason)
        case e.TurnWaited():
            if turn.status != "in_progress" or not fact.call_ids:
                raise ImpossibleEvent.because(fact.type, "there is nothing to wait for")
            turn = turn.but(status="waiting", waiting_for=fact.call_ids, waiting_since=fact.at)
        case _:
            assert_never(fact)
    return session.put_turn(turn)


# --- budgets --------------------------------------------------------------------------------


def _budget(session: Session, fact: e.TurnBudgeted) -> Session:
    turn = session.turn(fact.turn_id)
    if turn is None or turn.status in TERMINAL:
        raise ImpossibleEvent.because(fact.type, "the turn is over")
    return session.put_turn(turn.but(budget=fact.budget))


def _pause(fact: e.BudgetReached | e.TurnResumed, turn: Turn) -> Turn:
    if isinstance(fact, e.TurnResumed):
        if turn.pause is None:
            raise ImpossibleEvent.because(fact.type, "the turn does not wait for a budget")
        return _unpaused(turn, fact.at).but(status="in_progress")
    step = turn.last_model_step
    if step is not None and (step.status == "running" or turn.unanswered(step)):
        raise ImpossibleEvent.because(fact.type, "a step is under way")
    if turn.status != "in_progress":
        raise ImpossibleEvent.because(fact.type, "the turn does not run")
    return turn.but(status="waiting", pause=fact.pause, waiting_since=fact.at)


def _unpaused(turn: Turn, at: datetime) -> Turn:
    """Waiting no more, whatever it waited for."""
    waited = at - turn.waiting_since if turn.waiting_since is not None else timedelta(0)
    return turn.but(pause=None, waiting_for=(), waiting_since=None, waited=turn.waited + waited)


# --- inside ---------------------------------------------------------------------------------


def _open_turn(session: Session, fact: Any) -> Turn:
    turn = session.active
    if turn is None or turn.id != fact.turn_id:
        raise ImpossibleEvent.because(fact.type, f"turn {fact.turn_id} is not under way")
    return turn


def _interject(turn: Turn, *items: MessageItem) -> Turn:
    added = tuple(Interjection(after=len(turn.steps), item=item) for item in items)
    return turn.but(interjections=(*turn.interjections, *added))


def _hear(session: Session, items: Iterable[MessageItem]) -> Session:
    heard = tuple(Message(role="user", content=item.text) for item in items)
    return session.but(pending=(*session.pending, *heard))
