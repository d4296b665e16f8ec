"""Tokens, time and money. Durations are milliseconds; money is exact."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from agent_serving.client.models.shape import Model


class StepUsage(Model):
    """Tokens. `input_tokens` are cached and uncached ones; `output_tokens` include reasoning."""

    input_tokens: int = 0
    cached_tokens: int = 0
    uncached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class Usage(StepUsage):
    model_steps: int = 0
    tool_calls: int = 0


class Cost(Model):
    """The parts add up to `total`; `prefix_miss` is a part of `input`."""

    currency: str
    input: Decimal
    cached_input: Decimal
    output: Decimal
    tool: Decimal
    kv_residency: Decimal
    total: Decimal
    gpu_seconds: Decimal
    prefix_miss: Decimal = Decimal(0)


class Timings(Model):
    """Milliseconds. The phases add up to `total_ms`."""

    admission_ms: float = 0.0
    engine_queue_ms: float = 0.0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    tool_ms: float = 0.0
    orchestration_ms: float = 0.0
    total_ms: float = 0.0


class StepTimings(Timings):
    ttft_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p99_ms: float | None = None


class StepsUsage(Model):
    """Some of a session's steps, added up. `name` is the tool's; None for model steps."""

    name: str | None
    steps: int
    timings: Timings
    cost: Cost | None = None


class SessionUsage(Model):
    session_id: str
    stored_bytes: int | None = None
    turns: int
    usage: Usage
    timings: Timings
    cost: Cost | None = None
    model_steps: StepsUsage
    tools: list[StepsUsage]


class UsageRow(Model):
    """`key` is the agent (`name@version`), tenant, tool or model."""

    key: str | None
    usage: Usage
    worked_ms: float
    cost: Cost | None = None


class UsageReport(Model):
    by: str
    since: datetime
    until: datetime
    rows: list[UsageRow]
    totals: list[UsageRow]
