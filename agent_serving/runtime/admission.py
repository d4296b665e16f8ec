"""The place at an engine that a model step waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from agent_serving.domain.errors import Overloaded
from agent_serving.ports import Admission, Grant, Ports


@asynccontextmanager
async def admitted(ports: Ports, admission: Admission) -> AsyncIterator[Grant]:
    """As the scheduler has it; but class batch asks again where too many wait already, since nobody
    waits for its answer: turns of a batch that were parked go on all at once. The grant tells the
    whole wait. Raises Overloaded (for the other classes), EngineUnavailable."""
    begun = ports.clock.monotonic()
    refused_ms = 0.0
    while True:
        async with AsyncExitStack() as stack:
            try:
                grant = await stack.enter_async_context(ports.scheduler.admit(admission))
            except Overloaded as error:
                if admission.service_class != "batch":
                    raise
                rest = error.retry_after
            else:
                yield replace(grant, waited_ms=refused_ms + grant.waited_ms)
                return
        await asyncio.sleep(rest)
        refused_ms = (ports.clock.monotonic() - begun) * 1000
