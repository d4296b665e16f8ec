"""The right to run a session, and a journal in which only its holder can write."""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.events import AnyFact
from agent_serving.domain.session import Session
from agent_serving.ports import Lease, SessionStore
from agent_serving.runtime.journal import Committed, Journal

LEASE_MS = 10_000
MARGIN_SECONDS = 1.0
"""Of a lease's time, at its end: by so much the two machines' clocks may drift apart in it."""
RETRY_SECONDS = 0.2

F = TypeVar("F", bound=AnyFact)


class HeldLease:
    """A lease as its holder knows it. Time is measured from before each request, by a clock that
    goes on while the process is stopped: what is certain here is true at the store."""

    def __init__(self, store: SessionStore, session_id: str, lease: Lease, since: float) -> None:
        self._store = store
        self._session_id = session_id
        self._lease = lease
        self._certain_until = _certain_until(since)

    @classmethod
    async def acquire(cls, store: SessionStore, session_id: str, owner: str) -> HeldLease | None:
        """None where somebody else has it. Raises LogGone, StoreUnavailable."""
        since = asyncio.get_running_loop().time()
        lease = await store.acquire_lease(session_id, owner, LEASE_MS)
        return None if lease is None else cls(store, session_id, lease, since)

    @property
    def lease(self) -> Lease:
        return self._lease

    async def renew(self) -> None:
        """Raises Fenced (somebody else has had the session), LogGone, StoreUnavailable."""
        since = asyncio.get_running_loop().time()
        await self._store.renew_lease(self._session_id, self._lease, LEASE_MS)
        self._certain_until = _certain_until(since)

    async def certain(self) -> None:
        """To be awaited in front of what cannot be taken back: returns while the lease is held for
        certain, renewed first where it may have run out. Raises Fenced, LogGone."""
        loop = asyncio.get_running_loop()
        while loop.time() >= self._certain_until:
            try:
                await self.renew()
            except StoreUnavailable:
                await asyncio.sleep(RETRY_SECONDS)

    async def keep(
        self,
        work: Coroutine[Any, Any, None],
        *,
        every: float,
        beside: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Do `work`, and renew the lease every so many seconds, however long that takes; `beside`
        is done with each renewal. Raises Fenced, LogGone, and what the work raises."""
        tasks = [asyncio.ensure_future(work), asyncio.ensure_future(self._beat(every, beside))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _beat(self, every: float, beside: Callable[[], Awaitable[object]] | None) -> None:
        while True:
            await asyncio.sleep(every)
            with contextlib.suppress(StoreUnavailable):
                await self.renew()
                if beside is not None:
                    await beside()

    async def release(self) -> None:
        """Never raises: a lease that cannot be given up runs out."""
        with contextlib.suppress(StoreUnavailable):
            await self._store.release_lease(self._session_id, self._lease)


class OwnJournal:
    """A session's journal in the hands of who runs the session: a fact that comes after somebody
    else has taken over is refused with Fenced. What callers ask of a session (a turn, a cancel, an
    answer) is written through the plain journal, on any replica."""

    def __init__(self, journal: Journal, held: HeldLease) -> None:
        self._journal = journal
        self._held = held

    @property
    def session(self) -> Session:
        return self._journal.session

    @property
    def lease(self) -> Lease:
        return self._held.lease

    async def certain(self) -> None:
        """See `HeldLease.certain`."""
        await self._held.certain()

    async def commit(
        self,
        decide: Callable[[Session], F | None],
        tokens: Sequence[int] = (),
        *,
        patience: float = 0.0,
    ) -> Committed[F] | None:
        """As `Journal.commit`; raises Fenced too."""
        return await self._journal.commit(decide, tokens, patience=patience, lease=self.lease)

    async def catch_up(self) -> Session:
        return await self._journal.catch_up()

    async def transcript(self) -> array[int]:
        return await self._journal.transcript()

    async def until(self, done: Callable[[Session], bool]) -> Session:
        return await self._journal.until(done)


def _certain_until(since: float) -> float:
    return since + LEASE_MS / 1000 - MARGIN_SECONDS
