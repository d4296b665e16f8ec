"""Budgets: what was spent, and which budget that reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import Budget, BudgetName, Pause


@dataclass(frozen=True, slots=True)
class Spent:
    tokens: int
    cost: Decimal
    time: timedelta
    steps: int

    @classmethod
    def by(cls, of: Session | Turn, now: datetime) -> Spent:
        usage = of.usage
        return cls(
            tokens=usage.input_tokens + usage.output_tokens,
            cost=of.cost.total,
            time=of.worked(now),
            steps=usage.model_steps,
        )

    def reaches(self, budget: Budget) -> BudgetName | None:
        """The first bound that is used up."""
        return next(self._reached(budget), None)

    def _reached(self, budget: Budget) -> Iterator[BudgetName]:
        if budget.max_tokens is not None and self.tokens >= budget.max_tokens:
            yield "max_tokens"
        if budget.max_cost is not None and self.cost >= budget.max_cost:
            yield "max_cost"
        if budget.max_seconds is not None and self.time.total_seconds() >= budget.max_seconds:
            yield "max_seconds"
        if budget.max_steps is not None and self.steps >= budget.max_steps:
            yield "max_steps"


def session_pause(session: Session, now: datetime) -> Pause | None:
    """Why the session may not plan a step, whichever turn's."""
    if session.budget == Budget():
        return None
    reached = Spent.by(session, now).reaches(session.budget)
    return None if reached is None else Pause(scope="session", budget=reached)


def due_pause(session: Session, turn: Turn, now: datetime) -> Pause | None:
    """Why the turn may not plan a step; the tenant's budget is not known here."""
    if turn.budget != Budget():
        reached = Spent.by(turn, now).reaches(turn.budget)
        if reached is not None:
            return Pause(scope="turn", budget=reached)
    return session_pause(session, now)


def lifted(session: Session, turn: Turn, now: datetime) -> bool:
    """Whether the budget that a paused turn waits for has room again. A tenant's is not known
    here: what knows it resumes the turn."""
    match turn.pause:
        case Pause(scope="turn"):
            return Spent.by(turn, now).reaches(turn.budget) is None
        case Pause(scope="session"):
            return session_pause(session, now) is None
        case _:
            return False


def waits_for_tenant(session: Session) -> bool:
    """Whether it goes on by itself some time: with the tenant's next period."""
    active = session.active
    return active is not None and active.pause is not None and active.pause.scope == "tenant"
