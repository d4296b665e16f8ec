"""The faults: each is inflicted upon a running fleet, and says how often it has happened."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.chaos.doom import Point
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.replica import LEASE_SECONDS

TOO_LONG = LEASE_SECONDS + 1.5
"""For a lease to be held by one who does nothing."""
SHORT = 0.5
HAPPENS_WITHIN = 60.0


@dataclass(frozen=True)
class Fault:
    """`inflict` returns once it has happened and is over, as far as the fault is concerned; raises
    TimeoutError where it does not come to happen. Where the store is away at the end of a text its
    last deltas are not published: `cuts_deltas_short`."""

    name: str
    inflict: Callable[[Fleet], Awaitable[int]]
    cuts_deltas_short: bool = False


def kill(point: Point, *, then: Point | None = None) -> Callable[[Fleet], Awaitable[int]]:
    async def inflict(fleet: Fleet) -> int:
        since, deaths = time.monotonic(), 2 if then else 1
        fleet.doom.order(point, then=then)
        await fleet.seen("death", since, times=deaths, seconds=HAPPENS_WITHIN)
        return deaths

    return inflict


async def at_work(fleet: Fleet) -> Replica:
    """One that has just been running a turn, at any point of it."""
    replica = await fleet.owner()
    await asyncio.sleep(random.random() * SHORT)
    return replica


async def stop(fleet: Fleet) -> int:
    """A process that stands still for longer than its leases, and then goes on."""
    replica = await at_work(fleet)
    replica.signal(signal.SIGSTOP)
    fleet.diary.write("stop", pid=replica.pid)
    await asyncio.sleep(TOO_LONG)
    fleet.diary.write("ready", pid=replica.pid)
    replica.signal(signal.SIGCONT)
    return 1


async def partition(fleet: Fleet) -> int:
    """A replica that does not reach Redis for longer than its leases, and everything else."""
    replica = await at_work(fleet)
    broken = await replica.cable.pull()
    fleet.diary.write("cut", pid=replica.pid)
    await asyncio.sleep(TOO_LONG)
    await replica.cable.plug_in()
    fleet.diary.write("ready", pid=replica.pid)
    return min(broken, 1)


async def cut_redis(fleet: Fleet) -> int:
    """All connections of all replicas to Redis at once, for a moment."""
    await at_work(fleet)
    broken = [await replica.cable.pull() for replica in fleet.replicas]
    await asyncio.sleep(SHORT)
    for replica in fleet.replicas:
        await replica.cable.plug_in()
    fleet.diary.write("outage over")
    return int(all(broken))


def restart_redis(number: int) -> Callable[[Fleet], Awaitable[int]]:
    async def inflict(fleet: Fleet) -> int:
        await at_work(fleet)
        before = fleet.redis.pid
        assert before is not None
        os.kill(before, number)
        await fleet.redis.stop()
        await asyncio.sleep(SHORT)
        await fleet.redis.start()
        fleet.diary.write("outage over")
        return int(fleet.redis.pid != before)

    return inflict


async def lose_engine(fleet: Fleet) -> int:
    """Every stream breaks, and none can be begun, for a moment."""
    await fleet.owner()
    since = time.monotonic()
    if fleet.engine_cable is not None:
        await fleet.engine_cable.replies_seen.wait()
        broken = await fleet.engine_cable.pull()
        await asyncio.sleep(SHORT)
        await fleet.engine_cable.plug_in()
    else:
        fleet.engine_down.touch()
        await fleet.seen("engine lost", since, seconds=HAPPENS_WITHIN)
        await asyncio.sleep(SHORT)
        fleet.engine_down.unlink()
        broken = 1
    fleet.diary.write("outage over")
    return min(broken, 1)


async def jump_clocks(fleet: Fleet) -> int:
    """The replicas' clocks are two hours apart from one moment to the next, and a turn has to be
    taken over all the same."""
    since = time.monotonic()
    ahead, behind = random.sample(fleet.replicas, 2)
    ahead.signal(signal.SIGUSR1)
    behind.signal(signal.SIGUSR2)
    await fleet.seen("jump", since, times=2)
    return await kill("mid-stream")(fleet)


FAULTS = (
    Fault("kill -9 behind the accept", kill("accept")),
    Fault("kill -9 before the first token", kill("first token")),
    Fault("kill -9 in mid-stream", kill("mid-stream")),
    Fault("kill -9 before the reply's commit", kill("commit")),
    Fault("kill -9 in a tool", kill("in a tool")),
    Fault("kill -9 between tool and commit", kill("behind a tool")),
    Fault("kill -9 while the turn waits", kill("waiting")),
    Fault("kill -9 of the owner, then of the adopter", kill("mid-stream", then="adoption")),
    Fault("SIGSTOP for longer than the lease", stop),
    Fault("no way to Redis for longer than the lease", partition),
    Fault("all connections to Redis cut", cut_redis, cuts_deltas_short=True),
    Fault("Redis restarted", restart_redis(signal.SIGTERM), cuts_deltas_short=True),
    Fault("Redis killed (kill -9)", restart_redis(signal.SIGKILL), cuts_deltas_short=True),
    Fault("engine lost", lose_engine),
    Fault("clocks jump by an hour, then kill -9", jump_clocks),
)
REAL_ENGINE_FAULTS = (
    Fault("SGLang: kill -9 in mid-stream", kill("mid-stream")),
    Fault("SGLang: kill -9 in a tool", kill("in a tool")),
    Fault("SGLang: all connections to it cut", lose_engine),
)
