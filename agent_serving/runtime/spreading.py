"""Which batches this process runs: those that are unfinished and that nobody else runs."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter

from agent_serving.domain.errors import Fenced, LogGone, StoreUnavailable
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports import Observer, Ports
from agent_serving.runtime.batch_run import BatchRun
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.leases import HeldLease
from agent_serving.runtime.news import News
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.sessions import Sessions
from agent_serving.runtime.window import Window

log = logging.getLogger(__name__)

ADOPT_SECONDS = 1.0
"""Between two looks for batches that nobody runs."""
HEARTBEAT_SECONDS = 1.0


class TurnEnds(Observer):
    """Tells the batches that run here of each turn that ends here."""

    def __init__(self) -> None:
        self.runs: dict[str, BatchRun] = {}

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        return

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        return

    def turn_ended(self, session: Session, turn: Turn) -> None:
        if session.agent.service_class == "batch":
            for run in self.runs.values():
                run.hear(session.id)


class Spreading:
    def __init__(
        self,
        ports: Ports,
        journals: Journals,
        runners: Runners,
        sessions: Sessions,
        ends: TurnEnds,
        *,
        window: int,
    ) -> None:
        """Of all batches that run here at most `window` turns are under way at once."""
        self._ports = ports
        self._store = ports.store.batches
        self._journals = journals
        self._runners = runners
        self._sessions = sessions
        self._ends = ends
        self._window = Window(window)
        self._owner = secrets.token_hex(8)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tenants: dict[str, str] = {}
        """Whose the unfinished batches are, as far as known."""
        self._news = News()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.create_task(self._forever(), name="batches")

    async def stop(self) -> None:
        """Others go on with the batches at once; turns that have begun are not touched."""
        tasks = [*self._tasks.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def nudge(self) -> None:
        """There is a new batch, or one is cancelled."""
        self._news.set()
        for run in self._ends.runs.values():
            run.hear()

    async def _forever(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._look()
            except StoreUnavailable:
                log.warning("the store cannot be reached; batches wait")
            except Exception:
                log.exception("looking for batches failed")
            await self._news.within(ADOPT_SECONDS)

    async def _look(self) -> None:
        unfinished = await self._store.unfinished()
        known = self._tenants
        self._tenants = {each: known[each] for each in (*unfinished, *self._tasks) if each in known}
        own = Counter(self._tenants[each] for each in self._tasks)
        for batch_id in unfinished:
            if batch_id in self._tasks:
                continue
            tenant = await self._tenant(batch_id)
            # By tenant: a batch may have all its turns wait for as long as its tenant likes.
            if tenant is None or own[tenant] >= self._window.size:
                continue
            if await self._adopt(batch_id):
                own[tenant] += 1

    async def _tenant(self, batch_id: str) -> str | None:
        """None where the batch is gone."""
        if batch_id not in self._tenants:
            batch = await self._store.get(batch_id)
            if batch is None:
                await self._store.forget(batch_id)
                return None
            self._tenants[batch_id] = batch.tenant
        return self._tenants[batch_id]

    async def _adopt(self, batch_id: str) -> bool:
        """Whether it runs here from now on."""
        try:
            held = await HeldLease.acquire(self._ports.store, batch_id, self._owner)
        except LogGone:
            await self._store.forget(batch_id)
            return False
        if held is None:
            return False
        task = asyncio.create_task(self._run(batch_id, held), name=f"run {batch_id}")
        self._tasks[batch_id] = task
        task.add_done_callback(lambda _: self._done(batch_id))
        return True

    def _done(self, batch_id: str) -> None:
        del self._tasks[batch_id]
        self._ends.runs.pop(batch_id, None)
        self._window.leave(batch_id)
        self.nudge()

    async def _run(self, batch_id: str, held: HeldLease) -> None:
        try:
            batch = await self._store.get(batch_id)
            if batch is not None:
                run = BatchRun(
                    self._ports,
                    self._journals,
                    self._runners,
                    self._sessions,
                    self._window,
                    batch,
                    held,
                )
                self._window.join(batch_id, batch.tenant)
                self._ends.runs[batch_id] = run
                await held.keep(run.run(), every=HEARTBEAT_SECONDS)
            await self._store.forget(batch_id)
        except (Fenced, LogGone):
            log.warning("%s was taken over by another process, or is gone", batch_id)
        except StoreUnavailable:
            await asyncio.sleep(ADOPT_SECONDS)
        except Exception:
            log.exception("running %s failed", batch_id)
            # Where the defect is met again at once, it must not take the whole process.
            await asyncio.sleep(ADOPT_SECONDS)
        finally:
            await held.release()
