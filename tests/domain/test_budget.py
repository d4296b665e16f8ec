from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_serving.domain import decide
from agent_serving.domain import events as e
from agent_serving.domain.cost import Cost
from agent_serving.domain.decide import next_action
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.feed import project
from agent_serving.domain.fold import apply
from agent_serving.domain.session import Session
from agent_serving.domain.values import Budget, Limits, Pause
from tests.domain.facts import (
    accepted,
    at,
    call_item,
    ended,
    finished,
    opened,
    planned,
    replied,
    session_with,
    started,
    then,
)

CALL = call_item()
SPENT = Budget(max_steps=1)


def due(session: Session, seconds: float = 1.0) -> Any:
    return next_action(session, at(seconds))


def one_step(budget: Budget = SPENT, of_turn: Budget | None = None, **limits: Any) -> Session:
    """A turn whose first step and its call are done."""
    first = opened(limits=Limits(**limits)).but(budget=budget)
    return then(
        session_with(first, accepted(budget=of_turn or Budget())),
        planned,
        lambda s: _costing(replied(s, CALL)),
        lambda s: started(s, CALL.call),
        lambda s: finished(s, CALL.call),
    )


def _costing(fact: e.ModelReplied) -> e.ModelReplied:
    return fact.but(attempt=fact.attempt.but(cost=Cost(currency="EUR", output=Decimal("0.5"))))


def reached(session: Session, scope: Any = "session", seconds: float = 1.0) -> e.BudgetReached:
    turn = session.active
    assert turn is not None
    pause = Pause(scope=scope, budget="max_steps")
    return e.BudgetReached(at=at(seconds), turn_id=turn.id, pause=pause)


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_steps=1),
        Budget(max_tokens=15),
        Budget(max_cost=Decimal("0.5")),
        Budget(max_seconds=1.0),
    ],
)
def test_a_budget_that_is_reached_pauses_the_turn_before_its_next_step(budget: Budget) -> None:
    assert due(one_step(budget)).pause.scope == "session"
    assert due(one_step(Budget(), of_turn=budget)).pause.scope == "turn"
    (name,) = budget.model_dump(exclude_none=True)
    assert due(one_step(budget)).pause.budget == name


@pytest.mark.parametrize(
    "budget",
    [
        Budget(max_steps=2),
        Budget(max_tokens=16),
        Budget(max_cost=Decimal("0.500000001")),
        Budget(max_seconds=1.1),
    ],
)
def test_a_budget_with_room_lets_the_turn_go_on(budget: Budget) -> None:
    assert isinstance(due(one_step(budget, of_turn=budget)), decide.PlanStep)


def test_a_step_under_way_and_its_calls_are_finished_first() -> None:
    session = then(session_with(opened().but(budget=Budget(max_steps=0, max_tokens=0))), accepted())
    assert isinstance(due(session), decide.PauseTurn)
    session = then(session, planned)
    assert isinstance(due(session), decide.Generate)
    session = then(session, lambda s: replied(s, CALL))
    assert isinstance(due(session), decide.RunTools)


def test_an_answer_ends_the_turn_whatever_it_has_cost() -> None:
    session = then(session_with(opened().but(budget=SPENT)), accepted(), planned, replied)
    assert due(session) == decide.EndTurn(session.turns[0], "completed")


def test_a_limit_ends_the_turn_before_a_budget_holds_it_up() -> None:
    action = due(one_step(SPENT, max_steps=1))
    assert isinstance(action, decide.EndTurn)
    assert action.reason == "max_steps"


def test_the_cost_limit_ends_the_turn() -> None:
    action = due(one_step(Budget(), max_cost=Decimal("0.5")))
    assert isinstance(action, decide.EndTurn)
    assert (action.status, action.reason) == ("incomplete", "max_cost")
    assert isinstance(due(one_step(Budget(), max_cost=Decimal("0.6"))), decide.PlanStep)


def test_a_paused_turn_waits_and_tells_what_for() -> None:
    session = then(one_step(), reached)
    assert session.status == "budget_reached"
    assert session.turns[0].status == "waiting"
    assert due(session, 10_000) == decide.Rest()
    told = [event.type for event in project(reached(one_step()))]
    assert told == ["turn.waiting", "session.budget_reached"]


def test_a_raised_budget_resumes_the_turn_where_it_was() -> None:
    session = then(one_step(), reached, e.SessionChanged(at=at(5), budget=Budget(max_steps=2)))
    assert isinstance(due(session), decide.ResumeTurn)
    resumed = then(session, e.TurnResumed(at=at(31), turn_id="turn_1"))
    assert resumed.status == "in_progress"
    assert resumed.turns[0].waited == timedelta(seconds=30)
    assert isinstance(due(resumed), decide.PlanStep)
    before = one_step()
    assert (resumed.turns[0].steps, resumed.pending) == (before.turns[0].steps, before.pending)


def test_a_turns_own_budget_is_raised_on_the_turn() -> None:
    session = then(one_step(Budget(), of_turn=SPENT), lambda s: reached(s, "turn"))
    raised = e.SessionChanged(at=at(), budget=Budget(max_steps=9))
    assert due(then(session, raised)) == decide.Rest()
    raised_turn = e.TurnBudgeted(at=at(), turn_id="turn_1", budget=Budget(max_steps=2))
    assert isinstance(due(then(session, raised_turn)), decide.ResumeTurn)


def test_a_tenants_budget_is_not_lifted_by_the_session() -> None:
    session = then(one_step(Budget()), lambda s: reached(s, "tenant"))
    assert due(session) == decide.Rest()


@pytest.mark.parametrize("reason", ["cancel", "interrupt"])
def test_a_paused_turn_can_be_cancelled_and_interrupted(reason: Any) -> None:
    session = then(
        one_step(), reached, e.CancelRequested(at=at(2), turn_id="turn_1", reason=reason)
    )
    action = due(session)
    assert isinstance(action, decide.EndTurn)
    session = then(session, lambda s: ended(s, "cancelled").but(at=at(60)))
    assert session.status == "idle"
    assert session.turns[0].pause is None
    assert session.spent_time == timedelta(seconds=1)


def test_wall_time_leaves_out_what_a_turn_waited() -> None:
    session = then(one_step(), reached)
    assert session.worked(at(1000)) == timedelta(seconds=1)
    resumed = then(session, e.TurnResumed(at=at(500), turn_id="turn_1"))
    assert resumed.worked(at(502)) == timedelta(seconds=3)


def test_only_a_turn_that_stands_between_two_steps_can_be_paused() -> None:
    for session in (
        then(session_with(opened()), accepted(), planned),
        then(session_with(opened()), accepted(), planned, lambda s: replied(s, CALL)),
        then(one_step(), reached),
    ):
        with pytest.raises(ImpossibleEvent):
            apply(session, reached(session))


def test_only_a_paused_turn_can_be_resumed() -> None:
    with pytest.raises(ImpossibleEvent):
        apply(one_step(), e.TurnResumed(at=at(), turn_id="turn_1"))


def test_the_budget_of_a_turn_that_is_over_cannot_be_changed() -> None:
    session = then(session_with(opened()), accepted(), planned, replied, ended)
    with pytest.raises(ImpossibleEvent):
        apply(session, e.TurnBudgeted(at=at(), turn_id="turn_1", budget=Budget()))
