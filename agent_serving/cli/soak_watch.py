"""What a soaked service takes while it works: asked of its metrics, at even intervals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from statistics import quantiles

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.cli.rest import Rest, RestError
from agent_serving.cli.soak_load import SoakLoad
from agent_serving.domain.growth import Footprint

MEMORY = "process_memory_usage_bytes"
FILES = "process_unix_file_descriptor_count"
TASKS = "agent_serving_tasks"
REST_SECONDS = 12.0
REST_LOOK_SECONDS = 0.5
IDLE_SECONDS = 7.0
"""By then the connections of the load are closed, which httpx keeps for 5 s after their use."""


class SoakWatch:
    """Takes a footprint every `sample_seconds`, and says how it goes every `say_seconds`. `store`
    is asked for the memory of Redis, where it is known."""

    def __init__(
        self,
        rest: Rest,
        load: SoakLoad,
        store: RedisSessionStore | None,
        out: Console,
        *,
        sample_seconds: float,
        say_seconds: float,
    ) -> None:
        self._rest = rest
        self._load = load
        self._store = store
        self._out = out
        self._sample_seconds = sample_seconds
        self._say_seconds = say_seconds

    async def during(self, seconds: float, title: str) -> list[Footprint]:
        """Run the load for so long; the footprints that were taken meanwhile."""
        samples: list[Footprint] = []
        sampling = asyncio.create_task(self._sample(samples.append))
        saying = asyncio.create_task(self._say(samples, title))
        try:
            await self._load.run(seconds)
        finally:
            for task in (sampling, saying):
                task.cancel()
            ends = await asyncio.gather(sampling, saying, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        return samples

    async def rested(self) -> Footprint:
        """The least of what it takes in the first seconds behind the load."""
        seen: list[Footprint] = []
        for _ in range(int(REST_SECONDS / REST_LOOK_SECONDS)):
            seen.append(await self.footprint())
            idle = len(seen) * REST_LOOK_SECONDS > IDLE_SECONDS
            settled = idle and len({(s.files, s.tasks) for s in seen[-4:]}) == 1
            if settled:
                break
            await asyncio.sleep(REST_LOOK_SECONDS)
        return Footprint(
            memory=min(s.memory for s in seen),
            files=min(s.files for s in seen),
            tasks=min(s.tasks for s in seen),
        )

    async def footprint(self) -> Footprint:
        """Raises RestError."""
        text = await self._rest.text("/metrics")
        found = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in (MEMORY, FILES, TASKS)
        }
        if len(found) < 3:
            raise RestError(
                f"{self._rest.url}/metrics shows no memory, open files and tasks: the service has "
                "to run on Linux, and to be as new as this command."
            )
        return Footprint(found[MEMORY], int(found[FILES]), int(found[TASKS]))

    async def _sample(self, take: Callable[[Footprint], None]) -> None:
        while True:
            await asyncio.sleep(self._sample_seconds)
            take(await self.footprint())

    async def _say(self, samples: list[Footprint], title: str) -> None:
        told = len(self._load.seconds)
        while True:
            await asyncio.sleep(self._say_seconds)
            done, told = self._load.seconds[told:], len(self._load.seconds)
            now = samples[-1] if samples else await self.footprint()
            redis = (
                "" if self._store is None else f", Redis {_size(await self._store.used_memory())}"
            )
            self._out.print(
                f"{title}: {len(done) / self._say_seconds:.1f} turns/s, {percentiles(done)}, "
                f"memory {_size(now.memory)}, {now.files} open files, {now.tasks} tasks{redis}",
                markup=False,
                soft_wrap=True,
            )


def percentiles(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return "no turns"
    cut = quantiles(seconds, n=100, method="inclusive")
    return f"turn p50 {cut[49] * 1000:.0f} ms, p99 {cut[98] * 1000:.0f} ms"


def _size(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"
