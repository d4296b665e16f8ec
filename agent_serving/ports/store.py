"""The store port: durable session logs, agents, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from agent_serving.domain.charge import Charge
from agent_serving.domain.receipt import RequestMark
from agent_serving.ports.batches import BatchStore


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run a session's turns. `epoch` grows each time that the session changes hands,
    so an earlier holder can be told from the present one for ever. `version` is that of the
    session's log when it was taken: earlier holders have written nothing behind it. (Of a batch, 0:
    it has no log.)"""

    owner: str
    epoch: int
    version: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Handovers:
    """Sessions that other replicas let go of. `cursor` is where to read on."""

    cursor: str
    session_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """One fact on its way into a log.

    version      of the session before the fact; the log must be exactly there (0: a new log)
    fact         JSON of the fact
    width        how many public events it stands for (≥ 1); each takes one number of the feed
    tokens       ids that it adds to the transcript
    summary      what lists show of the session, JSON
    open         whether a turn is open after this fact (recovery looks for such sessions)
    expires_at   when all of the session's keys go
    charge       what the fact adds to the tenant's books, which outlive the session
    settles      whether what was kept of a streaming reply goes with this fact
    lease        of the writer, where it writes as the one who runs the session
    """

    session_id: str
    tenant: str
    version: int
    fact: bytes
    width: int
    summary: bytes
    open: bool
    tokens: Sequence[int] = ()
    snapshot: bytes | None = None
    """The session after this fact, JSON; given every N facts."""
    expires_at: datetime | None = None
    charge: Charge | None = None
    settles: bool = False
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """What a write adds to what is kept of a streaming reply: `head` takes the place of the one
    before, `part` comes behind the parts before, of which the write with the nonce `behind` brought
    the last; None: in their place."""

    head: bytes
    part: bytes
    behind: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a reply. `since` is the feed number of the first event that was published
    with it."""

    head: bytes
    parts: tuple[bytes, ...]
    since: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What is needed to rebuild a session: fold `facts` over `snapshot` (None: over nothing).
    `version` counts all facts ever, so `len(facts)` less is the snapshot's version."""

    snapshot: bytes | None
    facts: tuple[bytes, ...]
    version: int


@dataclass(frozen=True, slots=True)
class FactEntry:
    """A fact in the feed: its public events are numbered `sequence … sequence + width - 1`."""

    sequence: int
    width: int
    fact: bytes


