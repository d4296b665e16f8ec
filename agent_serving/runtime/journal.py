"""The one place where a fact becomes durable, then visible."""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from agent_serving.domain.budget import waits_for_tenant
from agent_serving.domain.charge import charge
from agent_serving.domain.decide import Rest, next_action
from agent_serving.domain.errors import (
    LogGone,
    NotFound,
    SequenceGap,
    StaleWriter,
    StoreUnavailable,
)
from agent_serving.domain.events import FACT, AnyFact
from agent_serving.domain.feed import project
from agent_serving.domain.fold import apply, replay
from agent_serving.domain.partial import settles
from agent_serving.domain.session import Session
from agent_serving.domain.summary import summary
from agent_serving.ports import Append, Lease, Observer, SessionStore, Stored
from agent_serving.runtime.observing import Observers

SNAPSHOT_EVERY = 64
STORE_RETRY_SECONDS = 0.5
CACHED_SESSIONS = 1024

F = TypeVar("F", bound=AnyFact)


@dataclass(frozen=True, slots=True)
class Committed(Generic[F]):
    """`sequence` is the number of the fact's first event in the session's feed."""

    fact: F
    sequence: int


class Journal:
    """A live session of this process. Facts go through `commit`, one at a time; what another
    replica wrote is taken in when it gets in the way, or by `catch_up`."""

    def __init__(
        self,
        store: SessionStore,
        session: Session,
        observers: Observers,
        *,
        following: bool = True,
    ) -> None:
        self._store = store
        self._session = session
        self._observers = observers
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._gone = False
        self._tokens: array[int] | None = None if following else array("I")

    @classmethod
    async def create(
        cls, store: SessionStore, observers: Observers, fact: AnyFact, tokens: Sequence[int] = ()
    ) -> Journal:
        """Open a session with its first fact (SessionOpened or SessionForked)."""
        session = apply(None, fact)
        await store.append(_append(None, session, fact, tokens))
        journal = cls(store, session, observers, following=False)
        journal._extend(tokens)
        return journal

    @property
    def session(self) -> Session:
        return self._session

    @property
    def gone(self) -> bool:
        """Whether the session was found to be deleted or expired; there is no way back."""
        return self._gone

    async def commit(
        self,
        decide: Callable[[Session], F | None],
        tokens: Sequence[int] = (),
        *,
        patience: float = 0.0,
        lease: Lease | None = None,
    ) -> Committed[F] | None:
        """Append the fact that `decide` derives from the session as it is now; `decide` is asked
        again when another writer came first. None when there is nothing (more) to say. A store
        that cannot be reached is tried again for `patience` seconds. `lease` is that of the one who
        runs the session.

        Raises what `decide` raises, ImpossibleEvent, LogGone, Fenced, StoreUnavailable; then
        nothing has changed.
        """
        give_up = asyncio.get_running_loop().time() + patience
        while True:
            try:
                async with self._lock:
                    return await self._commit(decide, tokens, lease)
            except StoreUnavailable:
                if asyncio.get_running_loop().time() >= give_up:
                    raise
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _commit(
        self, decide: Callable[[Session], F | None], tokens: Sequence[int], lease: Lease | None
    ) -> Committed[F] | None:
        while True:
            before = self._session
            fact = decide(before)
            if fact is None:
                return None
            after = apply(before, fact)
            append = replace(_append(before, after, fact, tokens), lease=lease)
            writing = asyncio.ensure_future(self._store.append(append))
            try:
                # A caller that is cancelled must not leave it open whether the fact is there.
                sequence = await asyncio.shield(writing)
            except (StaleWriter, SequenceGap):
                await self._refresh()
                continue
            except LogGone:
                self._lose()
                raise
            except asyncio.CancelledError:
                await asyncio.wait({writing})
                if writing.exception() is None:
                    self._take(after, fact, tokens)
                raise
            self._take(after, fact, tokens)
            return Committed(fact, sequence)

    async def catch_up(self) -> Session:
        """Take in what other replicas have written. Raises LogGone, StoreUnavailable."""
        async with self._lock:
            await self._refresh()
        return self._session

    async def transcript(self) -> array[int]:
        """The token ids of the session; shared, not to be changed by the reader."""
        async with self._lock:
            known = array("I") if self._tokens is None else self._tokens
            if len(known) < self._session.token_count:
                missing = await self._store.tokens(self._session.id, len(known))
                known.extend(missing[: self._session.token_count - len(known)])
            self._tokens = known
            return known

    async def until(self, done: Callable[[Session], bool]) -> Session:
        """The session as soon as `done` is true of it. Raises LogGone."""
        while not done(self._session):
            if self._gone:
                raise self._lost()
            await self._changed.wait()
        return self._session

    async def _refresh(self) -> None:
        before = self._session
        stored = await self._store.load(before.id, after_version=before.version)
        if stored is not None and stored.version < before.version:
            # The store came back without its last facts (a failover, a crash): what it has is
            # the truth.
            stored = await self._store.load(before.id)
            self._tokens = None
            after = _folded(stored)
        else:
            after = _folded(stored, before)
        if after is None:
            self._lose()
            raise self._lost()
        if after is not before:
            self._become(after)

    def _take(self, after: Session, fact: AnyFact, tokens: Sequence[int]) -> None:
        before = self._session
        self._become(after)
        self._extend(tokens)
        self._observers.tell(before, after, fact)

    def _become(self, session: Session) -> None:
        self._session = session
        self._wake()

    def _lose(self) -> None:
        self._gone = True
        self._wake()

    def _lost(self) -> LogGone:
        return LogGone(f"Session {self._session.id} was deleted or has expired.")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _extend(self, tokens: Sequence[int]) -> None:
        known = self._tokens
        if known is not None and len(known) + len(tokens) == self._session.token_count:
            known.extend(tokens)


