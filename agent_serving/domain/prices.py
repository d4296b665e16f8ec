"""The price book, and what an attempt, a call and KV that waits for tools cost by it.

A fact is priced when it is made, so a book that changes never changes what was priced before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from pydantic import Field

from agent_serving.domain.cost import Cost
from agent_serving.domain.events import Attempt
from agent_serving.domain.prefix import lost_tokens
from agent_serving.domain.session import Session
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.domain.values import Money, Value

NANO = Decimal("1e-9")
"""What parts are rounded to, once, when a fact is priced. From there on sums are exact."""
MILLION = Decimal(1_000_000)
MS_PER_HOUR = Decimal(3_600_000)
FREE = Decimal(0)
ANY = "*"


class ModelPrices(Value):
    """In the book's currency. GPU time is added to what it was used for: prefill to `input`,
    decode to `output`; so whoever prices tokens fully leaves `gpu_hour` at 0."""

    input: Money = Field(FREE, description="A million input tokens that had to be computed.")
    cached_input: Money = Field(FREE, description="A million input tokens found in the KV cache.")
    output: Money = Field(FREE, description="A million output tokens, reasoning included.")
    gpu_hour: Money = Field(FREE, description="One GPU for an hour of prefill and decode.")
    gpus: int = Field(1, ge=1, le=4096, description="GPUs that one engine of the model runs on.")
    kv_hour: Money = Field(
        FREE, description="A million tokens kept in the KV cache for an hour while tools run."
    )


class PriceBook(Value):
    """Without a currency nothing is priced. `models` by name; `*` stands for all others. `tools`
    is the price of a call by the tool's name."""

    currency: str | None = None
    models: dict[str, ModelPrices] = {}
    tools: dict[str, Money] = {}

    def currency_for(self, session: Session) -> str | None:
        """A session keeps the currency of its first price: money of two cannot be added up, so
        under a book in another currency the rest of it has no price."""
        begun = session.cost.currency
        return self.currency if begun in (None, self.currency) else None

    def model(self, name: str) -> ModelPrices | None:
        return self.models.get(name, self.models.get(ANY))

    def attempt(self, session: Session, step: ModelStep, attempt: Attempt) -> Cost:
        """What it used, whatever became of it."""
        prices, currency = self.model(session.agent.model), self.currency_for(session)
        if prices is None or currency is None:
            return Cost()
        usage, timings = attempt.usage, attempt.timings
        prefill_ms, decode_ms = _decimal(timings.prefill_ms), _decimal(timings.decode_ms)
        prefill = _gpu(prices, prefill_ms)
        computed = usage.uncached_tokens * prices.input / MILLION + prefill
        return Cost(
            currency=currency,
            input=_round(computed),
            cached_input=_round(usage.cached_tokens * prices.cached_input / MILLION),
            output=_round(usage.output_tokens * prices.output / MILLION + _gpu(prices, decode_ms)),
            gpu_seconds=_round((prefill_ms + decode_ms) * prices.gpus / 1000),
            prefix_miss=_round(_miss(prices, step, attempt, computed)),
        )

    def call(self, session: Session, tool: str) -> Cost:
        currency = self.currency_for(session)
        if currency is None or (not self.tools and self.model(session.agent.model) is None):
            return Cost()
        return Cost(currency=currency, tool=_round(self.tools.get(tool, FREE)))

    def residency(self, session: Session, step: ToolStep, until: datetime) -> Cost:
        """Of the KV that waited for this call alone: the time in which a call of the same reply
        that ended earlier ran too is that call's, and while the reply still streamed the KV was
        at work. Nothing is charged for calls of the caller's: nothing is held for those."""
        prices, currency = self.model(session.agent.model), self.currency_for(session)
        turn = session.active
        if prices is None or currency is None or turn is None or step.executor == "client":
            return Cost()
        model_step = next((m for m in turn.model_steps if m.id == step.model_step_id), None)
        if model_step is None or model_step.ended_at is None:
            return Cost(currency=currency)
        others = [
            (other.started_at, other.ended_at)
            for other in turn.tool_steps
            if other.model_step_id == model_step.id
            and other.executor == "server"
            and other.result is not None
            and other.span_id is not None
            and other.ended_at is not None
        ]
        begun = max(step.started_at, model_step.ended_at)
        held = uncovered(begun, until, others)
        token_hours = session.token_count * Decimal(held // timedelta(microseconds=1))
        cost = token_hours * prices.kv_hour / MILLION / MS_PER_HOUR / 1000
        return Cost(currency=currency, kv_residency=_round(cost))


def uncovered(
    begun: datetime, until: datetime, others: Iterable[tuple[datetime, datetime]]
) -> timedelta:
    """How much of [begun, until] lies in none of the others."""
    left = timedelta(0)
    here = begun
    for start, end in sorted(others):
        if start > here:
            left += max(min(start, until) - here, timedelta(0))
        here = max(here, end)
    return left + max(until - here, timedelta(0))


def _miss(prices: ModelPrices, step: ModelStep, attempt: Attempt, computed: Decimal) -> Decimal:
    """What computing lost tokens again cost, beyond what they would have cost from the cache.
    Only a whole reply tells how much was cached."""
    usage = attempt.usage
    if attempt.status != "completed" or usage.uncached_tokens <= 0:
        return FREE
    expected = lost_tokens(step.expected_tokens, usage.cached_tokens, attempt.page_tokens)
    lost = min(expected, usage.uncached_tokens)
    saved = lost * prices.cached_input / MILLION
    return max(computed * lost / usage.uncached_tokens - saved, FREE)


def _gpu(prices: ModelPrices, milliseconds: Decimal) -> Decimal:
    return milliseconds * prices.gpus * prices.gpu_hour / MS_PER_HOUR


def _decimal(milliseconds: float) -> Decimal:
    """The number as it is shown, not as it is stored in binary."""
    return Decimal(repr(max(milliseconds, 0.0)))


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(NANO, rounding=ROUND_HALF_EVEN).normalize() if amount else FREE
