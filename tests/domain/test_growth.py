"""Growth: what a leak looks like, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.growth import Footprint, growth

MEMORY = 100 * 2**20
REST = Footprint(MEMORY, 60, 12)


def loaded(*memory: float) -> list[Footprint]:
    return [Footprint(size, 90, 80) for size in memory]


@given(st.lists(st.floats(0.99, 1.01), min_size=10, max_size=200))
def test_what_stays_about_as_it_is_has_not_grown(shares: list[float]) -> None:
    found = growth(loaded(*(MEMORY * share for share in shares)), REST, REST)
    assert found.problems == ()
    assert abs(found.memory) < 0.021


@given(st.integers(10, 200), st.floats(0.08, 1.0))
def test_what_grows_all_the_time_has_grown(samples: int, share: float) -> None:
    sizes = (MEMORY * (1 + share * n / (samples - 1)) for n in range(samples))
    [problem] = growth(loaded(*sizes), REST, REST).problems
    assert problem.startswith("memory grew by ")


def test_neither_a_peak_nor_a_quiet_moment_decides() -> None:
    sizes = [MEMORY] * 50
    sizes[2], sizes[47] = MEMORY // 2, MEMORY * 2
    assert growth(loaded(*sizes), REST, REST).problems == ()


def test_files_and_tasks_that_are_left_at_rest_are_told() -> None:
    steady = loaded(*[MEMORY] * 10)
    after = Footprint(MEMORY, 160, 20)
    assert growth(steady, REST, after).problems == (
        "open files leaked: 60 at rest before the load, 160 behind it",
        "tasks leaked: 12 at rest before the load, 20 behind it",
    )
    assert growth(steady, after, REST).problems == ()


def test_a_few_connections_of_a_pool_are_no_leak() -> None:
    assert growth(loaded(*[MEMORY] * 10), REST, Footprint(MEMORY, 68, 14)).problems == ()


def test_too_few_samples_tell_nothing() -> None:
    with pytest.raises(ValueError, match="9 samples are too few"):
        growth(loaded(*[MEMORY] * 9), REST, REST)
