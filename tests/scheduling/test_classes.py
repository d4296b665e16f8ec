from hypothesis import given
from hypothesis import strategies as st

from agent_serving.scheduling.classes import (
    BY_URGENCY,
    batch_window,
    free_places,
    most_places,
)

RUNNING = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 8)), max_size=8)


def test_the_most_urgent_class_comes_first():
    assert BY_URGENCY == ("online", "near_real_time", "batch")


@given(st.integers(2, 4096))
def test_a_tenth_of_a_worker_stays_free_of_batch(places):
    most = most_places("batch", places)
    assert 1 <= most < places
    assert (places - most) * 10 >= places
    assert most_places("online", places) == most_places("near_real_time", places) == places


def test_the_only_place_of_a_worker_may_be_batch_s():
    assert most_places("batch", 1) == 1


@given(st.integers(1, 8), st.integers(1, 100), st.integers(0, 1000))
def test_no_batch_is_refused_by_the_queue_of_one_engine(engines, places, max_waiting):
    window = batch_window(engines, places, max_waiting)
    assert 1 <= window <= most_places("batch", places) + max_waiting


@given(st.integers(1, 20), RUNNING, st.sampled_from("abcd"))
def test_what_begins_keeps_within_the_window_and_the_tenant_s_share(window, running, tenant):
    free = free_places(window, running, tenant)
    total = sum(count for _, count in running)
    own = sum(count for whose, count in running if whose == tenant)
    tenants = {whose for whose, _ in running} | {tenant}
    assert free >= 0
    assert free == 0 or total + free <= window
    assert free == 0 or own + free <= max(1, window // len(tenants))
    if total < window and own == 0:
        assert free > 0


def test_one_tenant_alone_has_the_whole_window():
    assert free_places(10, [("a", 4), ("a", 0)], "a") == 6
    assert free_places(10, [("a", 4), ("b", 0)], "a") == 1
