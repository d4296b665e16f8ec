"""The port of quotas: what a tenant holds at a time, counted over all replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["turns", "batch_turns", "followers"]


@dataclass(frozen=True, slots=True)
class Rate:
    """What became of one request. `reset` and `retry_after` are seconds: until the whole limit is
    there again, and until the next request is let in."""

    allowed: bool
    limit: int
    remaining: int
    reset: float
    retry_after: float


class Quotas(Protocol):
    """All calls raise StoreUnavailable. A member counts until it is released or its time is up,
    so what a dead process held comes free by itself."""

    async def request(self, tenant: str, per_minute: int) -> Rate:
        """Count a request, if it is let in."""
        ...

    async def take(self, tenant: str, kind: Kind, member: str, *, most: int, ttl_ms: int) -> bool:
        """False, and nothing is taken, where `most` others have it. Atomic; one that has it
        already keeps it."""
        ...

    async def hold(self, tenant: str, kind: Kind, members: Sequence[str], *, ttl_ms: int) -> None:
        """Members that count whatever the limit says."""
        ...

    async def release(self, tenant: str, kind: Kind, member: str) -> None: ...

    async def open_session(self, tenant: str, session_id: str, *, most: int) -> bool:
        """Whether the tenant may have this session besides those it has. To be followed by
        `opened`, whatever came of it."""
        ...

    async def opened(self, tenant: str, session_id: str) -> None: ...

    async def stored_bytes(self, tenant: str) -> int:
        """What the tenant's sessions take of the store's memory, by asking for each."""
        ...
