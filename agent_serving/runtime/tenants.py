"""What a tenant has spent in its period, against what the configuration lets it spend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agent_serving.domain import events as e
from agent_serving.domain.budget import Spent, waits_for_tenant
from agent_serving.domain.charge import Charge, hour_of
from agent_serving.domain.session import Session
from agent_serving.domain.values import Pause, TenantBudget
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journal

FRESH_SECONDS = 1.0
"""So long what was read of the books serves all of a tenant's sessions in this process; by what
they spend meanwhile a budget may be passed."""


@dataclass(frozen=True, slots=True)
class _Read:
    at: float
    pause: Pause | None


class Tenants:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._read: dict[str, _Read] = {}

    async def pause(self, tenant: str) -> Pause | None:
        """Why the tenant's sessions may not plan a step. Raises StoreUnavailable."""
        budget = self._ports.tenant_budgets.get(tenant)
        if budget is None:
            return None
        now = self._ports.clock.monotonic()
        read = self._read.get(tenant)
        if read is None or now - read.at >= FRESH_SECONDS:
            read = _Read(now, await self._look(tenant, budget))
            self._read[tenant] = read
        return read.pause

    async def resume(self, journal: Journal) -> None:
        """A turn that waits for its tenant's budget goes on where that has room again: in its next
        period, or raised by a new configuration."""
        if not waits_for_tenant(journal.session):
            return
        if await self.pause(journal.session.tenant) is not None:
            return

        def resumed(session: Session) -> e.TurnResumed | None:
            turn = session.active
            if turn is None or not waits_for_tenant(session):
                return None
            return e.TurnResumed(at=self._ports.clock.now(), turn_id=turn.id)

        await journal.commit(resumed)

    async def _look(self, tenant: str, budget: TenantBudget) -> Pause | None:
        now = self._ports.clock.now()
        since = hour_of(period_start(budget, now))
        rows = await self._ports.store.charges(tenant, since=since, until=hour_of(now) + 1)
        reached = spent(rows, self._ports.prices.currency).reaches(budget)
        return None if reached is None else Pause(scope="tenant", budget=reached)


def period_start(budget: TenantBudget, now: datetime) -> datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day.replace(day=1) if budget.period == "month" else day


def spent(rows: Iterable[Charge], currency: str | None) -> Spent:
    """Money of another currency than today's is left out."""
    charges = list(rows)
    usage = [row.usage for row in charges]
    money = [row.cost.total for row in charges if row.account.currency == currency]
    return Spent(
        tokens=sum(row.input_tokens + row.output_tokens for row in usage),
        cost=sum(money, Decimal(0)),
        time=sum((row.worked for row in charges), timedelta(0)),
        steps=sum(row.model_steps for row in usage),
    )
