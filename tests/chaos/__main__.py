"""A campaign, and its matrix as it grows:

    python -m tests.chaos --turns 500 [--engine URL]

Exits with 1 where anything was lost, duplicated, unpaired or missed, or a turn was taken over
later than its lease and a second allow, and another second for a busy machine (`--late`). With an
engine some of the turns run on it too.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos import campaign, real_engine
from tests.chaos.campaign import CALLERS, Row
from tests.chaos.faults import FAULTS, REAL_ENGINE_FAULTS, Fault
from tests.chaos.fleet import running_fleet
from tests.chaos.matrix import HEAD, line
from tests.chaos.replica import LEASE_SECONDS


def is_right(row: Row, late: float) -> bool:
    in_time = row.slowest is not None and row.slowest <= LEASE_SECONDS + 1 + late
    return row.broken == 0 and row.times > 0 and in_time


async def scripted(turns: int, callers: int, faults: Sequence[Fault], late: float) -> bool:
    rounds = math.ceil(turns / callers / len(faults))
    right = True
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        async with running_fleet(Path(folder)) as fleet:
            for fault in faults:
                row = await campaign.run(fleet, fault, rounds, callers=callers)
                print(line(row), flush=True)
                right &= is_right(row, late)
    return right


async def real(engine: str, rounds: int, late: float) -> bool:
    right = True
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        async with running_fleet(Path(folder), engine) as fleet:
            for fault in REAL_ENGINE_FAULTS:
                row = await real_engine.run(fleet, fault, rounds)
                print(line(row), flush=True)
                right &= is_right(row, late)
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--turns", type=int, default=500, help="with the scripted engine")
    parser.add_argument("--callers", type=int, default=CALLERS, help="turns at a time")
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--engine", help="URL of an SGLang with the demo model")
    parser.add_argument("--rounds", type=int, default=4, help="with that engine, for each fault")
    parser.add_argument("--late", type=float, default=1.0, help="seconds, for a busy machine")
    given = parser.parse_args()
    faults = [fault for fault in FAULTS if given.only in fault.name]
    print(HEAD, end="", flush=True)
    right = True
    if faults:
        right = asyncio.run(scripted(given.turns, given.callers, faults, given.late))
    if given.engine:
        right &= asyncio.run(real(given.engine, given.rounds, given.late))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
