"""Ids sort by the time at which they were made, whatever the clock does."""

from __future__ import annotations

import re
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.adapters.ids import MonotonicIds


def test_an_id_is_its_prefix_and_26_characters() -> None:
    assert re.fullmatch(r"sess_[0-9a-hjkmnp-tv-z]{26}", MonotonicIds().new("sess"))


@given(st.lists(st.integers(min_value=0, max_value=2**47)))
def test_ids_of_one_process_only_grow_whatever_the_clock_says(times: list[int]) -> None:
    clock = iter(times)
    ids = MonotonicIds(lambda: next(clock))
    made = [ids.new("turn") for _ in times]
    assert made == sorted(set(made))


def test_ids_of_two_processes_sort_by_time() -> None:
    now = time.time_ns() // 1_000_000
    assert MonotonicIds(lambda: now).new("x") < MonotonicIds(lambda: now + 1).new("x")


def test_ids_made_by_many_threads_at_once_differ() -> None:
    ids, made = MonotonicIds(), list[str]()
    threads = [
        threading.Thread(target=lambda: made.extend(ids.new("x") for _ in range(500)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000
