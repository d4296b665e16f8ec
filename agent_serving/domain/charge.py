"""What a fact adds to the books: whole numbers, so that sums are exact wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from agent_serving.domain import events as e
from agent_serving.domain.cost import PARTS, Cost
from agent_serving.domain.session import Session
from agent_serving.domain.values import Usage, Value

TOKENS = (
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "reasoning_tokens",
    "model_steps",
    "tool_calls",
)
WORKED = "worked_us"
DIGITS = 9
"""Money and GPU seconds are counted in units of 10⁻⁹, the unit in which facts are priced."""


class Account(Value):
    """Who and what it was for. `agent` is `name@version`; `tool` is set on what calls cost."""

    tenant: str
    agent: str
    model: str
    tool: str | None = None
    currency: str | None = None


class Charge(Value):
    """`hour` counts from 1970 (UTC). Only what is not 0 is among the `amounts`."""

    hour: int
    account: Account
    amounts: dict[str, int]

    @property
    def usage(self) -> Usage:
        return Usage(**{name: self.amounts.get(name, 0) for name in TOKENS})

    @property
    def cost(self) -> Cost:
        money = {part: Decimal(self.amounts.get(part, 0)).scaleb(-DIGITS) for part in PARTS}
        return Cost(currency=self.account.currency, **money)

    @property
    def worked(self) -> timedelta:
        return timedelta(microseconds=self.amounts.get(WORKED, 0))


def hour_of(time: datetime) -> int:
    return int(time.timestamp() // 3600)


def charge(before: Session | None, after: Session, fact: e.AnyFact) -> Charge | None:
    """What `fact`, which made `after` of `before`, adds; None where that is nothing."""
    tool: str | None = None
    usage, cost, worked = Usage(), Cost(), timedelta(0)
    match fact:
        case e.StepRestarted() | e.StepResumed() | e.ModelReplied():
            usage, cost = fact.attempt.usage, fact.attempt.cost
        case e.StepFailed():
            if fact.attempt is not None and fact.step_id is not None:
                usage, cost = fact.attempt.usage, fact.attempt.cost
        case e.ToolStarted():
            tool, usage, cost = fact.call.name, Usage(tool_calls=1), fact.cost
        case e.ToolFinished():
            tool, cost = fact.name, fact.cost
        case e.TurnEnded():
            spent = timedelta(0) if before is None else before.spent_time
            worked = after.spent_time - spent
        case _:
            return None
    amounts = {name: getattr(usage, name) for name in TOKENS}
    amounts |= {part: int(getattr(cost, part).scaleb(DIGITS)) for part in PARTS}
    amounts[WORKED] = worked // timedelta(microseconds=1)
    amounts = {name: amount for name, amount in amounts.items() if amount}
    if not amounts:
        return None
    account = Account(
        tenant=after.tenant,
        agent=f"{after.agent.name}@{after.agent.version}",
        model=after.agent.model,
        tool=tool,
        currency=after.cost.currency,
    )
    return Charge(hour=hour_of(fact.at), account=account, amounts=amounts)


def added(charges: Iterable[Charge]) -> Mapping[str, int]:
    """The amounts of all of them together."""
    sums: dict[str, int] = {}
    for row in charges:
        for name, amount in row.amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums
