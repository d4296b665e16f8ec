"""Rounds of turns, each under one fault, and what came of them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos import judge
from tests.chaos.caller import SCRIPTED_AGENT, SETTLED, Caller, Json, Told
from tests.chaos.faults import Fault
from tests.chaos.fleet import Fleet

CALLERS = 6
STAGGER_SECONDS = 0.6
ENDS = frozenset(f"turn.{status}" for status in SETTLED)
SCRIPTED_TURNS: tuple[Json, ...] = ({"input": "tell"}, {"input": "pay"}, {"input": "ask"})


@dataclass(frozen=True)
class Row:
    """Of one fault: how often it happened, and what must be 0 of its turns. `unfinished` ended
    otherwise than completed; `recoveries` are seconds, one for each turn that was taken over or
    that an outage met."""

    fault: str
    times: int
    turns: int
    lost: int
    unfinished: int
    duplicated: int
    unpaired: int
    gaps: int
    recoveries: tuple[float, ...]
    doubts: int
    reconnects: int

    @property
    def broken(self) -> int:
        return self.lost + self.unfinished + self.duplicated + self.unpaired + self.gaps

    @property
    def slowest(self) -> float | None:
        return max(self.recoveries, default=None)


async def run(
    fleet: Fleet,
    fault: Fault,
    rounds: int,
    *,
    agent: Json = SCRIPTED_AGENT,
    bodies: Sequence[Json] = SCRIPTED_TURNS,
    callers: int = CALLERS,
) -> Row:
    """Each caller has one session, and one turn of it in each round."""
    since, times = time.monotonic(), 0
    everybody = [Caller(fleet, agent) for _ in range(callers)]
    told: list[Told] = []
    for number in range(rounds):
        await fleet.all_ready()
        happening = asyncio.create_task(fault.inflict(fleet))
        try:
            turns = [
                _later(caller, bodies[(number + place) % len(bodies)])
                for place, caller in enumerate(everybody)
            ]
            told += await asyncio.gather(*turns)
            times += await happening
        finally:
            happening.cancel()
    await fleet.all_ready()
    for turn in {turn.session: turn for turn in told}.values():
        await everybody[0].read_back(turn)
    return _row(fleet, fault, times, told, since)


async def _later(caller: Caller, body: Json) -> Told:
    await asyncio.sleep(random.random() * STAGGER_SECONDS)
    return await caller.turn(body)


def _row(fleet: Fleet, fault: Fault, times: int, told: Sequence[Told], since: float) -> Row:
    effects = fleet.witness.read_text().split()
    retries = [call for turn in told for call in turn.retries]
    last = {turn.session: turn for turn in told}.values()
    ours = {item["call_id"] for turn in last for item in turn.items if "call_id" in item}
    diary = fleet.diary.lines()
    unseen = [line for line in diary if line["kind"] == "unpaired" and line["at"] >= since]
    return Row(
        fault=fault.name,
        times=times,
        turns=len(told),
        lost=sum(turn.status.startswith("lost") for turn in told)
        + sum(judge.unwitnessed(turn.items, effects) for turn in last),
        unfinished=sum(not turn.status.startswith(("completed", "lost")) for turn in told),
        duplicated=judge.duplicated([key for key in effects if key in ours], retries),
        unpaired=sum(judge.unpaired(turn.items) for turn in last) + len(unseen),
        gaps=sum(_gaps(turn, fault) for turn in last),
        recoveries=tuple(judge.recoveries(diary, since)),
        doubts=sum(turn.doubts for turn in told),
        reconnects=sum(turn.followed.connections for turn in last) - len(told),
    )


def _gaps(turn: Told, fault: Fault) -> int:
    followed = turn.followed.events
    missed = judge.gaps(followed, turn.events, turn.turn, ENDS) if turn.status in SETTLED else 0
    return missed + judge.mangled(followed, cut_short=fault.cuts_deltas_short)
