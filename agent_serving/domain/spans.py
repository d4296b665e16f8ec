"""The spans of a turn, made from its steps: what is exported when a step ends, and what the ledger
tells of it later, are the same values.

    invoke_agent {agent}                        the turn
      chat {model}                              one for each attempt of each model step
        admission, engine.queue, engine.prefill, engine.decode
      execute_tool {name}                       one for each call

Invariant: a span lies within its parent, and what stands side by side in a model step does not
overlap, whatever the clocks of the replicas said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent_serving.domain import span_names as n
from agent_serving.domain.events import Attempt
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.span import (
    Attributes,
    Span,
    SpanEvent,
    SpanLink,
    attempt_span_id,
    nanoseconds,
    phase_span_id,
    refused_span_id,
    root_span_id,
)
from agent_serving.domain.span_attributes import (
    chat_attributes,
    tool_attributes,
    turn_attributes,
)
from agent_serving.domain.span_content import Capture, chat_content, tool_content, turn_content
from agent_serving.domain.step import ModelStep, Step, ToolStep

LONGEST_ERROR = 512


@dataclass(frozen=True, slots=True)
class Interval:
    """Nanoseconds since 1970; `end` is not before `start`."""

    start: int
    end: int

    def part(self, start: int, end: int) -> Interval:
        """From `start` to `end`, cut to what lies in here."""
        start = min(max(start, self.start), self.end)
        return Interval(start, min(max(end, start), self.end))


def turn_spans(
    session: Session, turn: Turn, capture: Capture = Capture.NO_CONTENT
) -> Iterator[Span]:
    """All of them, the root first; of a turn that runs, what is over by now."""
    yield turn_span(session, turn, capture)
    for step in turn.steps:
        if step.ended_at is not None:
            yield from step_spans(session, turn, step, capture)


def turn_span(session: Session, turn: Turn, capture: Capture = Capture.NO_CONTENT) -> Span:
    """The root. One of a turn that runs ends with the last fact of its session."""
    start = nanoseconds(turn.created_at)
    ends = [nanoseconds(turn.ended_at or session.updated_at)]
    ends += [_bounds(turn, step).end for step in turn.steps if step.ended_at is not None]
    end = max(start, *ends)
    content = turn_content(session, turn) if capture.on_span or capture.in_event else {}
    return Span(
        name=f"{n.INVOKE_AGENT} {session.agent.name}",
        trace_id=turn.trace_id,
        span_id=root_span_id(turn.id),
        parent_span_id=turn.parent_span_id,
        kind="internal",
        start_ns=start,
        end_ns=end,
        attributes={**turn_attributes(session, turn), **(content if capture.on_span else {})},
        error=_failure(turn) if turn.status == "failed" else None,
        links=_previous(session, turn),
        events=_details(content if capture.in_event else {}, end),
        tracestate=turn.tracestate,
    )


def step_spans(
    session: Session, turn: Turn, step: Step, capture: Capture = Capture.NO_CONTENT
) -> Iterator[Span]:
    """Of a step that has ended."""
    if isinstance(step, ToolStep):
        yield _tool_span(session, turn, step, capture)
        return
    bounds = _bounds(turn, step)
    if not step.attempts:
        yield _chat_span(session, turn, step, None, bounds, capture)
    for attempt, interval in _attempts(step, bounds):
        chat = _chat_span(session, turn, step, attempt, interval, capture)
        yield chat
        yield from _phase_spans(turn, chat, attempt)


# --- where the time went --------------------------------------------------------------------


def _bounds(turn: Turn, step: Step) -> Interval:
    """No step begins before its turn."""
    start = max(nanoseconds(step.started_at), nanoseconds(turn.created_at))
    return Interval(start, max(start, nanoseconds(step.ended_at or step.started_at)))


def _attempts(step: ModelStep, bounds: Interval) -> Iterator[tuple[Attempt, Interval]]:
    """One after another. Of an attempt whose process died nobody could say when it began or how
    long it took: it fills the time between the one before and the one after."""
    starts = [None if a.started_at is None else nanoseconds(a.started_at) for a in step.attempts]
    at = bounds.start
    for attempt, known, after in zip(step.attempts, starts, [*starts, None][1:], strict=True):
        start = at if known is None else max(known, at)
        end = start + _ns(attempt.timings.total_ms)
        if known is None and not attempt.timings.total_ms:
            end = bounds.end if after is None else after
        interval = bounds.part(start, end)
        at = interval.end
        yield attempt, interval


def _phases(attempt: Attempt, interval: Interval) -> Iterator[tuple[str, Interval]]:
    """Prefill ends with the first token, and its time to first token is known: what this leaves
    between admission and the engine's queue went to the network and to the engine's front."""
    timings = attempt.timings
    engine = timings.engine_queue_ms + timings.prefill_ms
    spare = timings.total_ms - timings.admission_ms - engine - timings.decode_ms
    way = 0.0 if timings.ttft_ms is None else min(timings.ttft_ms - engine, spare)
    at = interval.start
    for name, before, lasted in (
        (n.ADMISSION, 0.0, timings.admission_ms),
        (n.ENGINE_QUEUE, max(way, 0.0), timings.engine_queue_ms),
        (n.ENGINE_PREFILL, 0.0, timings.prefill_ms),
        (n.ENGINE_DECODE, 0.0, timings.decode_ms),
    ):
        at += _ns(before)
        if lasted > 0 or attempt.status == "completed":
            yield name, interval.part(at, at + _ns(lasted))
        at += _ns(lasted)


def _ns(milliseconds: float) -> int:
    return max(round(milliseconds * 1_000_000), 0)


# --- spans ----------------------------------------------------------------------------------


def _chat_span(
    session: Session,
    turn: Turn,
    step: ModelStep,
    attempt: Attempt | None,
    interval: Interval,
    capture: Capture,
) -> Span:
    counted = attempt is None or attempt is step.attempts[-1]
    captured = counted and capture is not Capture.NO_CONTENT
    content = chat_content(turn, step) if captured else {}
    failure = attempt.error if attempt is not None else step.error
    attributes = chat_attributes(session, turn, step, attempt)
    return Span(
        name=f"{n.CHAT} {session.agent.model}",
        trace_id=turn.trace_id,
        span_id=attempt_span_id(step.span_id, attempt.number if attempt else 1),
        parent_span_id=root_span_id(turn.id),
        kind="client",
        start_ns=interval.start,
        end_ns=interval.end,
        attributes={**attributes, **(content if capture.on_span else {})},
        error=None if failure is None else failure.message[:LONGEST_ERROR],
        events=_details(content if capture.in_event else {}, interval.end),
        tracestate=turn.tracestate,
    )


def _phase_spans(turn: Turn, chat: Span, attempt: Attempt) -> Iterator[Span]:
    for name, interval in _phases(attempt, Interval(chat.start_ns, chat.end_ns)):
        yield Span(
            name=name,
            trace_id=turn.trace_id,
            span_id=phase_span_id(chat.span_id, name),
            parent_span_id=chat.span_id,
            kind="internal",
            start_ns=interval.start,
            end_ns=interval.end,
            attributes={},
            tracestate=turn.tracestate,
        )


def _tool_span(session: Session, turn: Turn, step: ToolStep, capture: Capture) -> Span:
    bounds = _bounds(turn, step)
    content = tool_content(step) if capture is not Capture.NO_CONTENT else {}
    failed = step.result is None or step.result.outcome != "ok"
    return Span(
        name=f"{n.EXECUTE_TOOL} {step.call.name}",
        trace_id=turn.trace_id,
        span_id=step.span_id or refused_span_id(step.id),
        parent_span_id=root_span_id(turn.id),
        kind="internal",
        start_ns=bounds.start,
        end_ns=bounds.end,
        attributes={
            **tool_attributes(session, turn, step),
            **(content if capture.on_span else {}),
        },
        # What a tool says went wrong is content; `error.type` tells the kind.
        error="" if failed else None,
        events=_details(content if capture.in_event else {}, bounds.end),
        tracestate=turn.tracestate,
    )


def _failure(turn: Turn) -> str:
    return "" if turn.error is None else turn.error.message[:LONGEST_ERROR]


def _details(content: Attributes, at_ns: int) -> tuple[SpanEvent, ...]:
    return (SpanEvent(n.OPERATION_DETAILS, at_ns, content),) if content else ()


def _previous(session: Session, turn: Turn) -> tuple[SpanLink, ...]:
    """To the turn before it in the session."""
    if turn.index == 0:
        return ()
    before = session.turns[turn.index - 1]
    return (SpanLink(before.trace_id, root_span_id(before.id)),)
