"""Cutting deltas out of renderings, over templates made of ids: 0 ends a turn, 1 … 9 are what a
template writes, 10 … are contents."""

from hypothesis import assume, given
from hypothesis import strategies as st

from agent_serving.domain.transcript import common_suffix, cut_delta, turn_ends_of_dummy

END = 0
MARKS = st.lists(st.integers(0, 9), max_size=6)
CONTENT = st.lists(st.integers(10, 30), min_size=1, max_size=6)
IDS = st.lists(st.integers(0, 3), max_size=12)


@given(IDS, IDS)
def test_the_common_suffix_is_common_and_the_longest(first, second):
    length = common_suffix(first, second)
    assert first[len(first) - length :] == second[len(second) - length :]
    if length < min(len(first), len(second)):
        assert first[-length - 1] != second[-length - 1]


@given(MARKS, CONTENT, CONTENT, MARKS, CONTENT, MARKS)
def test_the_delta_is_all_that_follows_the_dummys_reply(
    before, reply, other_reply, opening, message, closing
):
    assume(reply[-1] != other_reply[-1])
    delta = [*opening, *message, *closing]
    first = [*before, *reply, END, *delta]
    second = [*before, *other_reply, END, *delta]
    turn_ends = turn_ends_of_dummy(first, second, END, directly=True)
    assert turn_ends == before.count(END) + 1
    assert cut_delta(first, END, turn_ends) == tuple(delta)


@given(MARKS, CONTENT, CONTENT, MARKS, CONTENT, CONTENT)
def test_the_count_found_with_one_message_cuts_any_other(
    before, reply, other_reply, opening, message, longer
):
    assume(reply[-1] != other_reply[-1])
    found = turn_ends_of_dummy(
        [*before, *reply, END, *opening, *message],
        [*before, *other_reply, END, *opening, *message],
        END,
        directly=True,
    )
    assert found is not None
    delta = [*opening, *longer, END, *opening, *longer]
    assert cut_delta([*before, *reply, END, *delta], END, found) == tuple(delta)


@given(CONTENT, st.lists(st.integers(1, 9), min_size=1), CONTENT)
def test_a_template_that_writes_between_reply_and_end_is_refused(before, between, message):
    first = [*before, 98, *between, END, *message]
    second = [*before, 99, *between, END, *message]
    assert turn_ends_of_dummy(first, second, END, directly=True) is None
    assert turn_ends_of_dummy(first, second, END, directly=False) == 1


@given(CONTENT, CONTENT)
def test_a_template_that_does_not_end_the_reply_is_refused(before, message):
    first, second = [*before, 98, *message], [*before, 99, *message]
    assert turn_ends_of_dummy(first, second, END, directly=False) is None


@given(CONTENT)
def test_a_template_that_leaves_the_reply_out_is_refused(rendering):
    assert turn_ends_of_dummy([*rendering, END], [*rendering, END], END, directly=True) is None


@given(IDS, st.integers(1, 20))
def test_nothing_is_cut_where_the_turn_ends_are_too_few(rendering, turn_ends):
    delta = cut_delta(rendering, END, turn_ends)
    assert (delta is None) == (rendering.count(END) < turn_ends)
