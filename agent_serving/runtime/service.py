"""The runtime as one thing: what the API and a test start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from agent_serving.ports import Ports
from agent_serving.runtime.adoption import Adoption
from agent_serving.runtime.agents import Agents
from agent_serving.runtime.batches import Batches
from agent_serving.runtime.budgets import Budgets
from agent_serving.runtime.follow import Feed
from agent_serving.runtime.forks import Forks
from agent_serving.runtime.history import History
from agent_serving.runtime.idempotency import SessionMaker
from agent_serving.runtime.inputs import Inputs
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.load import Load, unfinished
from agent_serving.runtime.quotas import TenantQuotas
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.sessions import Sessions
from agent_serving.runtime.spreading import Spreading, TurnEnds
from agent_serving.runtime.tenants import Tenants

PROBE_SECONDS = 5.0
BATCH_WINDOW = 28


class Service:
    def __init__(
        self, ports: Ports, *, dialect: str | None = None, batch_window: int = BATCH_WINDOW
    ) -> None:
        """Of all batches that run here at most `batch_window` turns are under way at once."""
        self.ports = ports
        renderer = Renderer(ports)
        self.quotas = TenantQuotas(ports, lambda: self._runners.running())
        ends = TurnEnds()
        journals = Journals(ports.store, (*ports.observers, self.quotas, ends))
        tenants = Tenants(ports)
        self._runners = Runners(ports, journals, renderer, tenants)
        self._adoption = Adoption(ports, journals, self._runners, tenants)
        self.agents = Agents(ports, dialect=dialect)
        self.budgets = Budgets(ports, journals, self._runners, tenants, self.quotas)
        maker = SessionMaker(ports, journals, self.quotas)
        self.sessions = Sessions(ports, journals, renderer, self._runners, self.budgets, maker)
        self._spreading = Spreading(
            ports, journals, self._runners, self.sessions, ends, window=batch_window
        )
        self.batches = Batches(ports, journals, self._runners, self.quotas, self._spreading.nudge)
        self.inputs = Inputs(ports, journals, self._runners, self.sessions)
        self.history = History(ports, journals, renderer)
        self.forks = Forks(ports, journals, renderer, maker)
        self.feed = Feed(ports.store)
        self.closing = asyncio.Event()
        """Set when nobody should wait here any more."""
        self._probing: asyncio.Task[None] | None = None

    def load(self) -> Load:
        """May be asked from another thread."""
        turns = Counter(s for session in self._runners.running() for s in unfinished(session))
        return Load(turns=turns, followers=self.feed.followers, adopted=self._adoption.adopted)

    async def start(self) -> None:
        """Probe the engines, adopt open turns and batches. Does not need either to be up."""
        await self.ports.engine.probe()
        self._adoption.start()
        self._spreading.start()
        self.quotas.start()
        self._probing = asyncio.create_task(self._probe_forever(), name="probe")

    @property
    def draining(self) -> bool:
        """Whether it takes no more turns, because it is about to end."""
        return self._runners.draining

    async def drain(self, grace_seconds: float) -> None:
        """Take no more turns, and let go of those that are open, each at its next step boundary:
        other replicas go on with them at once. Returns when all are gone or the time is up; who
        still waits for a turn here is then told where it stands."""
        try:
            await self._spreading.stop()
            await self._adoption.stop()
            await self._runners.drain(grace_seconds)
        finally:
            self.closing.set()
            self.feed.close()

    async def aclose(self) -> None:
        """Open turns stay open, to be adopted; the ports are closed."""
        self.closing.set()
        await self._spreading.stop()
        await self._adoption.stop()
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
        await self._runners.aclose()
        await self.quotas.aclose()
        await self.ports.engine.aclose()
        await self.ports.store.aclose()

    async def _probe_forever(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            await self.ports.engine.probe()
