"""Short ways to say facts in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent_serving.domain import events as e
from agent_serving.domain.fold import apply, replay
from agent_serving.domain.session import Session
from agent_serving.domain.values import (
    Agent,
    Limits,
    MessageItem,
    Timings,
    ToolCall,
    ToolCallItem,
    ToolResult,
    ToolSpec,
    Usage,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float = 0.0) -> datetime:
    return START + timedelta(seconds=seconds)


ADD = ToolSpec(
    name="add",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    effect="pure",
)
PAY = ToolSpec(name="pay", parameters={"type": "object", "properties": {}}, effect="once")
ASK = ToolSpec(name="ask", parameters={"type": "object", "properties": {}}, executor="client")


def agent(**changes: Any) -> Agent:
    return Agent(
        id="agent_1", name="a", version=1, model="m", dialect="qwen", tools=(ADD, PAY, ASK)
    ).but(**changes)


def opened(**changes: Any) -> e.SessionOpened:
    return e.SessionOpened(at=at(), session_id="sess_1", tenant="default", agent=agent(**changes))


def message(text: str, role: str = "user", item_id: str = "item_u") -> MessageItem:
    return MessageItem(id=item_id, role=role, text=text)  # type: ignore[arg-type]


def accepted(turn_id: str = "turn_1", **changes: Any) -> e.TurnAccepted:
    return e.TurnAccepted(
        at=at(), turn_id=turn_id, input=(message("hi"),), trace_id="0" * 31 + "1"
    ).but(**changes)


def planned(session: Session, rendered: int = 10, step_id: str | None = None) -> e.StepPlanned:
    turn = session.active
    assert turn is not None
    return e.StepPlanned(
        at=at(),
        turn_id=turn.id,
        step_id=step_id or f"step_{len(turn.steps)}_{turn.id}",
        span_id="0" * 16,
        rendered_tokens=rendered,
        prompt_tokens=session.token_count + rendered,
        expected_tokens=session.token_count,
        max_new_tokens=100,
        tools_offered=True,
    )


def call_item(name: str = "add", arguments: str = '{"a":1,"b":2}', n: int = 0) -> ToolCallItem:
    return ToolCallItem(id=f"item_call_{n}", call_id=f"call_{n}", name=name, arguments=arguments)


def replied(session: Session, *items: Any, finish: str = "stop", tokens: int = 5) -> e.ModelReplied:
    turn = session.active
    assert turn is not None
    step = turn.last_model_step
    assert step is not None
    return e.ModelReplied(
        at=at(),
        turn_id=turn.id,
        step_id=step.id,
        items=items or (message("done", "assistant", "item_a"),),
        finish=finish,  # type: ignore[arg-type]
        output_tokens=tokens,
        reply_open=finish != "stop",
        attempt=e.Attempt(
            number=1,
            rid="r" * 32,
            worker="w",
            status="completed",
            usage=Usage(input_tokens=step.prompt_tokens, output_tokens=tokens, model_steps=1),
        ),
        timings=Timings(total_ms=1.0),
    )


def started(session: Session, call: ToolCall, **changes: Any) -> e.ToolStarted:
    turn = session.active
    assert turn is not None
    step = turn.last_model_step
    assert step is not None
    return e.ToolStarted(
        at=at(),
        turn_id=turn.id,
        step_id=f"step_t{len(turn.steps)}_{turn.id}",
        span_id="1" * 16,
        model_step_id=step.id,
        call=call,
        effect="pure",
        executor="server",
        **_said_so_far(step, call),
    ).but(**changes)


def _said_so_far(step: Any, call: ToolCall) -> dict[str, Any]:
    """While the reply streams, a claim brings the reply so far."""
    if step.status != "running":
        return {}
    item = ToolCallItem(id=f"item_{call.call_id}", **call.model_dump())
    known = [known for known in step.items if known.call_id != call.call_id]
    return {"items": (*known, item), "output_tokens": 3}


def finished(session: Session, call: ToolCall, output: str = "3") -> e.ToolFinished:
    turn = session.active
    assert turn is not None
    step = next(s for s in reversed(turn.tool_steps) if s.call == call)
    return e.ToolFinished(
        at=at(),
        turn_id=turn.id,
        step_id=step.id,
        name=call.name,
        result=ToolResult(call_id=call.call_id, output=output),
        timings=Timings(tool_ms=1.0, total_ms=1.0),
        resumes=turn.resumed_by(call.call_id),
    )


def ended(session: Session, status: str = "completed", **changes: Any) -> e.TurnEnded:
    turn = session.active
    assert turn is not None
    return e.TurnEnded(
        at=at(),
        turn_id=turn.id,
        status=status,  # type: ignore[arg-type]
        idle=not session.queue,
    ).but(**changes)


def session_with(*facts: e.AnyFact) -> Session:
    session = replay(facts)
    assert session is not None
    return session


def then(session: Session, *facts: Any) -> Session:
    """Fold facts, each given as such or as a function of the session before it."""
    for fact in facts:
        session = apply(session, fact(session) if callable(fact) else fact)
    return session


LIMITS = Limits()