@dataclass(frozen=True, slots=True)
class LiveEntry:
    """A delta in the feed: `event` is JSON of a `feed.Public`. May be trimmed at any time."""

    sequence: int
    event: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of summaries. `more` says whether the next page would have anything."""

    rows: tuple[bytes, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Reserved:
    """The id of the object that requests with one Idempotency-Key make, and when it was given."""

    object_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredAgent:
    """`replayed`: an earlier request with the same mark stored it."""

    agent_id: str
    version: int
    replayed: bool = False


class SessionStore(Protocol):
    """Durable session logs. All calls raise StoreUnavailable when the store cannot be reached,
    and work again as soon as it can; those that write raise StoreFull when it has no memory left,
    but for `delete_session`."""

    @property
    def batches(self) -> BatchStore: ...

    async def append(self, append: Append) -> int:
        """Atomic: fact, tokens, summary, snapshot, feed number and charge, or nothing. Returns
        the fact's first feed sequence. Raises StaleWriter, SequenceGap, LogGone, and Fenced where
        somebody else has had the session since `append.lease` was acquired."""
        ...

    async def charges(self, tenant: str, *, since: int, until: int) -> list[Charge]:
        """The tenant's charges of the hours [since, until), added up by hour and account: each
        fact that was appended before this call is in it, and once. Kept for 400 days, also when
        the session is gone."""
        ...

    async def load(self, session_id: str, *, after_version: int = 0) -> Stored | None:
        """None where there is no such session. With `after_version` > 0: only the facts that
        follow it, and no snapshot."""
        ...

    async def tokens(self, session_id: str, start: int = 0, end: int | None = None) -> list[int]:
        """Transcript ids [start, end)."""
        ...

    async def publish(
        self,
        session_id: str,
        events: Sequence[bytes],
        *,
        keep: Keep | None = None,
        lease: Lease | None = None,
        nonce: bytes | None = None,
    ) -> None:
        """Append deltas to the live feed: capped, expiring, lost with the store's memory. With
        `keep`, atomically, the reply that they tell of is kept until a fact `settles` it. Those of
        a former holder of the lease are dropped, and those that were appended under the same
        `nonce` right before. Raises SequenceGap where the last write is not the one that
        `keep` comes behind, since the store has lost it: nothing is appended then."""
        ...

    async def kept(self, session_id: str) -> Kept | None:
        """What is kept of the reply that streams, or that was lost; None where nothing is."""
        ...

    async def read(
        self, session_id: str, after: int, *, block_ms: int = 0, limit: int = 512
    ) -> list[FactEntry | LiveEntry]:
        """The feed behind `after`, in order; a fact whose range straddles `after` is included.
        Waits up to `block_ms` for the first entry; [] then. Never skips an entry that a later
        call would have shown in its place."""
        ...

    async def list_sessions(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        """Summaries by session id (so by time of creation); `after` and `before` exclude."""
        ...

    async def open_sessions(self) -> list[str]:
        """Sessions that may have an open turn: never misses one, may name one too many."""
        ...

    async def orphans(self) -> list[str]:
        """Those of `open_sessions` whose lease nobody holds."""
        ...

    async def delete_session(self, session_id: str, tenant: str) -> None:
        """Every key goes; a later append raises LogGone. Idempotent."""
        ...

    async def stored_bytes(self, session_id: str) -> int:
        """Memory that the session's own keys take, as the store estimates it; 0 where there is
        no such session."""
        ...

    async def put_agent(
        self,
        tenant: str,
        agent: bytes,
        *,
        agent_id: str,
        name: str,
        mark: RequestMark | None = None,
    ) -> StoredAgent:
        """Store the next version of a named agent; the version's number (1, 2, …) replaces
        nothing in `agent`: the caller reads it from the return value. Atomic, with the record
        that the request of `mark` was taken. Raises IdempotencyMismatch, InvalidRequest (the name
        is another agent's, or there are as many agents or versions as there can be)."""
        ...

    async def agent_made_by(self, tenant: str, mark: RequestMark) -> StoredAgent | None:
        """What a request with this mark stored in the last 24 hours. Raises
        IdempotencyMismatch."""
        ...

    async def reserve(self, mark: RequestMark, object_id: str, *, at: datetime) -> Reserved:
        """The reservation of the first request with this mark, which this one may be; kept for
        24 hours. Raises IdempotencyMismatch."""
        ...

    async def reserved(self, mark: RequestMark) -> Reserved | None:
        """Raises IdempotencyMismatch."""
        ...

    async def release(self, mark: RequestMark) -> None: ...

    async def agent_version(
        self, tenant: str, key: str, number: int | None = None
    ) -> tuple[int, bytes] | None:
        """The newest version, or that with the number; `key` is an agent id or a name."""
        ...

    async def agent_versions(
        self, tenant: str, key: str, *, first: int = 1, last: int | None = None
    ) -> list[tuple[int, bytes]]:
        """The versions with these numbers, both included, oldest first; to the newest where there
        is no `last`; `key` is an agent id or a name; [] where unknown."""
        ...

    async def list_agents(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        """The newest version of each agent, by agent id."""
        ...

    async def delete_agent(self, tenant: str, agent_id: str) -> bool:
        """Sessions that froze a version keep it."""
        ...

    async def memory_get(self, session_id: str, key: str) -> str | None: ...

    async def memory_put(
        self, session_id: str, key: str, value: str, *, lease: Lease | None = None
    ) -> None:
        """Bounded: InvalidRequest past 1 000 keys or 64 KiB a value. Raises Fenced."""
        ...

    async def memory_keys(self, session_id: str) -> list[str]: ...

    async def acquire_lease(self, session_id: str, owner: str, ttl_ms: int) -> Lease | None:
        """Of a session, or of a batch by its id. A lease of a new epoch; the one that `owner` holds
        already, renewed; None where somebody else holds it. Raises LogGone."""
        ...

    async def renew_lease(self, session_id: str, lease: Lease, ttl_ms: int) -> None:
        """Also one that ran out and that nobody has had since. Raises Fenced, LogGone."""
        ...

    async def release_lease(self, session_id: str, lease: Lease) -> None:
        """Idempotent; its holder can write nothing more."""
        ...

    async def hand_over(self, session_id: str) -> None:
        """Tell the other replicas that the session has something to do and nobody to do it."""
        ...

    async def handovers(self, after: str | None, *, block_ms: int) -> Handovers:
        """What was handed over behind `after` (None: from now on). Waits up to `block_ms` for the
        first. What is missed here is among the orphans."""
        ...

    async def ping(self) -> dict[str, Any]:
        """What /v1/capabilities shows of the store: version, persistence, address; no secrets."""
        ...

    async def aclose(self) -> None: ...
