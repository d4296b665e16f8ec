"""Whether a process that ran under a steady load has grown: what it takes at rest and at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEMORY_GROWTH = 0.05
"""Of the resident memory, from the first fifth of the time to the last, by medians: neither a peak
nor a moment of quiet decides."""
LEAST_SAMPLES = 10
FEW_TASKS = 2
FEW_FILES = 64
"""The connections of a pool are opened when so many are first needed at a time, and stay: up to 64
to Redis. What leaks passes that soon."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process takes at a moment; memory in bytes."""

    memory: float
    files: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Growth:
    """`problems` is empty where nothing grew; `memory` is the share by which it did."""

    memory: float
    problems: tuple[str, ...]


def growth(
    loaded: Sequence[Footprint],
    rested: Footprint,
    rested_again: Footprint,
    *,
    memory_growth: float = MEMORY_GROWTH,
) -> Growth:
    """`loaded` was taken at even intervals between two moments of rest, all behind the warm-up.
    From a share of `memory_growth` on the memory has grown.

    Raises ValueError for less than LEAST_SAMPLES.
    """
    if len(loaded) < LEAST_SAMPLES:
        raise ValueError(f"{len(loaded)} samples are too few to tell; {LEAST_SAMPLES} are needed")
    fifth = len(loaded) // 5
    first = median(each.memory for each in loaded[:fifth])
    last = median(each.memory for each in loaded[-fifth:])
    share = last / first - 1
    problems = []
    if share >= memory_growth:
        problems.append(
            f"memory grew by {share:.1%}, from {_mebibytes(first)} to {_mebibytes(last)}"
        )
    for name, few, before, after in (
        ("open files", FEW_FILES, rested.files, rested_again.files),
        ("tasks", FEW_TASKS, rested.tasks, rested_again.tasks),
    ):
        if after > before + few:
            problems.append(f"{name} leaked: {before} at rest before the load, {after} behind it")
    return Growth(share, tuple(problems))


def _mebibytes(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"
