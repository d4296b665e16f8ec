"""The matrix of a campaign, as docs/reliability.md has it."""

from __future__ import annotations

from collections.abc import Iterable

from tests.chaos.campaign import Row

HEAD = (
    "| fault | times | turns | lost | not completed | duplicated | unpaired | gaps | in doubt "
    "| reconnects | slowest recovery |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)


def table(rows: Iterable[Row]) -> str:
    return HEAD + "".join(f"{line(row)}\n" for row in rows)


def line(row: Row) -> str:
    slowest = "none" if row.slowest is None else f"{row.slowest:.2f} s"
    cells = (
        row.fault, row.times, row.turns, row.lost, row.unfinished, row.duplicated, row.unpaired,
        row.gaps, row.doubts, row.reconnects, slowest,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"
