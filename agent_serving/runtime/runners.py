"""Who runs what in this process: one loop per session with something to do, under a lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets

from agent_serving.domain import events as e
from agent_serving.domain.decide import Rest, next_action
from agent_serving.domain.errors import ImpossibleEvent, LogGone, StoreUnavailable
from agent_serving.domain.session import Session
from agent_serving.domain.values import Failure
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.tenants import Tenants
from agent_serving.runtime.turn import TurnLoop

log = logging.getLogger(__name__)

LEASE_MS = 10_000
HEARTBEAT_SECONDS = 1.0
ADOPT_SECONDS = 5.0
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
        self._orphans: set[str] = set()
        """Sessions found with a turn that nobody seems to run, whose lease is asked for."""
        self._adopted = 0
        self._adopting: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to adopt sessions whose turn is open and nobody runs."""
        self._adopting = asyncio.create_task(self._adopt_forever(), name="adopt")

    def ensure(self, journal: Journal) -> None:
        """See to it that the session's turns run, here or where its lease is."""
        session_id = journal.session.id
        if self._closing or journal.gone or session_id in self._tasks:
            return
        if not self.due(journal.session):
            return
        task = asyncio.create_task(self._run(journal), name=f"run {session_id}")
        self._tasks[session_id] = task
        task.add_done_callback(lambda _: self._done(journal))

    async def aclose(self) -> None:
        """Stop here; open turns stay open and go on wherever they are adopted."""
        self._closing = True
        tasks = [*self._tasks.values(), *([self._adopting] if self._adopting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def adopted(self) -> int:
        """Sessions that were taken over from another process, or from an earlier run."""
        return self._adopted

    def running(self) -> list[Session]:
        """The sessions that have a loop here; may be asked from another thread."""
        found = (self._journals.at_hand(session_id) for session_id in list(self._tasks))
        return [journal.session for journal in found if journal is not None]

    def due(self, session: Session) -> bool:
        """Whether a loop has something to do for the session."""
        return not isinstance(next_action(session, self._ports.clock.now()), Rest)

    def _done(self, journal: Journal) -> None:
        self._tasks.pop(journal.session.id, None)
        if not self._closing:
            # A fact may have come in between the loop's last look and its end.
            self.ensure(journal)
        if journal.session.id not in self._tasks:
            self._orphans.discard(journal.session.id)

    async def _run(self, journal: Journal) -> None:
        session_id = journal.session.id
        try:
            if not await self._ports.store.acquire_lease(session_id, self._owner, LEASE_MS):
                await asyncio.sleep(HEARTBEAT_SECONDS)
                await journal.catch_up()
                return
            if session_id in self._orphans:
                self._orphans.discard(session_id)
                self._adopted += 1
            # Who had the lease before may have written until then.
            await journal.catch_up()
            await self._loop_with_heartbeat(journal)
        except StoreUnavailable:
            await asyncio.sleep(HEARTBEAT_SECONDS)
        except LogGone:
            self._journals.drop(session_id)
        except Exception:
            log.exception("the turn loop of %s failed", session_id)
            await self._give_up(journal)
            # Where the defect is met again at once, it must not take the whole process.
            await asyncio.sleep(HEARTBEAT_SECONDS)
        finally:
            with contextlib.suppress(StoreUnavailable):
                await self._ports.store.release_lease(session_id, self._owner)

    async def _loop_with_heartbeat(self, journal: Journal) -> None:
        loop = asyncio.ensure_future(self._loop(journal))
        heart = asyncio.ensure_future(self._heartbeat(journal))
        try:
            await asyncio.wait({loop, heart}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (loop, heart):
                task.cancel()
            await asyncio.gather(loop, heart, return_exceptions=True)
        for task in (loop, heart):
            if not task.cancelled():
                task.result()

    async def _loop(self, journal: Journal) -> None:
        for _ in range(MAX_SURPRISES):
            try:
                await TurnLoop(self._ports, journal, self._renderer, self._tenants).run()
            except LogGone:
                raise
            except ImpossibleEvent as error:
                # Somebody else has moved the session on; look again at what is due.
                log.warning("%s: %s", journal.session.id, error.message)
                await journal.catch_up()
            else:
                return
        raise RuntimeError(f"{journal.session.id} kept moving under its turn loop")

    async def _heartbeat(self, journal: Journal) -> None:
        """Ends when the lease is lost. Takes in what other replicas accept for the session."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                held = await self._ports.store.acquire_lease(
                    journal.session.id, self._owner, LEASE_MS
                )
                await journal.catch_up()
            except StoreUnavailable:
                continue
            if not held:
                log.warning("lost the lease of %s", journal.session.id)
                return

    async def _give_up(self, journal: Journal) -> None:
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

    async def _adopt_forever(self) -> None:
        while True:
            try:
                for session_id in await self._ports.store.open_sessions():
                    if session_id not in self._tasks:
                        await self._adopt(session_id)
            except StoreUnavailable:
                log.warning("the store cannot be reached; open turns wait")
            except Exception:
                log.exception("looking for open turns failed")
            await asyncio.sleep(ADOPT_SECONDS)

    async def _adopt(self, session_id: str) -> None:
        try:
            journal = await self._journals.find(session_id)
            if journal is None or session_id in self._tasks:
                return
            if self.due(journal.session):
                self._orphans.add(session_id)
            await self._tenants.resume(journal)
            self.ensure(journal)
        except StoreUnavailable:
            raise
        except Exception:
            # One session that cannot be read must not keep the others from being adopted.
            log.exception("adopting %s failed", session_id)
