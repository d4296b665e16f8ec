"""Whatever dies, stops, jumps or goes away: no turn is lost, nothing is done twice.

One round for each fault; `AGENT_SERVING_TEST_CHAOS=500` makes it so many turns. The matrix is
printed at the end. `make chaos` runs it in full, outside of pytest.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import campaign, real_engine
from tests.chaos.campaign import CALLERS, Row
from tests.chaos.faults import FAULTS, REAL_ENGINE_FAULTS, Fault
from tests.chaos.fleet import Fleet, running_fleet
from tests.chaos.matrix import table
from tests.chaos.replica import LEASE_SECONDS

TURNS = int(os.environ.get("AGENT_SERVING_TEST_CHAOS", "0"))
ROUNDS = max(1, math.ceil(TURNS / CALLERS / len(FAULTS)))
LOADED_SECONDS = 5.0
"""A machine that tests run on side by side with others is late by so much."""

TRIES = 3

pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS * TRIES)


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest) -> Iterator[list[Row]]:
    found: list[Row] = []
    yield found
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n\n{table(found)}")


@pytest.fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with running_fleet(tmp_path_factory.mktemp("chaos")) as made:
        yield made


async def assert_right(inflicted: Callable[[], Awaitable[Row]], rows: list[Row]) -> None:
    """Where the machine stands still, all turns may be over before the fault comes: then it is
    inflicted again, upon others."""
    for _ in range(TRIES):
        rows.append(row := await inflicted())
        assert row.broken == 0, row
        if row.recoveries:
            break
    assert row.times >= ROUNDS, "the fault did not happen"
    assert row.recoveries, "no turn was met by the fault"
    assert max(row.recoveries) < LEASE_SECONDS + 1 + LOADED_SECONDS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_no_turn_is_lost_and_nothing_is_done_twice(
    fleet: Fleet, rows: list[Row], fault: Fault
) -> None:
    await assert_right(partial(campaign.run, fleet, fault, ROUNDS), rows)
    assert rows[-1].turns == CALLERS * ROUNDS


async def test_on_the_real_engine_too(engine_url: str, tmp_path: Path, rows: list[Row]) -> None:
    async with running_fleet(tmp_path, engine_url) as fleet:
        for fault in REAL_ENGINE_FAULTS:
            await assert_right(partial(real_engine.run, fleet, fault, ROUNDS), rows)


async def test_a_fault_that_does_not_come_to_happen_fails(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No turn calls a tool, so none dies in one."""
    monkeypatch.setattr("tests.chaos.faults.HAPPENS_WITHIN", 3)
    fault = next(fault for fault in FAULTS if fault.name == "kill -9 in a tool")
    with pytest.raises(TimeoutError):
        await campaign.run(fleet, fault, 1, bodies=({"input": "tell"},), callers=1)
    assert fleet.doom.outstanding() == ["in a tool"]
    fleet.doom.withdraw()
