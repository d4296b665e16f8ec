"""The runtime as one thing: what the API and a test start and stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from agent_serving.ports import Ports
from agent_serving.runtime.agents import Agents
from agent_serving.runtime.budgets import Budgets
from agent_serving.runtime.follow import Feed
from agent_serving.runtime.forks import Forks
from agent_serving.runtime.inputs import Inputs
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.load import Load, unfinished
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.sessions import Sessions
from agent_serving.runtime.tenants import Tenants

PROBE_SECONDS = 5.0


class Service:
    def __init__(self, ports: Ports, *, dialect: str | None = None) -> None:
        self.ports = ports
        renderer = Renderer(ports)
        journals = Journals(ports.store, ports.observers)
        tenants = Tenants(ports)
        self._runners = Runners(ports, journals, renderer, tenants)
        self.agents = Agents(ports, dialect=dialect)
        self.budgets = Budgets(ports, journals, self._runners, tenants)
        self.sessions = Sessions(ports, journals, renderer, self._runners, self.budgets)
        self.inputs = Inputs(ports, journals, self._runners, self.sessions)
        self.forks = Forks(ports, journals, renderer)
        self.feed = Feed(ports.store)
        self._probing: asyncio.Task[None] | None = None

    def load(self) -> Load:
        """May be asked from another thread."""
        turns = Counter(s for session in self._runners.running() for s in unfinished(session))
        return Load(turns=turns, followers=self.feed.followers, adopted=self._runners.adopted)

    async def start(self) -> None:
        """Probe the engines, adopt open turns. Does not need either to be up."""
        await self.ports.engine.probe()
        self._runners.start()
        self._probing = asyncio.create_task(self._probe_forever(), name="probe")

    async def aclose(self) -> None:
        """Open turns stay open, to be adopted; the ports are closed."""
        if self._probing is not None:
            self._probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._probing
        await self._runners.aclose()
        await self.ports.engine.aclose()
        await self.ports.store.aclose()

    async def _probe_forever(self) -> None:
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            await self.ports.engine.probe()
