"""The batch port: what was asked for, how far it is, and who goes on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent_serving.domain.batch import Batch, BatchHead, BatchRequest, Outcome
from agent_serving.domain.values import Agent


@dataclass(frozen=True, slots=True)
class NewBatch:
    """`agents` are the distinct ones that the requests name by their place."""

    head: BatchHead
    agents: Sequence[Agent]
    requests: Sequence[BatchRequest]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A request with its place in the batch, and how it ended; None while it has not."""

    place: int
    request: BatchRequest
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Places of requests that were taken up and are not over."""

    running: tuple[int, ...]
    waiting: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BatchListing:
    rows: tuple[Batch, ...]
    more: bool


class BatchStore(Protocol):
    """All calls raise StoreUnavailable; each may be made again without another effect. The leases
    of batches are those of the session store. A batch that is not there, or has expired, has
    nothing under way and ends nothing."""

    async def put(self, batch: NewBatch) -> bool:
        """Atomic. From here on some process finds it among the unfinished. False where there is a
        batch of this id. Raises LogGone where one was deleted in the last 24 hours."""
        ...

    async def get(self, batch_id: str) -> Batch | None: ...

    async def page(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> BatchListing:
        """By batch id, so by time of creation; `after` and `before` exclude."""
        ...

    async def agents(self, batch_id: str) -> list[Agent]: ...

    async def rows(self, batch_id: str, start: int, stop: int) -> list[BatchRow]:
        """Those of the places [start, stop) that there are."""
        ...

    async def requests(self, batch_id: str, places: Sequence[int]) -> dict[int, BatchRequest]:
        """Those of the places that there are."""
        ...

    async def place(self, batch_id: str, custom_id: str) -> int | None: ...

    async def take(self, batch_id: str, below: int) -> None:
        """The requests of all places `below` are under way from here on, unless the batch is
        being cancelled."""
        ...

    async def under_way(self, batch_id: str) -> UnderWay: ...

    async def park(self, batch_id: str, place: int, *, waiting: bool) -> None:
        """Whether the turn of a request under way waits for somebody."""
        ...

    async def settle(
        self,
        batch_id: str,
        place: int,
        outcome: Outcome,
        *,
        at: datetime,
        amounts: Mapping[str, int],
        currency: str | None = None,
    ) -> None:
        """The request is over, and counts once. The last one ends the batch."""
        ...

    async def cancel(self, batch_id: str, *, at: datetime) -> Batch | None:
        """No request is taken up any more; where none is under way the batch ends. The batch as
        it is then: one that had ended before stays as it was."""
        ...

    async def delete(self, batch_id: str, tenant: str) -> bool:
        """False where it has not ended."""
        ...

    async def unfinished(self) -> list[str]:
        """Batches that may have something to do, oldest first: never misses one, may name one too
        many."""
        ...

    async def forget(self, batch_id: str) -> None:
        """Out of `unfinished`, where it has ended or is not there."""
        ...
