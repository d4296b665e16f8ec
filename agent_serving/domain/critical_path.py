"""Which steps decided how long a turn took.

A turn goes in rounds: a model step, and the tools that its reply calls. Tools of a round run beside
each other, and may start while the reply still streams; the next round begins when the last of
them is done. So the path is found from the end: of each round the one that ended last decided when
the next could begin, and of the model step counts what was over when that one began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StepTime:
    """When a step ran: milliseconds since any one moment, `start` <= `end`."""

    id: str
    kind: Literal["model", "tool"]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the path. `step` is None where the turn waited for no step: work between steps."""

    step: str | None
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


def critical_path(steps: Sequence[StepTime], start: float, end: float) -> tuple[Segment, ...]:
    """The path of a turn from `start` to `end`; `steps` are in the ledger's order.

    Invariants: each segment begins where the one before ended, so the lengths add up to the turn's
    duration; no two tools of one round are on it. A step outside the turn, as two machines' clocks
    may have it, counts as far as it is inside.
    """
    path: list[Segment] = []
    reached = end
    for step in _deciders(steps):
        begun, ended = max(step.start, start), min(step.end, reached)
        if begun > ended:
            continue
        if ended < reached:
            path.append(Segment(None, ended, reached))
        path.append(Segment(step.id, begun, ended))
        reached = begun
    if reached > start:
        path.append(Segment(None, start, reached))
    return tuple(reversed(path))


def _deciders(steps: Sequence[StepTime]) -> Iterator[StepTime]:
    """The steps that decided, the last one first."""
    for model, tools in reversed(list(_rounds(steps))):
        slowest = max(tools, key=lambda tool: tool.end, default=None)
        if slowest is not None and (model is None or slowest.end > model.end):
            yield slowest
        if model is not None:
            yield model


def _rounds(steps: Sequence[StepTime]) -> Iterator[tuple[StepTime | None, list[StepTime]]]:
    model: StepTime | None = None
    tools: list[StepTime] = []
    for step in steps:
        if step.kind == "tool":
            tools.append(step)
            continue
        if model is not None or tools:
            yield model, tools
        model, tools = step, []
    if model is not None or tools:
        yield model, tools
