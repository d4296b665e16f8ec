"""A turn on the axis of its time: when each step, each attempt and each phase began and ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent_serving.cli.rest import Json
from agent_serving.domain import span_names as names
from agent_serving.domain.critical_path import Segment, StepTime, critical_path

RUNNING = "running"
TOOL = "tool"
ORCHESTRATION = "orchestration"


@dataclass(frozen=True, slots=True)
class Part:
    """Milliseconds since the turn's start. `name` is a phase."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A step, or one attempt of a step that had several; `parts` are those of its time that a
    phase took, the rest is orchestration."""

    start: float
    end: float
    parts: tuple[Part, ...]
    attempt: Json | None = None


@dataclass(frozen=True, slots=True)
class TimedStep:
    row: Json
    bar: Bar
    attempts: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """`duration` in milliseconds, up to now where the turn runs; `queued` is how long it waited
    for the session's turns before it."""

    turn: Json
    steps: tuple[TimedStep, ...]
    duration: float
    queued: float
    path: tuple[Segment, ...]

    @property
    def decided(self) -> dict[str, float]:
        """Milliseconds of the critical path, by step."""
        return {each.step: each.length for each in self.path if each.step is not None}


def timeline(turn: Json, steps: Sequence[Json], trace: Json, now: datetime) -> Timeline:
    """From the REST API's turn, steps and trace (OTLP). The trace holds the phases of steps that
    are over."""
    start = _time(turn["started_at"] or turn["created_at"])
    duration = max((_time(turn["ended_at"]) if turn["ended_at"] else now) - start, _ZERO)
    spans = _spans(trace, start)
    timed = tuple(
        _timed(step, spans.get(step["id"], []), start, duration.total_seconds() * 1000)
        for step in steps
    )
    whole = duration.total_seconds() * 1000
    times = [
        StepTime(
            step.row["id"],
            "tool" if step.row["kind"] == "tool" else "model",
            step.bar.start,
            step.bar.end,
        )
        for step in timed
    ]
    return Timeline(
        turn=turn,
        steps=timed,
        duration=whole,
        queued=(start - _time(turn["created_at"])).total_seconds() * 1000,
        path=critical_path(times, 0.0, whole),
    )


_ZERO = datetime.min - datetime.min


def _timed(step: Json, attempts: Sequence[Bar], start: datetime, whole: float) -> TimedStep:
    begun = (_time(step["started_at"]) - start).total_seconds() * 1000
    ended = (
        (_time(step["ended_at"]) - start).total_seconds() * 1000
        if step["ended_at"] is not None
        else max(whole, begun)
    )
    ended = max(ended, begun)
    if step["ended_at"] is None:
        parts: tuple[Part, ...] = (Part(RUNNING, begun, ended),)
    elif step["kind"] == "tool":
        parts = (Part(TOOL, begun, ended),)
    else:
        parts = tuple(part for attempt in attempts for part in attempt.parts)
    told = {attempt["number"]: attempt for attempt in step["attempts"]}
    bars = [
        Bar(bar.start, bar.end, bar.parts, told[number])
        for number, bar in enumerate(attempts, start=1)
        if number in told
    ]
    return TimedStep(step, Bar(begun, ended, parts), tuple(bars) if len(told) > 1 else ())


def _spans(trace: Json, start: datetime) -> dict[str, list[Bar]]:
    """The attempts of each model step, in their order, with their phases."""
    spans = [
        span
        for resource in trace["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    phases: dict[str, list[Part]] = {}
    for span in spans:
        if span["name"] in names.PHASES:
            began, ended = _interval(span, start)
            phases.setdefault(span["parentSpanId"], []).append(Part(span["name"], began, ended))
    found: dict[str, list[tuple[int, Bar]]] = {}
    for span in spans:
        attributes = _attributes(span["attributes"])
        if attributes.get(names.OPERATION_NAME) == names.CHAT and names.STEP_ID in attributes:
            bar = Bar(*_interval(span, start), tuple(phases.get(span["spanId"], ())))
            number = int(attributes.get(names.ATTEMPT, 1))
            found.setdefault(attributes[names.STEP_ID], []).append((number, bar))
    return {
        step: [bar for _, bar in sorted(bars, key=lambda pair: pair[0])]
        for step, bars in found.items()
    }


def _interval(span: Json, start: datetime) -> tuple[float, float]:
    origin = round(start.timestamp() * 1_000_000) * 1000
    began, ended = (int(span[f"{edge}TimeUnixNano"]) - origin for edge in ("start", "end"))
    return began / 1e6, ended / 1e6


def _attributes(pairs: Iterable[Json]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in pairs}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
