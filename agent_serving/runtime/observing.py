"""What a committed fact means to those who watch: a step is over, a call is in doubt, a turn is
over."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from agent_serving.domain import events as e
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports.observer import Observer

log = logging.getLogger(__name__)

_ENDINGS = (
    e.ModelReplied,
    e.StepFailed,
    e.ToolFinished,
    e.ToolRejected,
    e.ToolReleased,
    e.TurnEnded,
)


class Observers:
    """All observers as one, none of which can harm the turn or another observer."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def tell(self, before: Session, after: Session, fact: e.AnyFact) -> None:
        """`after` is `before` with `fact`, which is durable."""
        for observer in self._observers:
            try:
                _tell(observer, before, after, fact)
            except Exception:
                log.exception("an observer failed on %s of %s", fact.type, after.id)


def _tell(observer: Observer, before: Session, after: Session, fact: e.AnyFact) -> None:
    if isinstance(fact, e.ToolDoubted):
        turn = after.turn(fact.turn_id)
        doubted = turn and next((s for s in turn.tool_steps if s.id == fact.step_id), None)
        if turn and doubted:
            observer.call_doubted(after, turn, doubted)
    elif isinstance(fact, _ENDINGS):
        turn = after.turn(fact.turn_id)
        if turn is None:
            return
        for step in _ended(before.turn(fact.turn_id), turn):
            observer.step_ended(after, turn, step)
        if isinstance(fact, e.TurnEnded):
            observer.turn_ended(after, turn)


def _ended(before: Turn | None, after: Turn) -> Iterator[ModelStep | ToolStep]:
    """The steps that are over now and were not before."""
    known = before.steps if before else ()
    for index, step in enumerate(after.steps):
        if step.ended_at is not None and (index >= len(known) or known[index].ended_at is None):
            yield step
