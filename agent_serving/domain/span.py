"""A finished span as a plain value, and the ids of our own: each follows from what it is the span
of, so the process that runs a turn, the one that adopts it and the ledger say the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

AttributeValue = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, AttributeValue]

SpanKind = Literal["internal", "server", "client"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SpanLink:
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class SpanEvent:
    name: str
    at_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """Ids are lower-case hex (32 and 16 digits), times nanoseconds since 1970. `error` is None
    where nothing failed, else what is to be read of it (it may be empty)."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: SpanKind
    start_ns: int
    end_ns: int
    attributes: Attributes
    error: str | None = None
    links: tuple[SpanLink, ...] = ()
    events: tuple[SpanEvent, ...] = field(default=())
    tracestate: str | None = None


def root_span_id(turn_id: str) -> str:
    """Of the turn's `invoke_agent` span."""
    return _derived(turn_id)


def attempt_span_id(step_span_id: str, number: int) -> str:
    """Of the `chat` span of an attempt (counted from 1). The engine is told this id."""
    return step_span_id if number == 1 else _derived(step_span_id, f"attempt {number}")


def phase_span_id(chat_span_id: str, phase: str) -> str:
    return _derived(chat_span_id, phase)


def refused_span_id(step_id: str) -> str:
    """Of a call that never ran, and so was given no span of its own."""
    return _derived(step_id)


def _derived(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def nanoseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1000
