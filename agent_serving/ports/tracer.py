"""The tracer port: where finished spans go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from agent_serving.domain.span import Attributes, Span


@dataclass(frozen=True, slots=True)
class SpanCounts:
    """Since the start. `lost`: refused by a full queue, by the collector, or given up at the end;
    `waiting`: neither delivered nor lost so far."""

    delivered: int
    lost: int
    waiting: int


class Tracer(Protocol):
    """A deployment without a collector has none, and makes no spans."""

    @property
    def resource(self) -> Attributes:
        """What the spans are of: `service.name` and what else the operator says."""
        ...

    def samples(self, trace_id: str, name: str, *, parent_sampled: bool | None) -> bool:
        """Whether a trace is recorded. `parent_sampled` is what the caller's `traceparent` says;
        None where there was none. The same answer for the same question."""
        ...

    def export(self, spans: Iterable[Span]) -> None:
        """Take finished spans of a sampled trace. Never blocks and never raises: what cannot be
        delivered is counted."""
        ...

    def counts(self) -> SpanCounts: ...
