"""A batch: many turns at class batch, each in a session of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from agent_serving.domain.charge import DIGITS, TOKENS
from agent_serving.domain.cost import PARTS, Cost
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Turn
from agent_serving.domain.values import Failure, Limits, Output, Usage, Value

BatchStatus = Literal["in_progress", "completed", "cancelling", "cancelled"]
EndedStatus = Literal["completed", "incomplete", "failed", "cancelled"]
CURRENCY = "currency"


class BatchRequest(Value):
    """What one turn is asked. `agent` is a place among the agents of the batch. The id of the
    session is given with the batch, so whoever begins the turn begins the same one."""

    custom_id: str
    session_id: str
    agent: int
    input: tuple[str, ...]
    output: Output | None = None
    limits: Limits | None = None
    metadata: dict[str, str] = {}


class BatchHead(Value):
    """What of a batch never changes."""

    id: str
    tenant: str
    total: int
    metadata: dict[str, str] = {}
    created_at: datetime
    expires_at: datetime | None = None


class Batch(BatchHead):
    """A batch as it stands. Its requests are taken up in their order: the first `taken` of them
    are under way or over. `usage` and `cost` are those of the turns that are over."""

    taken: int = 0
    waiting: int = 0
    """Of those under way, whose turns need an answer or room in a budget."""
    completed: int = 0
    incomplete: int = 0
    failed: int = 0
    stopped: int = 0
    """Taken up, and cancelled since."""
    usage: Usage = Usage()
    cost: Cost = Cost()
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def status(self) -> BatchStatus:
        if self.cancelled_at is not None:
            return "cancelling" if self.ended_at is None else "cancelled"
        return "in_progress" if self.ended_at is None else "completed"

    @property
    def under_way(self) -> int:
        return self.taken - self.completed - self.incomplete - self.failed - self.stopped

    @property
    def in_progress(self) -> int:
        return self.under_way - self.waiting

    @property
    def queued(self) -> int:
        return 0 if self.cancelled_at is not None else self.total - self.taken

    @property
    def cancelled(self) -> int:
        """Also those that were never taken up."""
        left_out = self.total - self.taken if self.cancelled_at is not None else 0
        return self.stopped + left_out


class Outcome(Value):
    """How a request ended. `error` says why it came to no turn, or how its turn failed."""

    status: EndedStatus
    error: Failure | None = None


def outcome_of(turn: Turn) -> Outcome | None:
    """None while the turn is under way."""
    match turn.status:
        case "completed" | "incomplete" | "failed" | "cancelled":
            return Outcome(status=turn.status, error=turn.error)
        case _:
            return None


def amounts_of(turn: Turn) -> dict[str, int]:
    """Usage and money as whole numbers, so that sums are exact wherever they are kept."""
    amounts = {name: getattr(turn.usage, name) for name in TOKENS}
    amounts |= {part: int(getattr(turn.cost, part).scaleb(DIGITS)) for part in PARTS}
    return {name: amount for name, amount in amounts.items() if amount}


def usage_of(amounts: Mapping[str, int]) -> Usage:
    return Usage(**{name: amounts.get(name, 0) for name in TOKENS})


def cost_of(amounts: Mapping[str, int], currency: str | None) -> Cost:
    money = {part: Decimal(amounts.get(part, 0)).scaleb(-DIGITS) for part in PARTS}
    return Cost(currency=currency, **money)


def mark_of(request: BatchRequest) -> RequestMark:
    """Of the request that starts the one turn of the request's session."""
    return RequestMark(key=f"batch:{request.session_id}", body="")
