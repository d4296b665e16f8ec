"""Observers that are told a little later, of many things at once.

To make spans and metrics of one step takes several times as long between other work, with cold
caches, as it does for one step after another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from agent_serving.domain.session import ModelStep, Session, ToolStep, Turn
from agent_serving.ports.observer import Observer

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.2


class Gathered(Observer):
    """Tells its observers at most `WAIT_SECONDS` later, in order, on the same event loop; `flush`
    tells them now, as the end of a service has to."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._waiting: list[Callable[[Observer], None]] = []

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        self._later(lambda observer: observer.step_ended(session, turn, step))

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        self._later(lambda observer: observer.call_doubted(session, turn, step))

    def turn_ended(self, session: Session, turn: Turn) -> None:
        self._later(lambda observer: observer.turn_ended(session, turn))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for observer in self._observers:
            for tell in waiting:
                try:
                    tell(observer)
                except Exception:
                    log.exception("an observer failed")

    def _later(self, tell: Callable[[Observer], None]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self.flush)
        self._waiting.append(tell)
