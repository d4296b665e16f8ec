"""What a step costs: exact decimal money, and the GPU time behind it."""

from __future__ import annotations

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
        return Cost(
            currency=self.currency or other.currency,
            input=self.input + other.input,
            cached_input=self.cached_input + other.cached_input,
            output=self.output + other.output,
            tool=self.tool + other.tool,
            kv_residency=self.kv_residency + other.kv_residency,
            gpu_seconds=self.gpu_seconds + other.gpu_seconds,
            prefix_miss=self.prefix_miss + other.prefix_miss,
        )
