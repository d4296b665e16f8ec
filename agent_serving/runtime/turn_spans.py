"""Each step's spans, sent on their way as the step ends."""

from __future__ import annotations

from agent_serving.domain.session import Session, Turn
from agent_serving.domain.span_content import Capture
from agent_serving.domain.spans import step_spans, turn_span
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports.observer import Observer
from agent_serving.ports.tracer import Tracer


class TurnSpans(Observer):
    def __init__(self, tracer: Tracer, capture: Capture = Capture.NO_CONTENT) -> None:
        self._tracer = tracer
        self._capture = capture

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        if turn.sampled:
            self._tracer.export(step_spans(session, turn, step, self._capture))

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        """It is not over: its span comes with its end."""
        return

    def turn_ended(self, session: Session, turn: Turn) -> None:
        if turn.sampled:
            self._tracer.export([turn_span(session, turn, self._capture)])
