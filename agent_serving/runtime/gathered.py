"""An observer that is told a little later, of many things at once.

To make spans step by step, between other work and with cold caches, takes several times as long as
to make those of many steps one after another (`benchmarks/telemetry_cost.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports.observer import Observer

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.2


class Gathered(Observer):
    """Tells `observer` at most `WAIT_SECONDS` later, in order, on the same event loop; `flush`
    tells it now, as the end of a service has to. For what nobody reads at once: spans, which wait
    for their batch anyway."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waiting: list[Callable[[], None]] = []

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        self._later(lambda: self._observer.step_ended(session, turn, step))

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        self._later(lambda: self._observer.call_doubted(session, turn, step))

    def turn_ended(self, session: Session, turn: Turn) -> None:
        self._later(lambda: self._observer.turn_ended(session, turn))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for tell in waiting:
            try:
                tell()
            except Exception:
                log.exception("an observer failed")

    def _later(self, tell: Callable[[], None]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(WAIT_SECONDS, self.flush)
        self._waiting.append(tell)
