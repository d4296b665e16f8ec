"""agent-serving soak"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Rest
from agent_serving.cli.soak_load import SoakLoad
from agent_serving.cli.soak_service import soaked_service
from agent_serving.cli.soak_watch import SoakWatch, percentiles
from agent_serving.domain.growth import MEMORY_GROWTH, Growth, growth

WARM_UP = 0.25
"""Of the time: caches and pools fill, and what they take is no leak."""
SAMPLES = 100
SHOWN_ERRORS = 5


def soak(
    minutes: Annotated[float, typer.Option(min=0.2, help="How long, warm-up included.")] = 10.0,
    callers: Annotated[int, typer.Option(min=1, max=500, help="Sessions at a time.")] = 12,
    every: Annotated[
        float, typer.Option(min=0.5, help="Seconds between two lines of progress.")
    ] = 5.0,
    memory_growth: Annotated[
        float,
        typer.Option(
            min=0, help="Percent of growth that fail. In less than ten minutes give more room."
        ),
    ] = 100 * MEMORY_GROWTH,
    url: Annotated[
        str | None,
        typer.Option(
            help="Of a running service, on Linux, that does nothing else meanwhile; one with a "
            "scripted engine and a Redis of its own is started where not set.",
            show_default=False,
        ),
    ] = None,
    key: options.ServiceKey = None,
    redis_url: Annotated[
        str | None,
        typer.Option("--redis", help="Of that service: shows its memory.", show_default=False),
    ] = None,
) -> None:
    """Load a service with all that can be done with a session, and fail if it grows.

    Callers open sessions, run turns in all modes with and without tools, queue, steer, interrupt
    and cancel them, fork, follow events and leave, and delete what they made. The first quarter of
    the time is for warming up. It exits with 1 where from then on the resident memory grew by
    --memory-growth percent or more (medians of the first and the last fifth), where open files or
    asyncio tasks are left at rest that were not there before, and where a request or a turn failed.

    Example: agent-serving soak --minutes 10
    """
    room = memory_growth / 100
    if not asyncio.run(_soak(url, key, redis_url, minutes * 60, callers, every, room)):
        raise typer.Exit(1)


async def _soak(
    url: str | None,
    key: str | None,
    redis_url: str | None,
    seconds: float,
    callers: int,
    every: float,
    room: float,
) -> bool:
    out = console()
    async with AsyncExitStack() as stack:
        if url is None:
            url, redis_url = await _started(stack)
        store = None
        if redis_url is not None:
            store = RedisSessionStore.connect(redis_url)
            stack.push_async_callback(store.aclose)
        rest = await stack.enter_async_context(Rest(url, key))
        load = SoakLoad(rest, callers)
        work_seconds = seconds * (1 - WARM_UP)
        watch = SoakWatch(
            rest, load, store, out, sample_seconds=work_seconds / SAMPLES, say_seconds=every
        )
        await watch.during(seconds * WARM_UP, "warming up")
        before = await watch.rested()
        load.seconds.clear()
        samples = await watch.during(work_seconds, "soaking")
        found = growth(samples, before, await watch.rested(), memory_growth=room)
        return _report(out, load, found, room)


async def _started(stack: AsyncExitStack) -> tuple[str, str]:
    """The URLs of a service and of its Redis, which end with the stack."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
    redis = EmbeddedRedis(folder)
    stack.push_async_callback(redis.stop)
    await redis.start()
    return stack.enter_context(soaked_service(redis.url)), redis.url


def _report(out: Console, load: SoakLoad, found: Growth, room: float) -> bool:
    turns = len(load.seconds)
    out.print(f"{turns} turns were timed: {percentiles(load.seconds)}.", markup=False)
    out.print(f"Memory changed by {found.memory:+.2%}; {room:.0%} would fail.")
    for problem in found.problems:
        out.print(f"GROWN: {problem}.", markup=False, style="red", soft_wrap=True)
    for error in load.errors[:SHOWN_ERRORS]:
        out.print(f"FAILED: {error}", markup=False, style="red", soft_wrap=True)
    if len(load.errors) > SHOWN_ERRORS:
        out.print(f"... and {len(load.errors) - SHOWN_ERRORS} more failures.", style="red")
    right = not found.problems and not load.errors and turns > 0
    if right:
        out.print("Nothing leaked, nothing failed.")
    return right
