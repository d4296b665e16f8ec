"""The observer port: who is told that a step or a turn has ended."""

from __future__ import annotations

from typing import Protocol

from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep


class Observer(Protocol):
    """Told once of each fact, by the process that wrote it, right behind the commit and on its
    event loop: it must neither block nor take time. What it raises is logged and goes no further.
    `session`, `turn` and `step` are as the fact left them. A class that inherits from this one
    needs to have only the methods that it has a use for."""

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        """A step is over, in whatever way: also one that its turn's end stopped, and a call that
        was refused (it has no `span_id`) or whose doubtful claim was given up (`released`)."""

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        """A `once` call may have run before its process died; the turn waits for somebody."""

    def turn_ended(self, session: Session, turn: Turn) -> None:
        """Behind the steps that ended with it. A turn that was cancelled in the queue has no
        steps and no `started_at`."""
