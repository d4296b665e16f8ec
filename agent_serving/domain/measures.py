"""What is compared of two sets of turns, and what counts as like.

Prefill takes longer for a longer prompt, so its milliseconds are compared only between steps that
had to compute about as many tokens (within a tenth) behind about as long a prompt (within a half).
A time per uncached token would not do: a short prefill is mostly fixed cost, so the time per token
falls with the length, and another mix of lengths would look like a change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from agent_serving.domain.comparison import Measure, Observation
from agent_serving.domain.values import Timings, Usage, Value

NEGLIGIBLE = 0.01
"""A phase with less than this share of the steps' time, before and after, is not judged."""

_LIKE_TOKENS = 1.1
_LIKE_PROMPT = 1.5


class StepRow(Value):
    """A step that completed. `tool` is None of a model step. `attempts` are requests to the
    engine: where there are several, times and tokens are of all of them together."""

    tool: str | None
    attempts: int
    usage: Usage
    timings: Timings


class TurnRow(Value):
    """A turn that ended. `total_ms` is from its start to its end."""

    id: str
    session_id: str
    status: str
    started_at: datetime
    total_ms: float
    usage: Usage
    cost: Decimal | None = None
    currency: str | None = None
    steps: tuple[StepRow, ...] = ()


Unit = Literal["ms", "ms/token", "tokens", "money"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A measure: of each step that `of_step` has a value for, or of each turn."""

    name: str
    unit: Unit
    explanation: str
    of_step: Callable[[StepRow], float | None] | None = None
    of_turn: Callable[[TurnRow], float | None] | None = None
    like: Callable[[StepRow], Hashable] = lambda step: None
    share: Callable[[Timings], float] | None = None


def _size(step: StepRow) -> Hashable:
    usage = step.usage
    return (
        _bin(usage.uncached_tokens, _LIKE_TOKENS),
        _bin(usage.input_tokens, _LIKE_PROMPT),
    )


def _prompt(step: StepRow) -> Hashable:
    return _bin(step.usage.input_tokens, _LIKE_PROMPT)


def _bin(tokens: int, width: float) -> int:
    return -1 if tokens < 1 else math.floor(math.log(tokens) / math.log(width))


def _model(value: Callable[[StepRow], float | None]) -> Callable[[StepRow], float | None]:
    return lambda step: value(step) if step.tool is None else None


def _engine(value: Callable[[StepRow], float | None]) -> Callable[[StepRow], float | None]:
    """Of one request: of several nobody knows which did how much."""
    return lambda step: value(step) if step.tool is None and step.attempts == 1 else None


def _per_token(step: StepRow) -> float | None:
    """The first token comes with the prefill."""
    tokens = step.usage.output_tokens - 1
    return step.timings.decode_ms / tokens if tokens > 0 else None


KINDS: tuple[Kind, ...] = (
    Kind(
        "admission",
        "ms",
        "waiting for a place on a worker, per model step",
        of_step=_model(lambda step: step.timings.admission_ms),
        share=lambda timings: timings.admission_ms,
    ),
    Kind(
        "engine_queue",
        "ms",
        "waiting inside the engine, per model step",
        of_step=_model(lambda step: step.timings.engine_queue_ms),
        share=lambda timings: timings.engine_queue_ms,
    ),
    Kind(
        "prefill",
        "ms",
        "per model step, between steps with as many uncached tokens and as long a prompt",
        of_step=_engine(lambda step: step.timings.prefill_ms),
        like=_size,
        share=lambda timings: timings.prefill_ms,
    ),
    Kind(
        "decode",
        "ms/token",
        "per output token but the first, between steps with as long a prompt",
        of_step=_engine(_per_token),
        like=_prompt,
        share=lambda timings: timings.decode_ms,
    ),
    Kind(
        "tool",
        "ms",
        "per call, between calls of the same tool",
        of_step=lambda step: None if step.tool is None else step.timings.tool_ms,
        like=lambda step: step.tool,
        share=lambda timings: timings.tool_ms,
    ),
    Kind(
        "orchestration",
        "ms",
        "this service and its store, per step, between steps of the same kind",
        of_step=lambda step: max(step.timings.orchestration_ms, 0.0),
        like=lambda step: step.tool,
        share=lambda timings: max(timings.orchestration_ms, 0.0),
    ),
    Kind("total", "ms", "from a turn's start to its end", of_turn=lambda turn: turn.total_ms),
    Kind(
        "ttft",
        "ms",
        "to the first token, compared as prefill is",
        of_step=_engine(lambda step: step.timings.ttft_ms),
        like=_size,
    ),
    Kind(
        "itl",
        "ms",
        "median between two tokens, per model step, compared as decode is",
        of_step=_engine(lambda step: step.timings.itl_p50_ms),
        like=_prompt,
    ),
    Kind(
        "uncached_tokens",
        "tokens",
        "prompt tokens computed, per turn",
        of_turn=lambda turn: float(turn.usage.uncached_tokens),
    ),
    Kind(
        "output_tokens",
        "tokens",
        "per turn",
        of_turn=lambda turn: float(turn.usage.output_tokens),
    ),
    Kind(
        "cost",
        "money",
        "per turn",
        of_turn=lambda turn: None if turn.cost is None else float(turn.cost),
    ),
)

NAMES: tuple[str, ...] = tuple(kind.name for kind in KINDS)


def measures(
    before: Sequence[TurnRow], after: Sequence[TurnRow], names: Iterable[str] = NAMES
) -> Iterator[Measure]:
    """The measures of these names, in their own order. Costs in different currencies are not
    compared."""
    wanted = set(names)
    for kind in KINDS:
        if kind.name not in wanted:
            continue
        if kind.unit == "money" and len(_currencies(before) | _currencies(after)) > 1:
            yield Measure(kind.name, (), ())
            continue
        weighs = kind.share is None or max(_share(before, kind), _share(after, kind)) >= NEGLIGIBLE
        yield Measure(kind.name, _observed(before, kind), _observed(after, kind), judged=weighs)


def _observed(turns: Sequence[TurnRow], kind: Kind) -> tuple[Observation, ...]:
    found: list[Observation] = []
    for turn in turns:
        if kind.of_turn is not None:
            values: list[tuple[float | None, Hashable]] = [(kind.of_turn(turn), None)]
        else:
            assert kind.of_step is not None
            values = [(kind.of_step(step), kind.like(step)) for step in turn.steps]
        found += [
            Observation(turn.id, value, like)
            for value, like in values
            if value is not None and math.isfinite(value) and value >= 0
        ]
    return tuple(found)


def _share(turns: Sequence[TurnRow], kind: Kind) -> float:
    assert kind.share is not None
    all_timings = [step.timings for turn in turns for step in turn.steps]
    whole = sum(timings.total_ms for timings in all_timings)
    return sum(map(kind.share, all_timings)) / whole if whole else 0.0


def _currencies(turns: Sequence[TurnRow]) -> set[str]:
    return {turn.currency for turn in turns if turn.currency is not None}
