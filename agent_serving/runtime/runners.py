"""Who runs what in this process: one loop per session with something to do, under a lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable

from agent_serving.domain import events as e
from agent_serving.domain.decide import Rest, next_action
from agent_serving.domain.errors import (
    Fenced,
    ImpossibleEvent,
    LogGone,
    ShuttingDown,
    StoreUnavailable,
)
from agent_serving.domain.session import Session
from agent_serving.domain.values import Failure
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.leases import HeldLease, OwnJournal
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.tenants import Tenants
from agent_serving.runtime.turn import TurnLoop

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
MAX_SURPRISES = 5


class Runners:
    def __init__(
        self, ports: Ports, journals: Journals, renderer: Renderer, tenants: Tenants
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._renderer = renderer
        self._tenants = tenants
        self._owner = secrets.token_hex(8)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._handing_over: set[asyncio.Task[None]] = set()
        self._draining = False
        self._closing = False

    @property
    def draining(self) -> bool:
        """Whether this process is about to end: it begins nothing new."""
        return self._draining

    def require_admission(self) -> None:
        """Raises ShuttingDown."""
        if self._draining:
            raise ShuttingDown(
                "This replica is shutting down. Nothing was accepted; try again: another replica, "
                "or the next start, takes it.",
                retry_after=1.0,
            )

    def ensure(self, journal: Journal, held: HeldLease | None = None) -> None:
        """See to it that the session's turns run, here or where its lease is. `held` is the
        lease, where this process has it already."""
        session_id = journal.session.id
        if journal.gone or session_id in self._tasks or not self.due(journal.session):
            return
        if self._draining:
            handing_over = asyncio.create_task(self._hand_over(session_id))
            self._handing_over.add(handing_over)
            handing_over.add_done_callback(self._handing_over.discard)
            return
        task = asyncio.create_task(self._run(journal, held), name=f"run {session_id}")
        self._tasks[session_id] = task
        task.add_done_callback(lambda _: self._done(journal))

    async def until(self, journal: Journal, done: Callable[[Session], bool]) -> Session:
        """The session as soon as `done` is true of it, wherever it runs. Raises LogGone."""
        while True:
            self.ensure(journal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    return await journal.until(done)
            # Where nothing is due, what another replica is asked may make something due there.
            if not self.runs(journal.session.id):
                with contextlib.suppress(StoreUnavailable):
                    await journal.catch_up()

    async def acquire(self, session_id: str) -> HeldLease | None:
        """None where another process runs the session. Raises LogGone, StoreUnavailable."""
        return await HeldLease.acquire(self._ports.store, session_id, self._owner)

    async def drain(self, grace_seconds: float) -> None:
        """Begin nothing new; let each session go at its next step boundary, and return when all
        are gone or the time is up."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=grace_seconds)

    async def aclose(self) -> None:
        """Stop here; open turns stay open and go on wherever they are adopted."""
        self._draining = self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The callbacks of the last tasks hand their sessions over.
        await asyncio.sleep(0)
        await asyncio.gather(*self._handing_over, return_exceptions=True)

    def runs(self, session_id: str) -> bool:
        return session_id in self._tasks

    def running(self) -> list[Session]:
        """The sessions that have a loop here; may be asked from another thread."""
        found = (self._journals.at_hand(session_id) for session_id in list(self._tasks))
        return [journal.session for journal in found if journal is not None]

    def due(self, session: Session) -> bool:
        """Whether a loop has something to do for the session."""
        return not isinstance(next_action(session, self._ports.clock.now()), Rest)

    def _done(self, journal: Journal) -> None:
        self._tasks.pop(journal.session.id, None)
        # A fact may have come in between the loop's last look and its end.
        self.ensure(journal)

    async def _hand_over(self, session_id: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._ports.store.hand_over(session_id)

    async def _run(self, journal: Journal, held: HeldLease | None) -> None:
        session_id = journal.session.id
        try:
            held = held or await self.acquire(session_id)
            if held is None:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                await journal.catch_up()
                return
            if held.lease.version != journal.session.version:
                # Who had the lease before has written until then.
                await journal.catch_up()
            # A beat also takes in what other replicas accept for the session.
            await held.keep(
                self._loop(OwnJournal(journal, held)),
                every=HEARTBEAT_SECONDS,
                beside=journal.catch_up,
            )
        except Fenced:
            log.warning("%s was taken over by another process", session_id)
        except StoreUnavailable:
            await asyncio.sleep(HEARTBEAT_SECONDS)
        except LogGone:
            # Those who wait for the session are told too.
            with contextlib.suppress(LogGone, StoreUnavailable):
                await journal.catch_up()
            self._journals.drop(session_id)
        except Exception:
            log.exception("the turn loop of %s failed", session_id)
            if held is not None:
                await self._give_up(OwnJournal(journal, held))
            # Where the defect is met again at once, it must not take the whole process.
            await asyncio.sleep(HEARTBEAT_SECONDS)
        finally:
            if held is not None:
                await held.release()

    async def _loop(self, journal: OwnJournal) -> None:
        for _ in range(MAX_SURPRISES):
            turns = TurnLoop(
                self._ports, journal, self._renderer, self._tenants, leave=lambda: self._draining
            )
            try:
                await turns.run()
            except (LogGone, Fenced):
                raise
            except ImpossibleEvent as error:
                # Somebody else has moved the session on; look again at what is due.
                log.warning("%s: %s", journal.session.id, error.message)
                await journal.catch_up()
            else:
                return
        raise RuntimeError(f"{journal.session.id} kept moving under its turn loop")

    async def _give_up(self, journal: OwnJournal) -> None:
        """A defect here must not leave the turn open for ever."""
        turn = journal.session.active
        if turn is None:
            return
        failure = Failure(
            code="internal_error",
            message="The turn met an error inside the service; the log has it under the trace id.",
        )
        with contextlib.suppress(StoreUnavailable, ImpossibleEvent):
            await journal.commit(
                lambda session: e.TurnEnded(
                    at=self._ports.clock.now(),
                    turn_id=turn.id,
                    status="failed",
                    error=failure,
                    idle=not session.queue,
                )
            )
