"""What all answers are made of: times, tokens, money, milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from agent_serving.domain import cost as costs
from agent_serving.domain import values
from agent_serving.domain.feed import timings_data


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.123456Z"]}
    ),
]


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepUsage(View):
    """Tokens, all attempts together. `input_tokens` are cached and uncached ones;
    `output_tokens` include reasoning."""

    input_tokens: int
    cached_tokens: int = Field(description="Whose KV the engine still had.")
    uncached_tokens: int
    output_tokens: int
    reasoning_tokens: int

    @classmethod
    def of_step(cls, usage: values.Usage) -> StepUsage:
        return StepUsage(
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            uncached_tokens=usage.uncached_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
        )


class Usage(StepUsage):
    """What turns used; the steps add up to it."""

    model_steps: int
    tool_calls: int

    @classmethod
    def of(cls, usage: values.Usage) -> Usage:
        tokens = StepUsage.of_step(usage).model_dump()
        return cls(**tokens, model_steps=usage.model_steps, tool_calls=usage.tool_calls)


class Cost(View):
    """Money as decimal strings, exact. The parts add up to `total`."""

    currency: str
    input: str = Field(description="Input tokens that were computed, and the GPU time of prefill.")
    cached_input: str = Field(description="Input tokens whose KV the engine still had.")
    output: str = Field(description="Output tokens, and the GPU time of decode.")
    tool: str = Field(description="Tool calls, by the tool's price.")
    kv_residency: str = Field(description="KV held while tools ran.")
    total: str
    gpu_seconds: str = Field(description="Prefill and decode, as the engine measured them.")
    prefix_miss: str = Field(
        description="What it cost to compute again what had been in the cache. Part of `input`."
    )

    @classmethod
    def of(cls, cost: costs.Cost) -> Cost | None:
        if cost.currency is None:
            return None
        amounts = {part: decimal_text(getattr(cost, part)) for part in (*costs.PARTS, "total")}
        return cls(currency=cost.currency, **amounts)


COST = Field(None, description="Null where no prices are configured.")


def decimal_text(amount: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    return f"{amount.normalize():f}" if amount else "0"


class PhaseTimings(View):
    """Milliseconds. The phases add up to `total_ms`."""

    admission_ms: float = Field(description="Waiting for a place on a worker.")
    engine_queue_ms: float = Field(description="Waiting inside the engine.")
    prefill_ms: float
    decode_ms: float
    tool_ms: float
    orchestration_ms: float = Field(description="What is left: this service and its store.")
    total_ms: float


def phases(timings: Iterable[values.Timings]) -> PhaseTimings:
    """What the rows show is what is added, so that it adds up to the last digit."""
    rows = [timings_data(row) for row in timings]
    return PhaseTimings(
        **{
            phase: round(sum(row[phase] or 0.0 for row in rows), 3)
            for phase in PhaseTimings.model_fields
        }
    )
