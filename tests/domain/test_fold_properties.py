"""Random lives of a session: whatever is tried, possible or not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent_serving.domain import events as e
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.events import FACT
from agent_serving.domain.feed import project
from agent_serving.domain.fold import apply, replay
from agent_serving.domain.session import Session
from agent_serving.domain.values import Budget, Failure, Pause, ToolResult, Usage
from tests.domain.facts import (
    accepted,
    at,
    call_item,
    ended,
    finished,
    message,
    opened,
    planned,
    replied,
    session_with,
    started,
)

Attempted = Callable[[Session], e.AnyFact]

CALLS = tuple(call_item(n=n) for n in range(3))
FAILED = e.Attempt(number=1, rid="r", worker="w", status="failed")


def _turn_id(session: Session) -> str:
    return session.active.id if session.active else "turn_0"


def _step_id(session: Session) -> str:
    step = session.active.last_model_step if session.active else None
    return step.id if step else "step_none"


def _tool_step_id(session: Session) -> str:
    steps = session.active.tool_steps if session.active else ()
    return steps[-1].id if steps else "step_none"


def _rejected(session: Session, n: int) -> e.ToolRejected:
    return e.ToolRejected(
        at=at(),
        turn_id=_turn_id(session),
        step_id=f"step_x{session.version}",
        model_step_id=_step_id(session),
        call=CALLS[n].call,
        result=ToolResult(call_id=CALLS[n].call_id, output="no", outcome="invalid"),
    )


def _resolved(session: Session, *, approved: bool) -> e.ApprovalResolved:
    turn = session.active
    assert turn is not None
    call_id = CALLS[2].call_id
    return e.ApprovalResolved(
        at=at(),
        turn_id=turn.id,
        call_id=call_id,
        approved=approved,
        resumes=turn.resumed_by(call_id),
    )


ATTEMPTS: dict[str, Attempted] = {
    "accept": lambda s: accepted(f"turn_{len(s.turns)}"),
    "queue": lambda s: accepted(f"turn_{len(s.turns)}", queued=True),
    "begin": lambda s: e.TurnBegan(at=at(), turn_id=s.queue[0].id if s.queue else "turn_0"),
    "steer": lambda s: e.TurnSteered(at=at(), turn_id=_turn_id(s), input=(message("x"),)),
    "cancel": lambda s: e.CancelRequested(at=at(), turn_id=_turn_id(s)),
    "plan": lambda s: planned(s),
    "restart": lambda s: e.StepRestarted(
        at=at(), turn_id=_turn_id(s), step_id=_step_id(s), attempt=FAILED
    ),
    "go on": lambda s: e.StepResumed(
        at=at(), turn_id=_turn_id(s), step_id=_step_id(s), attempt=FAILED, kept_tokens=3
    ),
    "fail": lambda s: e.StepFailed(
        at=at(),
        turn_id=_turn_id(s),
        step_id=_step_id(s),
        attempt=FAILED,
        error=Failure(code="x", message="y"),
    ),
    "answer": lambda s: replied(s),
    "reject answer": lambda s: e.AnswerRejected(
        at=at(), turn_id=_turn_id(s), step_id=_step_id(s), item=message("again")
    ),
    "call": lambda s: replied(s, *CALLS),
    "cut": lambda s: replied(s, CALLS[0], finish="length"),
    "start 0": lambda s: started(s, CALLS[0].call),
    "start 1": lambda s: started(s, CALLS[1].call, executor="client"),
    "start 2": lambda s: started(s, CALLS[2].call, effect="once"),
    "reject 1": lambda s: _rejected(s, 1),
    "finish 0": lambda s: finished(s, CALLS[0].call),
    "finish 1": lambda s: finished(s, CALLS[1].call),
    "finish 2": lambda s: finished(s, CALLS[2].call),
    "doubt": lambda s: e.ToolDoubted(at=at(), turn_id=_turn_id(s), step_id=_tool_step_id(s)),
    "release": lambda s: e.ToolReleased(at=at(), turn_id=_turn_id(s), step_id=_tool_step_id(s)),
    "ask 2": lambda s: e.ApprovalRequested(
        at=at(), turn_id=_turn_id(s), model_step_id=_step_id(s), call=CALLS[2].call
    ),
    "agree 2": lambda s: _resolved(s, approved=True),
    "deny 2": lambda s: _resolved(s, approved=False),
    "wait": lambda s: e.TurnWaited(at=at(), turn_id=_turn_id(s), call_ids=("call_1",)),
    "pause": lambda s: e.BudgetReached(
        at=at(), turn_id=_turn_id(s), pause=Pause(scope="session", budget="max_steps")
    ),
    "resume": lambda s: e.TurnResumed(at=at(), turn_id=_turn_id(s)),
    "budget": lambda s: e.TurnBudgeted(at=at(), turn_id=_turn_id(s), budget=Budget(max_steps=9)),
    "end": lambda s: ended(s),
    "end cancelled": lambda s: ended(s, "cancelled"),
    "close": lambda s: e.SessionClosed(at=at()),
}

# Weighted towards a life that gets somewhere.
LIVES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "accept",
                "plan",
                "call",
                "answer",
                "start 0",
                "start 1",
                "finish 0",
                "finish 1",
                "ask 2",
            ]
        ),
        st.sampled_from([name for name in ATTEMPTS if name != "close"]),
    ),
    max_size=60,
)


def live(names: list[str]) -> tuple[Session, list[e.AnyFact], int]:
    first = opened()
    session, facts, refused = session_with(first), [first], 0
    for name in names:
        try:
            fact = ATTEMPTS[name](session)
        except (AssertionError, StopIteration):
            continue  # there is nothing to speak of yet
        try:
            session = apply(session, fact)
        except ImpossibleEvent:
            refused += 1
        else:
            facts.append(fact)
    return session, facts, refused


@given(LIVES)
@settings(max_examples=300)
def test_replaying_the_log_gives_the_live_session(names: list[str]) -> None:
    session, facts, _ = live(names)
    written = [FACT.validate_json(fact.model_dump_json()) for fact in facts]
    assert replay(written) == session


@given(LIVES, st.integers(0, 60))
@settings(max_examples=200)
def test_replaying_from_any_snapshot_gives_the_live_session(names: list[str], cut: int) -> None:
    session, facts, _ = live(names)
    before = replay(facts[:cut])
    snapshot = None if before is None else Session.model_validate_json(before.model_dump_json())
    assert replay(facts[cut:], snapshot) == session


@given(LIVES, st.sampled_from(sorted(ATTEMPTS)))
@settings(max_examples=300)
def test_an_impossible_fact_changes_nothing(names: list[str], name: str) -> None:
    session, _, _ = live(names)
    written = session.model_dump_json()
    with contextlib.suppress(AssertionError, StopIteration, ImpossibleEvent):
        apply(session, ATTEMPTS[name](session))
    assert session.model_dump_json() == written


@given(LIVES)
@example(["accept", "plan", "start 0", "fail", "end"])
@settings(max_examples=300)
def test_every_call_of_a_finished_turn_has_exactly_one_result_in_the_transcript(
    names: list[str],
) -> None:
    _, facts, _ = live(names)
    told: list[str | None] = []
    session: Session | None = None
    for fact in facts:
        before = session.pending if session else ()
        session = apply(session, fact)
        told += [m.call_id for m in session.pending if m.role == "tool" and m not in before]
        if isinstance(fact, e.TurnEnded) and session.active is None:
            steps = [step for turn in session.turns for step in turn.model_steps]
            # A reply that its turn cut short asks for what it had claimed.
            asked = [call.call_id for step in steps for call in step.calls]
            assert sorted(filter(None, told)) == sorted(asked)


@given(LIVES)
@settings(max_examples=200)
def test_every_fact_has_public_events_and_the_tokens_add_up(names: list[str]) -> None:
    session, facts, _ = live(names)
    assert all(project(fact) for fact in facts)
    added = sum(
        fact.rendered_tokens
        if isinstance(fact, e.StepPlanned)
        else fact.output_tokens
        if isinstance(fact, e.ModelReplied | e.ToolStarted)
        else 0
        for fact in facts
    )
    assert session.token_count == added


@given(LIVES)
@settings(max_examples=200)
def test_the_usage_of_a_session_is_that_of_its_turns(names: list[str]) -> None:
    session, _, _ = live(names)
    assert session.usage == sum((turn.usage for turn in session.turns), Usage())


def test_the_random_lives_reach_replies_results_and_ends() -> None:
    """Guards the properties above against becoming empty."""
    _, facts, refused = live(
        [
            "accept",
            "plan",
            "call",
            "start 0",
            "start 1",
            "reject 1",
            "ask 2",
            "start 2",
            "agree 2",
            "start 2",
            "finish 0",
            "finish 1",
            "finish 2",
            "plan",
            "answer",
            "end",
        ]
    )
    kinds = {fact.type for fact in facts}
    assert {"model_replied", "tool_finished", "turn_ended", "approval_resolved"} <= kinds
    assert refused == 2
