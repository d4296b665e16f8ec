"""What a step costs: exact decimal money, and the GPU time behind it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from agent_serving.domain.values import Value

NOTHING = Decimal(0)


class Cost(Value):
    """Money in one currency; `currency` is None where no prices are configured. The parts add up
    to `total`. `prefix_miss` is what computing lost cached tokens again cost: it is contained in
    `input`, so it is not a part of its own. Sums are exact: nothing is rounded."""

    currency: str | None = None
    input: Decimal = NOTHING
    cached_input: Decimal = NOTHING
    output: Decimal = NOTHING
    tool: Decimal = NOTHING
    kv_residency: Decimal = NOTHING
    gpu_seconds: Decimal = NOTHING
    prefix_miss: Decimal = NOTHING

    @property
    def total(self) -> Decimal:
        return self.input + self.cached_input + self.output + self.tool + self.kv_residency

    def __add__(self, other: Cost) -> Cost:
        return total_of((self, other))


FREE = Cost()
PARTS = ("input", "cached_input", "output", "tool", "kv_residency", "gpu_seconds", "prefix_miss")


def total_of(costs: Iterable[Cost]) -> Cost:
    """All of them added up: at most one new value, however many there are."""
    rows = [cost for cost in costs if cost != FREE]
    if len(rows) < 2:
        return rows[0] if rows else FREE
    return Cost(
        currency=next((row.currency for row in rows if row.currency is not None), None),
        **{part: sum((getattr(row, part) for row in rows), NOTHING) for part in PARTS},
    )
