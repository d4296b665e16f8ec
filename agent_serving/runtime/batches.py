"""What can be asked of batches: make one, read it and its results, cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from agent_serving.domain.batch import Batch, BatchHead, BatchRequest
from agent_serving.domain.errors import BatchBusy, BatchNotActive, LogGone, NotFound
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Turn, TurnStatus
from agent_serving.domain.values import Agent, Failure, Limits, Output, Value
from agent_serving.ports import BatchListing, BatchRow, NewBatch, Ports
from agent_serving.runtime.idempotency import Made
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.quotas import TenantQuotas
from agent_serving.runtime.runners import Runners


class RequestDraft(Value):
    """A request that was checked; `agent` is a place among the agents of the draft."""

    custom_id: str
    agent: int
    input: tuple[str, ...]
    output: Output | None = None
    limits: Limits | None = None
    metadata: dict[str, str] = {}


class BatchDraft(Value):
    agents: tuple[Agent, ...]
    requests: tuple[RequestDraft, ...]
    metadata: dict[str, str] = {}
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """A request as it stands. `session_id` is None where no session was opened for it; `turn` also
    where that was deleted since."""

    custom_id: str
    status: TurnStatus
    session_id: str | None
    turn: Turn | None
    error: Failure | None


class Batches:
    def __init__(
        self,
        ports: Ports,
        journals: Journals,
        runners: Runners,
        quotas: TenantQuotas,
        nudge: Callable[[], None],
    ) -> None:
        """`nudge` says that there is something new to do for a batch."""
        self._ports = ports
        self._store = ports.store.batches
        self._journals = journals
        self._runners = runners
        self._quotas = quotas
        self._nudge = nudge

    async def known(self, tenant: str, mark: RequestMark | None) -> Batch | None:
        """The batch that the request made before; None where it made none that is here now.
        Raises IdempotencyMismatch."""
        reserved = await self._ports.store.reserved(mark) if mark is not None else None
        batch = await self._store.get(reserved.object_id) if reserved is not None else None
        return batch if batch is not None and batch.tenant == tenant else None

    async def create(
        self, tenant: str, draft: BatchDraft, *, mark: RequestMark | None = None
    ) -> Made[Batch]:
        """A batch, durable: its turns run from here on, whatever becomes of the caller. Raises
        IdempotencyMismatch, NotFound (the batch of this mark is gone), ShuttingDown, LimitReached,
        StoreUnavailable."""
        self._runners.require_admission()
        await self._quotas.batch(tenant, len(draft.requests))
        now = self._ports.clock.now()
        batch_id = self._ports.new_id("batch")
        if mark is not None:
            reserved = await self._ports.store.reserve(mark, batch_id, at=now)
            batch_id = reserved.object_id
            if draft.ttl_seconds and now - reserved.at >= timedelta(seconds=draft.ttl_seconds):
                raise _gone(batch_id)
        head = BatchHead(
            id=batch_id,
            tenant=tenant,
            total=len(draft.requests),
            metadata=draft.metadata,
            created_at=now,
            expires_at=now + timedelta(seconds=draft.ttl_seconds) if draft.ttl_seconds else None,
        )
        requests = [
            BatchRequest(session_id=self._ports.new_id("sess"), **dict(request))
            for request in draft.requests
        ]
        try:
            stored = await self._store.put(NewBatch(head, draft.agents, requests))
        except LogGone:
            raise _gone(batch_id) from None
        self._nudge()
        if stored:
            return Made(Batch(**dict(head)))
        return Made(await self.get(tenant, batch_id), replayed=True)

    async def get(self, tenant: str, batch_id: str) -> Batch:
        """Raises NotFound."""
        batch = await self._store.get(batch_id)
        if batch is None or batch.tenant != tenant:
            raise _unknown(batch_id)
        return batch

    async def page(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> BatchListing:
        return await self._store.page(
            tenant, limit=limit, after=after, before=before, descending=descending
        )

    async def place(self, batch: Batch, custom_id: str) -> int | None:
        """Of the request that the caller has named so."""
        return await self._store.place(batch.id, custom_id)

    async def results(self, batch: Batch, places: range) -> Sequence[BatchResult]:
        """Of the places, in their order, which are next to each other."""
        if not places:
            return []
        rows = await self._store.rows(batch.id, min(places), max(places) + 1)
        found = await asyncio.gather(*(self._result(batch, row) for row in rows))
        return found if places.step > 0 else found[::-1]

    async def cancel(
        self, tenant: str, batch_id: str, *, mark: RequestMark | None = None
    ) -> Made[Batch]:
        """Idempotent. Raises NotFound, BatchNotActive (it is completed), IdempotencyMismatch."""
        await self.get(tenant, batch_id)
        store = self._ports.store
        known = mark is not None and await store.reserved(mark) is not None
        now = self._ports.clock.now()
        batch = await self._store.cancel(batch_id, at=now)
        if batch is None:
            raise _unknown(batch_id)
        if batch.cancelled_at is None:
            raise BatchNotActive(f"Batch {batch_id} is completed; there is nothing to cancel.")
        if mark is not None:
            await store.reserve(mark, batch_id, at=now)
        self._nudge()
        return Made(batch, replayed=known)

    async def delete(self, tenant: str, batch_id: str) -> None:
        """Its sessions stay. Raises NotFound, BatchBusy."""
        await self.get(tenant, batch_id)
        if not await self._store.delete(batch_id, tenant):
            raise BatchBusy(f"Batch {batch_id} is not over. Cancel it first, or wait for its end.")

    async def _result(self, batch: Batch, row: BatchRow) -> BatchResult:
        request, outcome = row.request, row.outcome
        journal = None
        if row.place < batch.taken or outcome is not None:
            journal = await self._journals.find(request.session_id)
        turn = journal.session.turns[0] if journal and journal.session.turns else None
        status: TurnStatus
        if outcome is not None:
            status = outcome.status
        elif turn is not None:
            status = turn.status
        else:
            status = self._before_its_turn(batch, row.place)
        return BatchResult(
            custom_id=request.custom_id,
            status=status,
            session_id=None if journal is None else request.session_id,
            turn=turn,
            error=outcome.error if outcome is not None else None,
        )

    def _before_its_turn(
        self, batch: Batch, place: int
    ) -> Literal["in_progress", "queued", "cancelled"]:
        if place < batch.taken:
            return "in_progress"
        return "queued" if batch.cancelled_at is None else "cancelled"


def _unknown(batch_id: str) -> NotFound:
    return NotFound(
        f"There is no batch {batch_id!r}. GET /v1/batches lists those there are.",
        param="batch_id",
    )


def _gone(batch_id: str) -> NotFound:
    return NotFound(
        f"The first request with this Idempotency-Key made batch {batch_id}, which was deleted or "
        "has expired since. Send a new key to make another one.",
        param="idempotency-key",
    )
