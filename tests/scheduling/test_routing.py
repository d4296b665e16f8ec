from hypothesis import given
from hypothesis import strategies as st

from agent_serving.scheduling.routing import choose, home

NAMES = st.lists(st.text("abcdef:0123456789", min_size=1), min_size=1, max_size=8, unique=True)
SESSION = st.text(min_size=1, max_size=40)


@given(SESSION, NAMES, st.randoms())
def test_home_does_not_depend_on_the_order_of_workers(session, names, random):
    shuffled = list(names)
    random.shuffle(shuffled)
    assert home(session, names) == home(session, shuffled)


@given(SESSION, NAMES, st.data())
def test_only_the_sessions_of_a_worker_that_left_move(session, names, data):
    gone = data.draw(st.sampled_from(names))
    left = [name for name in names if name != gone]
    before = home(session, names)
    if before != gone:
        assert home(session, left) == before


def test_sessions_spread_over_the_workers():
    workers = ["a:1", "b:1", "c:1", "d:1"]
    homes = [home(f"sess_{number}", workers) for number in range(4000)]
    for worker in workers:
        assert 850 < homes.count(worker) < 1150


@given(SESSION, NAMES, st.sets(st.text("abcdef:0123456789", min_size=1)))
def test_a_worker_to_avoid_is_taken_only_when_no_other_is_left(session, names, avoid):
    chosen = choose(session, names, avoid)
    assert chosen in names
    assert chosen not in avoid or set(names) <= avoid


def test_no_ready_worker_is_no_choice():
    assert choose("sess_1", []) is None
