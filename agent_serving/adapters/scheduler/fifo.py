"""The first scheduler: sticky by session, on each worker first come first served within a class,
bounded."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from agent_serving.domain.errors import EngineUnavailable, Overloaded
from agent_serving.domain.values import ServiceClass
from agent_serving.ports import Admission, Grant, Worker
from agent_serving.scheduling.classes import BY_URGENCY, most_places
from agent_serving.scheduling.routing import choose

_FIRST_GUESS_SECONDS = 2.0
_LONGEST_RETRY_AFTER_SECONDS = 60.0


@dataclass(slots=True)
class _Line:
    """One worker's places. A free place is handed over, never put back while somebody waits who may
    have it, so nobody who comes later can take it."""

    running: Counter[ServiceClass] = field(default_factory=Counter)
    waiting: dict[ServiceClass, deque[asyncio.Future[None]]] = field(
        default_factory=lambda: {each: deque() for each in BY_URGENCY}
    )

    def free(self, service_class: ServiceClass, places: int) -> bool:
        """Whether the class may have another of the worker's places."""
        return self.running.total() < places and self.running[service_class] < most_places(
            service_class, places
        )


class FifoScheduler:
    """Bounds how many requests a worker runs at once, and how many of each class wait in all.

    `workers` is asked anew at each decision, so a worker that is lost or comes back is noticed.
    """

    def __init__(
        self,
        workers: Callable[[], Sequence[Worker]],
        *,
        max_running_per_worker: int = 32,
        max_waiting: int = 512,
    ) -> None:
        self._workers = workers
        self._max_running = max_running_per_worker
        self._max_waiting = max_waiting
        self._lines: dict[str, _Line] = {}
        self._hold_seconds = _FIRST_GUESS_SECONDS

    @property
    def waiting(self) -> int:
        return sum(self._waiting(each) for each in BY_URGENCY)

    def _waiting(self, service_class: ServiceClass) -> int:
        return sum(len(line.waiting[service_class]) for line in self._lines.values())

    def running(self, worker: str) -> int:
        line = self._lines.get(worker)
        return line.running.total() if line else 0

    @asynccontextmanager
    async def admit(self, admission: Admission) -> AsyncIterator[Grant]:
        """Wait for a place and hold it inside the block. Raises Overloaded, EngineUnavailable."""
        asked = time.monotonic()
        worker = await self._place(admission)
        granted = time.monotonic()
        try:
            yield Grant(worker=worker, waited_ms=(granted - asked) * 1000)
        finally:
            self._learn(time.monotonic() - granted)
            self._leave(worker, admission.service_class)

    async def _place(self, admission: Admission) -> str:
        while True:
            worker = self._choose(admission)
            await self._enter(worker, admission.service_class)
            if worker in self._ready():
                return worker
            # It was lost while we waited: stand in line elsewhere.
            self._leave(worker, admission.service_class)

    def _ready(self) -> list[str]:
        return [worker.name for worker in self._workers() if worker.ready]

    def _choose(self, admission: Admission) -> str:
        worker = choose(admission.session_id, self._ready(), admission.avoid)
        if worker is None:
            names = ", ".join(worker.name for worker in self._workers()) or "none configured"
            raise EngineUnavailable(
                f"No engine worker is ready (workers: {names}). Start one, or wait until a probe "
                "finds it; /v1/capabilities says why each is not ready."
            )
        return worker

    async def _enter(self, worker: str, service_class: ServiceClass) -> None:
        line = self._lines.setdefault(worker, _Line())
        if line.free(service_class, self._max_running):
            line.running[service_class] += 1
            return
        waiting = self._waiting(service_class)
        if waiting >= self._max_waiting:
            raise Overloaded(
                f"{waiting} requests of class {service_class} wait for an engine already, which is "
                "the limit; try again later.",
                retry_after=self._predicted_wait(line, service_class),
            )
        turn = asyncio.get_running_loop().create_future()
        line.waiting[service_class].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # The place was handed over in the moment of cancelling.
                self._leave(worker, service_class)
            elif turn in line.waiting[service_class]:
                line.waiting[service_class].remove(turn)
            raise

    def _leave(self, worker: str, service_class: ServiceClass) -> None:
        line = self._lines[worker]
        line.running[service_class] -= 1
        for each in BY_URGENCY:
            waiting = line.waiting[each]
            while waiting and line.free(each, self._max_running):
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    line.running[each] += 1

    def _learn(self, held: float) -> None:
        self._hold_seconds += 0.2 * (held - self._hold_seconds)

    def _predicted_wait(self, line: _Line, service_class: ServiceClass) -> float:
        ahead = BY_URGENCY[: BY_URGENCY.index(service_class) + 1]
        rounds = (sum(len(line.waiting[each]) for each in ahead) + 1) / self._max_running
        return min(max(rounds * self._hold_seconds, 1.0), _LONGEST_RETRY_AFTER_SECONDS)
