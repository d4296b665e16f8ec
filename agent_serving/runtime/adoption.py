"""Open turns that nobody runs: those of a process that died, or that let go of them."""

from __future__ import annotations

import asyncio
import logging

from agent_serving.domain.errors import LogGone, StoreUnavailable
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.tenants import Tenants

log = logging.getLogger(__name__)

ADOPT_SECONDS = 0.4
"""Between two looks. An orphan is adopted when two looks in a row have found it, so that a turn
which was accepted in this moment stays where it was accepted: at most 0.8 s from the end of the
lease."""
REST_SECONDS = 5.0
"""Between two looks at an orphan for which there was nothing to do: its tenant's budget is used
up, or it cannot be read here."""


class Adoption:
    def __init__(
        self, ports: Ports, journals: Journals, runners: Runners, tenants: Tenants
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._runners = runners
        self._tenants = tenants
        self._adopted = 0
        self._cursor: str | None = None
        self._seen: set[str] = set()
        self._rests_until: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def adopted(self) -> int:
        """Sessions that were taken over from another process, or from an earlier run."""
        return self._adopted

    def start(self) -> None:
        self._looking = asyncio.create_task(self._forever(), name="adopt")

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _forever(self) -> None:
        while True:
            try:
                await self._look()
            except StoreUnavailable:
                log.warning("the store cannot be reached; open turns wait")
                await asyncio.sleep(ADOPT_SECONDS)
            except Exception:
                log.exception("looking for open turns failed")
                await asyncio.sleep(ADOPT_SECONDS)

    async def _look(self) -> None:
        """Waits for what is handed over, and takes what was orphaned meanwhile."""
        handed = await self._ports.store.handovers(self._cursor, block_ms=int(ADOPT_SECONDS * 1000))
        self._cursor = handed.cursor
        orphans = set(await self._ports.store.orphans())
        now = asyncio.get_running_loop().time()
        self._rests_until = {
            session_id: until
            for session_id, until in self._rests_until.items()
            if session_id in orphans and until > now
        }
        twice = sorted((orphans & self._seen) - self._rests_until.keys())
        self._seen = orphans
        for session_id in dict.fromkeys([*handed.session_ids, *twice]):
            if not self._runners.runs(session_id):
                await self._adopt(session_id)

    async def _adopt(self, session_id: str) -> None:
        try:
            if await self._taken(session_id):
                return
        except (StoreUnavailable, asyncio.CancelledError):
            raise
        except LogGone:
            self._journals.drop(session_id)
        except Exception:
            # One session that cannot be read must not keep the others from being adopted.
            log.exception("adopting %s failed", session_id)
        self._rests_until[session_id] = asyncio.get_running_loop().time() + REST_SECONDS

    async def _taken(self, session_id: str) -> bool:
        """Whether somebody runs it now; False where there is nothing to do for it."""
        journal = await self._journals.find(session_id)
        if journal is None:
            return False
        orphaned = self._runners.due(journal.session)
        await self._tenants.resume(journal)
        if not self._runners.due(journal.session):
            return False
        held = await self._runners.acquire(session_id)
        if held is not None:
            if self._runners.runs(session_id):
                # A request came in meanwhile; its loop has the same lease.
                return True
            self._adopted += orphaned
            self._runners.ensure(journal, held)
            if not self._runners.runs(session_id):
                await held.release()
        return True