class Journals:
    """The sessions that this process has at hand, least recently used first out."""

    def __init__(self, store: SessionStore, observers: Sequence[Observer] = ()) -> None:
        self._store = store
        self._observers = Observers(observers)
        self._cached: OrderedDict[str, Journal] = OrderedDict()
        self._alive: WeakValueDictionary[str, Journal] = WeakValueDictionary()
        """Invariant: a session has one journal per process, also when it has left the cache while
        somebody still works with it."""

    async def create(self, fact: AnyFact, tokens: Sequence[int] = ()) -> Journal:
        return self._keep(await Journal.create(self._store, self._observers, fact, tokens))

    async def open(self, session_id: str, tenant: str, *, at_hand: bool = False) -> Journal:
        """The session as it is now; with `at_hand` as this process knows it, for a caller who has
        read or written it a moment ago: what is decided on that is decided anew where it has moved
        on (`Journal.commit`). Raises NotFound (also when it is another tenant's)."""
        journal = self._alive.get(session_id) if at_hand else None
        if journal is None:
            journal = await self.find(session_id)
        if journal is None or journal.session.tenant != tenant:
            raise NotFound(
                f"There is no session {session_id!r}. GET /v1/sessions lists those there are.",
                param="session_id",
            )
        return journal

    async def find(self, session_id: str) -> Journal | None:
        """The session as it is now, whoever's it is; None where there is none."""
        journal = self._alive.get(session_id)
        if journal is None:
            session = _folded(await self._store.load(session_id))
            # Another task may have made or loaded it meanwhile, and know more or less of it.
            journal = self._alive.get(session_id)
            if journal is None:
                if session is None:
                    return None
                return self._keep(Journal(self._store, session, self._observers))
        try:
            await journal.catch_up()
        except LogGone:
            self.drop(session_id)
            return None
        return self._keep(journal)

    def at_hand(self, session_id: str) -> Journal | None:
        """As this process knows it, without a look at the store."""
        return self._alive.get(session_id)

    def drop(self, session_id: str) -> None:
        self._cached.pop(session_id, None)
        self._alive.pop(session_id, None)

    def _keep(self, journal: Journal) -> Journal:
        """The session's journal: another one, where a task was first that found the session in the
        store before its maker was told that it is there."""
        journal = self._alive.setdefault(journal.session.id, journal)
        self._cached[journal.session.id] = journal
        self._cached.move_to_end(journal.session.id)
        while len(self._cached) > CACHED_SESSIONS:
            self._cached.popitem(last=False)
        return journal


def _folded(stored: Stored | None, before: Session | None = None) -> Session | None:
    """None where there is no such session."""
    if stored is None:
        return None
    if stored.snapshot is not None:
        before = Session.model_validate_json(stored.snapshot)
    return replay((FACT.validate_json(fact) for fact in stored.facts), before)


def _append(before: Session | None, after: Session, fact: AnyFact, tokens: Sequence[int]) -> Append:
    snapshot = after.version % SNAPSHOT_EVERY == 0
    return Append(
        session_id=after.id,
        tenant=after.tenant,
        version=0 if before is None else before.version,
        fact=fact.model_dump_json().encode(),
        width=len(project(fact)),
        summary=summary(after),
        open=not isinstance(next_action(after, fact.at), Rest) or waits_for_tenant(after),
        tokens=tokens,
        snapshot=after.model_dump_json().encode() if snapshot else None,
        expires_at=after.expires_at,
        charge=charge(before, after, fact),
        settles=settles(after, fact),
    )
