"""The part of the fold that concerns steps: model replies, tool calls, and how they pair up."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from agent_serving.domain import events as e
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep, step_timings
from agent_serving.domain.values import Approval, Message, Timings, ToolCall

# --- model steps ----------------------------------------------------------------------------


def apply_model(
    session: Session,
    fact: e.StepPlanned | e.StepRestarted | e.StepResumed | e.ModelReplied | e.StepFailed,
    turn: Turn,
) -> Session:
    if isinstance(fact, e.StepPlanned):
        return _plan(session, fact, turn)
    step = turn.last_model_step
    if isinstance(fact, e.StepFailed) and fact.step_id is None:
        return session.put_turn(turn.but(error=fact.error))
    if step is None or step.id != fact.step_id or step.status != "running":
        raise ImpossibleEvent.because(fact.type, "the step is not running")
    attempts = step.attempts if fact.attempt is None else (*step.attempts, fact.attempt)
    match fact:
        case e.StepRestarted() | e.StepResumed():
            if turn.answers(step.id):
                raise ImpossibleEvent.because(
                    fact.type, "calls of this reply have started, so it cannot be void"
                )
            return session.put_turn(turn.put_step(step.but(attempts=attempts)))
        case e.StepFailed():
            stopped = step.but(
                error=fact.error,
                attempts=attempts,
                timings=lasted(step, attempts, fact.at),
                ended_at=fact.at,
            )
            # What was claimed of the reply is in the transcript, and its calls have to be answered.
            if step.items:
                stopped = stopped.but(status="completed", finish="interrupted")
            else:
                stopped = stopped.but(status="failed")
            return settle(session, turn, turn.put_step(stopped).but(error=fact.error))
        case e.ModelReplied():
            return _reply(session, fact, turn, step, attempts)
        case _:
            assert_never(fact)


def lasted(step: ModelStep, attempts: tuple[e.Attempt, ...], until: datetime) -> Timings:
    """Of a step that ended without a reply."""
    return step_timings(attempts, (until - step.started_at).total_seconds() * 1000)


def _plan(session: Session, fact: e.StepPlanned, turn: Turn) -> Session:
    last = turn.last_model_step
    if last is not None and (last.status == "running" or turn.unanswered(last)):
        raise ImpossibleEvent.because(fact.type, "the step before is not finished")
    if fact.expected_tokens != session.token_count:
        raise ImpossibleEvent.because(fact.type, "the prompt does not begin with the transcript")
    if fact.prompt_tokens != session.token_count + fact.rendered_tokens:
        raise ImpossibleEvent.because(
            fact.type, "the prompt is not the transcript plus what was rendered"
        )
    step = ModelStep(
        id=fact.step_id,
        index=len(turn.steps),
        span_id=fact.span_id,
        prompt_tokens=fact.prompt_tokens,
        rendered_tokens=fact.rendered_tokens,
        expected_tokens=fact.expected_tokens,
        max_new_tokens=fact.max_new_tokens,
        tools_offered=fact.tools_offered,
        started_at=fact.at,
    )
    return session.put_turn(turn.but(steps=(*turn.steps, step))).but(
        pending=(),
        token_count=fact.prompt_tokens,
        reply_open=True,
    )


def _reply(
    session: Session,
    fact: e.ModelReplied,
    turn: Turn,
    step: ModelStep,
    attempts: tuple[e.Attempt, ...],
) -> Session:
    replied = step.but(
        status="completed",
        items=fact.items,
        finish=fact.finish,
        attempts=attempts,
        timings=fact.timings,
        ended_at=fact.at,
    )
    calls = {call.call_id: call for call in replied.calls}
    if len(calls) != len(replied.calls):
        raise ImpossibleEvent.because(fact.type, "two calls have the same id")
    for call_id, answer in turn.answers(step.id).items():
        if calls.get(call_id) != answer.call:
            raise ImpossibleEvent.because(
                fact.type, f"call {call_id} has started but is not in the reply"
            )
    session = session.but(
        token_count=session.token_count + fact.output_tokens,
        reply_open=fact.reply_open,
    )
    return settle(session, turn, turn.put_step(replied))


# --- tool steps -----------------------------------------------------------------------------


def apply_tool(
    session: Session,
    fact: e.ToolStarted | e.ToolFinished | e.ToolRejected | e.ToolDoubted | e.ToolReleased,
    turn: Turn,
) -> Session:
    if isinstance(fact, e.ToolStarted | e.ToolRejected):
        if isinstance(fact, e.ToolStarted):
            session, turn = _hear_so_far(session, fact, turn)
        return settle(session, turn, _claim(fact, turn))
    step = next((s for s in turn.tool_steps if s.id == fact.step_id), None)
    if step is None or step.result is not None or step.released:
        raise ImpossibleEvent.because(fact.type, "the call is not open")
    if not isinstance(fact, e.ToolDoubted):
        turn = _answered(fact, turn, step.call.call_id)
    match fact:
        case e.ToolDoubted():
            if step.status != "running" or step.effect != "once" or step.executor != "server":
                raise ImpossibleEvent.because(
                    fact.type, "only a running server-side `once` call can be in doubt"
                )
            changed = step.but(status="in_doubt")
        case e.ToolReleased():
            if step.status != "in_doubt":
                raise ImpossibleEvent.because(fact.type, "the call is not in doubt")
            changed = step.but(status="failed", released=True, ended_at=fact.at)
        case e.ToolFinished():
            if fact.result.call_id != step.call.call_id or fact.name != step.call.name:
                raise ImpossibleEvent.because(fact.type, "the result belongs to another call")
            changed = step.but(
                status="completed" if fact.result.outcome == "ok" else "failed",
                result=fact.result,
                timings=fact.timings,
                cost=step.cost + fact.cost,
                ended_at=fact.at,
            )
        case _:
            assert_never(fact)
    return settle(session, turn, turn.put_step(changed))


def _answered(
    fact: e.ToolFinished | e.ToolReleased | e.ApprovalResolved, turn: Turn, call_id: str
) -> Turn:
    """A turn goes on when the last call that it waits for is answered."""
    if fact.resumes != turn.resumed_by(call_id):
        raise ImpossibleEvent.because(fact.type, "`resumes` does not say whether the turn goes on")
    left = tuple(waited for waited in turn.waiting_for if waited != call_id)
    if not fact.resumes or turn.waiting_since is None:
        return turn.but(waiting_for=left)
    waited = turn.waited + (fact.at - turn.waiting_since)
    return turn.but(status="in_progress", waiting_for=(), waiting_since=None, waited=waited)


def _hear_so_far(session: Session, fact: e.ToolStarted, turn: Turn) -> tuple[Session, Turn]:
    """A claim made while the reply streams brings the reply so far with it."""
    step = turn.last_model_step
    if step is None or step.status != "running":
        if fact.items or fact.output_tokens:
            raise ImpossibleEvent.because(fact.type, "the reply is whole already")
        return session, turn
    heard = step.but(items=fact.items)
    if fact.call not in heard.calls or fact.items[: len(step.items)] != step.items:
        raise ImpossibleEvent.because(fact.type, "the reply so far does not hold the call")
    turn = turn.put_step(heard)
    tokens = session.token_count + fact.output_tokens
    return session.put_turn(turn).but(token_count=tokens), turn


def _claim(fact: e.ToolStarted | e.ToolRejected, turn: Turn) -> Turn:
    """A call is claimed once, unless its claim was released."""
    model = turn.last_model_step
    if model is None or model.id != fact.model_step_id or model.status == "failed":
        raise ImpossibleEvent.because(fact.type, "its model step is not the turn's last")
    if fact.call not in model.calls:
        raise ImpossibleEvent.because(fact.type, "the reply has no such call")
    if fact.call.call_id in turn.answers(model.id):
        raise ImpossibleEvent.because(fact.type, "the call is already claimed")
    asked = turn.approval(model.id, fact.call.call_id)
    if isinstance(fact, e.ToolStarted) and asked is not None and not asked.approved:
        raise ImpossibleEvent.because(fact.type, "nobody has agreed to the call")
    step = ToolStep(
        id=fact.step_id,
        index=len(turn.steps),
        model_step_id=model.id,
        call=fact.call,
        started_at=fact.at,
    )
    if isinstance(fact, e.ToolStarted):
        step = step.but(
            span_id=fact.span_id, effect=fact.effect, executor=fact.executor, cost=fact.cost
        )
    else:
        step = step.but(status="failed", result=fact.result, ended_at=fact.at)
    return turn.but(steps=(*turn.steps, step))


# --- approvals ------------------------------------------------------------------------------


def apply_approval(fact: e.ApprovalRequested | e.ApprovalResolved, turn: Turn) -> Turn:
    if isinstance(fact, e.ApprovalRequested):
        return _ask(fact, turn)
    if fact.call_id not in [asked.call.call_id for asked in turn.open_approvals]:
        raise ImpossibleEvent.because(fact.type, "nobody was asked about the call")
    resolved = tuple(
        asked.but(approved=fact.approved)
        if asked.approved is None and asked.call.call_id == fact.call_id
        else asked
        for asked in turn.approvals
    )
    return _answered(fact, turn, fact.call_id).but(approvals=resolved)


def _ask(fact: e.ApprovalRequested, turn: Turn) -> Turn:
    model, call_id = turn.last_model_step, fact.call.call_id
    if model is None or model.id != fact.model_step_id or model.status != "completed":
        raise ImpossibleEvent.because(fact.type, "the turn's last reply is not whole")
    if fact.call not in model.calls:
        raise ImpossibleEvent.because(fact.type, "the reply has no such call")
    if call_id in turn.answers(model.id) or turn.approval(model.id, call_id) is not None:
        raise ImpossibleEvent.because(fact.type, "the call is claimed, or was asked about already")
    asked = Approval(model_step_id=model.id, call=fact.call)
    return turn.but(approvals=(*turn.approvals, asked))


def settle(session: Session, before: Turn, after: Turn, *, final: bool = False) -> Session:
    """Invariant: every call of a reply is answered in the transcript, in the reply's order, right
    behind it. That happens when the last answer is there, or at the end of the turn."""
    session = session.put_turn(after)
    step = after.last_model_step
    if step is None or step.status != "completed" or not step.calls:
        return session
    old = before.last_model_step
    if old is not None and old.status == "completed" and not before.unanswered(old):
        return session
    if after.unanswered(step) and not final:
        return session
    answers = after.answers(step.id)
    results = tuple(_result_message(answers.get(call.call_id), call) for call in step.calls)
    return session.but(pending=(*results, *session.pending))


def _result_message(answer: ToolStep | None, call: ToolCall) -> Message:
    result = answer.result if answer is not None else None
    output = "The call was not run: its turn had ended." if result is None else result.output
    return Message(role="tool", content=output, name=call.name, call_id=call.call_id)
