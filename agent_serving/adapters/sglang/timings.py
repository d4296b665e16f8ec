"""What one streamed reply cost: the engine's own clock where it reports one, else ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from agent_serving.domain.values import Timings, Usage


@dataclass(slots=True)
class Stopwatch:
    """Seconds on one monotonic clock. `arrivals` has (when, how many tokens) of each chunk."""

    sent: float
    ended: float | None = None
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    def chunk(self, at: float, tokens: int) -> None:
        if tokens:
            self.arrivals.append((at, tokens))


@dataclass(frozen=True, slots=True)
class Phases:
    """Milliseconds, none negative."""

    queue: float
    prefill: float
    decode: float


def usage_of(meta: Mapping[str, Any]) -> Usage:
    """Tokens alone, from the `meta_info` of the last frame."""
    return Usage(
        input_tokens=_count(meta, "prompt_tokens"),
        cached_tokens=_count(meta, "cached_tokens"),
        output_tokens=_count(meta, "completion_tokens"),
        reasoning_tokens=_count(meta, "reasoning_tokens"),
    )


def timings_of(watch: Stopwatch, meta: Mapping[str, Any]) -> Timings:
    """Phases fit into the total: each is cut to what those before it left."""
    ended = watch.ended if watch.ended is not None else watch.sent
    total = max(ended - watch.sent, 0.0) * 1000
    ttft = (watch.arrivals[0][0] - watch.sent) * 1000 if watch.arrivals else None
    phases = _reported(meta) or _measured(total, ttft)
    queue = min(phases.queue, total)
    prefill = min(phases.prefill, total - queue)
    gaps = token_gaps(watch.arrivals)
    return Timings(
        engine_queue_ms=queue,
        prefill_ms=prefill,
        decode_ms=min(phases.decode, total - queue - prefill),
        total_ms=total,
        ttft_ms=ttft,
        itl_p50_ms=percentile(gaps, 0.5),
        itl_p99_ms=percentile(gaps, 0.99),
    )


def token_gaps(arrivals: Sequence[tuple[float, int]]) -> list[float]:
    """Milliseconds between tokens. Tokens that arrive together share the gap before them."""
    gaps: list[float] = []
    for (before, _), (now, tokens) in pairwise(arrivals):
        gaps += [(now - before) * 1000 / tokens] * tokens
    return gaps


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest rank; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def _reported(meta: Mapping[str, Any]) -> Phases | None:
    """From a server with --enable-metrics. Its stamps are overwritten when a request is retracted
    and prefilled again, so they say nothing then."""
    queued = _seconds(meta, "queue_time")
    entered = _seconds(meta, "forward_entry_time")
    prefilled = _seconds(meta, "prefill_finished_time")
    finished = _seconds(meta, "request_finished_ts")
    if queued is None or entered is None or prefilled is None or finished is None:
        return None
    if _count(meta, "num_retractions") or not entered <= prefilled <= finished:
        return None
    return Phases(
        queue=max(queued, 0.0) * 1000,
        prefill=(prefilled - entered) * 1000,
        decode=(finished - prefilled) * 1000,
    )


def _measured(total: float, ttft: float | None) -> Phases:
    """From outside, waiting in the engine's queue cannot be told from prefill."""
    first = total if ttft is None else min(ttft, total)
    return Phases(queue=0.0, prefill=first, decode=total - first)


def _count(meta: Mapping[str, Any], key: str) -> int:
    value = meta.get(key)
    return value if isinstance(value, int) else 0


def _seconds(meta: Mapping[str, Any], key: str) -> float | None:
    value = meta.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
