"""The `SessionStore` port over Redis 6.2 or newer."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from agent_serving.adapters.redis import feed
from agent_serving.adapters.redis.agents import USUAL, AgentBounds, AgentTable
from agent_serving.adapters.redis.batches import BatchTable
from agent_serving.adapters.redis.books import Books
from agent_serving.adapters.redis.gateway import Command, Gateway, client_of, encode
from agent_serving.adapters.redis.keys import SessionKeys
from agent_serving.adapters.redis.leases import Leases, fence
from agent_serving.adapters.redis.log import SessionLog
from agent_serving.adapters.redis.memory import Memory
from agent_serving.adapters.redis.paging import Scan
from agent_serving.adapters.redis.refusals import gone, torn
from agent_serving.adapters.redis.reservations import Reservations
from agent_serving.adapters.redis.sessions import SessionIndex
from agent_serving.adapters.redis.settlements import Settlements
from agent_serving.domain.charge import Charge
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.receipt import RequestMark
from agent_serving.ports import (
    Append,
    FactEntry,
    Handovers,
    Keep,
    Kept,
    Lease,
    Listing,
    LiveEntry,
    Reserved,
    Stored,
    StoredAgent,
)

_LIVE_ENTRIES = 10_000
_LIVE_MS = 15 * 60 * 1000
_OLDEST = (6, 2)


class RedisSessionStore:
    """Durable session logs in Redis; see `ports.SessionStore` for what each method promises.

    A lost answer is settled within the call: an append that is sent again recognises itself. When
    StoreUnavailable comes all the same, an append may or may not be in the log.
    """

    def __init__(
        self,
        client: Redis,
        prefix: str = "as",
        *,
        max_readers: int = 256,
        embedded: bool = False,
        replicas: int = 0,
        agent_bounds: AgentBounds = USUAL,
    ) -> None:
        """`client` returns bytes; the store closes it. `max_readers` calls of `read` can block at
        once, on connections of their own; further ones wait their time and look once. An append
        returns when `replicas` of the server have it too."""
        gateway = Gateway(client, max_readers=max_readers)
        self._gateway = gateway
        self._prefix = prefix
        self._embedded = embedded
        self._index = SessionIndex(gateway, prefix)
        self._agents = AgentTable(gateway, prefix, agent_bounds)
        self._books = Books(gateway, prefix)
        self._settlements = Settlements(self._index, self._books)
        self._log = SessionLog(
            gateway, prefix, self._index, self._books, self._settlements, replicas=replicas
        )
        self._reservations = Reservations(gateway, prefix)
        self._publish = gateway.script("publish")
        self._memory = Memory(gateway, prefix)
        self._leases = Leases(gateway, prefix)
        self._batches = BatchTable(gateway, prefix, replicas=replicas)

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        prefix: str = "as",
        max_connections: int = 64,
        max_readers: int = 256,
        embedded: bool = False,
        replicas: int = 0,
        agent_bounds: AgentBounds = USUAL,
    ) -> RedisSessionStore:
        """`redis://`, `rediss://` or `unix://`, with user and password in the URL. Nothing is
        sent yet. Raises InvalidRequest (the URL cannot be read)."""
        client = client_of(url, max_connections=max_connections)
        return cls(
            client,
            prefix,
            max_readers=max_readers,
            embedded=embedded,
            replicas=replicas,
            agent_bounds=agent_bounds,
        )

    @property
    def batches(self) -> BatchTable:
        return self._batches

    # --- log --------------------------------------------------------------------------------

    async def append(self, append: Append) -> int:
        return await self._log.append(append)

    async def load(self, session_id: str, *, after_version: int = 0) -> Stored | None:
        return await self._log.load(session_id, after_version=after_version)

    async def tokens(self, session_id: str, start: int = 0, end: int | None = None) -> list[int]:
        return await self._log.tokens(session_id, start, end)

    async def delete_session(self, session_id: str, tenant: str) -> None:
        await self._log.delete(session_id, tenant)

    async def stored_bytes(self, session_id: str) -> int:
        return await self._log.stored_bytes(session_id)

    async def charges(self, tenant: str, *, since: int, until: int) -> list[Charge]:
        return await self._books.charges(tenant, since, until)

    # --- feed -------------------------------------------------------------------------------

    async def publish(
        self,
        session_id: str,
        events: Sequence[bytes],
        *,
        keep: Keep | None = None,
        lease: Lease | None = None,
        nonce: bytes | None = None,
    ) -> None:
        if not events and keep is None:
            return
        keys = self._keys(session_id)
        kept = ("", "", "") if keep is None else (keep.head, keep.part, keep.behind or "")
        appended = await self._gateway.ask(
            self._publish(
                [keys.meta, keys.live, keys.reply],
                nonce or secrets.token_bytes(12),
                _LIVE_ENTRIES,
                _LIVE_MS,
                fence(lease),
                *kept,
                *events,
            )
        )
        if appended < 0:
            raise torn(session_id)

    async def kept(self, session_id: str) -> Kept | None:
        entries: list[bytes] = await self._gateway.ask(
            ("LRANGE", self._keys(session_id).reply, 0, -1)
        )
        if not entries:
            return None
        head, since, *parts = entries
        return Kept(head=head, parts=tuple(parts), since=int(since))

    async def read(
        self, session_id: str, after: int, *, block_ms: int = 0, limit: int = 512
    ) -> list[FactEntry | LiveEntry]:
        """Raises LogGone where the session was deleted (at once, also while it waits), has
        expired, or never was."""
        keys = self._keys(session_id)
        start = f"{max(0, after)}-0"

        def commands(milliseconds: int) -> Sequence[Command]:
            # A script writes to one of the three streams only: a reader that is woken by one
            # of them misses nothing of the others.
            block = ("BLOCK", milliseconds) if milliseconds > 0 else ()
            streams = (keys.log, keys.live, keys.gone, start, start, "0-0")
            return [
                ("XREAD", "COUNT", limit, *block, "STREAMS", *streams),
                ("EXISTS", keys.log),
            ]

        if block_ms > 0:
            reply, exists = await self._gateway.wait(commands, block_ms)
        else:
            reply, exists = await self._gateway.send(*commands(0))
        entries = feed.streams(reply)
        if not exists or encode(keys.gone) in entries:
            raise gone(session_id)
        return feed.merge(
            entries.get(encode(keys.log), ()), entries.get(encode(keys.live), ()), limit
        )

    # --- lists ------------------------------------------------------------------------------

    async def list_sessions(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        scan = Scan.of(after=after, before=before, descending=descending)
        return await self._index.page(tenant, scan, limit)

    async def open_sessions(self) -> list[str]:
        return await self._index.open()

    async def orphans(self) -> list[str]:
        return await self._index.open(orphaned=True)

    # --- agents -----------------------------------------------------------------------------

    async def put_agent(
        self,
        tenant: str,
        agent: bytes,
        *,
        agent_id: str,
        name: str,
        mark: RequestMark | None = None,
    ) -> StoredAgent:
        """Raises InvalidRequest where the name belongs to another agent of the tenant, whose id
        is in `details["agent_id"]`, and at a bound, whose setting is in `details["limit"]`."""
        return await self._agents.put(tenant, agent, agent_id=agent_id, name=name, mark=mark)

    async def agent_made_by(self, tenant: str, mark: RequestMark) -> StoredAgent | None:
        return await self._agents.made_by(tenant, mark)

    async def agent_version(
        self, tenant: str, key: str, number: int | None = None
    ) -> tuple[int, bytes] | None:
        return await self._agents.version(tenant, key, number)

    async def agent_versions(
        self, tenant: str, key: str, *, first: int = 1, last: int | None = None
    ) -> list[tuple[int, bytes]]:
        return await self._agents.versions(tenant, key, first, last)

    async def list_agents(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        scan = Scan.of(after=after, before=before, descending=descending)
        return await self._agents.page(tenant, scan, limit)

    async def delete_agent(self, tenant: str, agent_id: str) -> bool:
        return await self._agents.delete(tenant, agent_id)

    # --- requests ---------------------------------------------------------------------------

    async def reserve(self, mark: RequestMark, object_id: str, *, at: datetime) -> Reserved:
        return await self._reservations.reserve(mark, object_id, at)

    async def reserved(self, mark: RequestMark) -> Reserved | None:
        return await self._reservations.find(mark)

    async def release(self, mark: RequestMark) -> None:
        await self._reservations.release(mark)

    # --- memory -----------------------------------------------------------------------------

    async def memory_get(self, session_id: str, key: str) -> str | None:
        return await self._memory.get(session_id, key)

    async def memory_put(
        self, session_id: str, key: str, value: str, *, lease: Lease | None = None
    ) -> None:
        await self._memory.put(session_id, key, value, lease)

    async def memory_keys(self, session_id: str) -> list[str]:
        return await self._memory.keys(session_id)

    # --- lease ------------------------------------------------------------------------------

    async def acquire_lease(self, session_id: str, owner: str, ttl_ms: int) -> Lease | None:
        return await self._leases.acquire(session_id, owner, ttl_ms)

    async def renew_lease(self, session_id: str, lease: Lease, ttl_ms: int) -> None:
        await self._leases.renew(session_id, lease, ttl_ms)

    async def release_lease(self, session_id: str, lease: Lease) -> None:
        await self._leases.release(session_id, lease)

    async def hand_over(self, session_id: str) -> None:
        await self._leases.hand_over(session_id)

    async def handovers(self, after: str | None, *, block_ms: int) -> Handovers:
        return await self._leases.handovers(after, block_ms)

    # --- the store itself -------------------------------------------------------------------

    async def ping(self) -> dict[str, Any]:
        """`{"version", "persistence": {"appendonly", "appendfsync"}, "address", "embedded"}`;
        `appendfsync` is None where the server does not tell.

        Raises StoreUnavailable also where the server is older than 6.2.
        """
        server, persistence = await self._gateway.send(("INFO", "server"), ("INFO", "persistence"))
        version = str(server["redis_version"])
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            raise StoreUnavailable(
                f"Redis at {self._gateway.address} is {version}; 6.2 or newer is needed"
            )
        try:
            settings = await self._gateway.ask(("CONFIG GET", "appendfsync"))
        except StoreUnavailable:
            # Managed servers keep CONFIG to themselves.
            settings = {}
        return {
            "version": version,
            "persistence": {
                "appendonly": bool(persistence["aof_enabled"]),
                "appendfsync": settings.get("appendfsync"),
            },
            "address": self._gateway.address,
            "embedded": self._embedded,
        }

    async def used_memory(self) -> int:
        """Bytes of the whole server. Raises StoreUnavailable."""
        return int((await self._gateway.ask(("INFO", "memory")))["used_memory"])

    async def aclose(self) -> None:
        try:
            await self._settlements.aclose()
        finally:
            await self._gateway.aclose()

    def _keys(self, session_id: str) -> SessionKeys:
        return SessionKeys(self._prefix, session_id)
