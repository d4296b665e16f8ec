"""Change is told from chance."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.comparison import Change, Measure, Observation, compare

LEAST = 5


def observed(values: list[float], stratum: object = None) -> list[Observation]:
    return [Observation(f"turn {n}", value, stratum) for n, value in enumerate(values)]


def judge(measure: Measure, threshold: float = 0.1, confidence: float = 0.95) -> Change:
    [change] = compare([measure], threshold=threshold, confidence=confidence)
    return change


def spread(random: Random, turns: int, scale: float = 100.0, sigma: float = 0.2) -> list[float]:
    return [scale * random.lognormvariate(0, sigma) for _ in range(turns)]


def false_alarms(random: Random, lives: int, turns: int, measures: int, steps: int = 1) -> int:
    """In how many of so many comparisons of two alike sets anything is said to be slower, where
    nothing may be. Steps of a turn resemble each other."""

    def side() -> list[Observation]:
        found = []
        for turn in range(turns):
            mood = random.lognormvariate(0, 0.3)
            found += [
                Observation(str(turn), mood * random.lognormvariate(0, 0.1), step % 2)
                for step in range(steps)
            ]
        return found

    alarms = 0
    for _ in range(lives):
        both = [Measure(str(n), side(), side()) for n in range(measures)]
        changes = compare(both, threshold=0.0, confidence=0.9)
        alarms += any(change.verdict == "regression" for change in changes)
    return alarms


@pytest.mark.parametrize(
    ("turns", "measures", "steps"), [(6, 1, 1), (25, 1, 1), (12, 8, 1), (12, 3, 6), (6, 2, 10)]
)
def test_alike_sets_raise_no_more_false_alarms_than_stated(
    turns: int, measures: int, steps: int
) -> None:
    lives = 300
    # One side of the 10 %; three standard deviations of a count are allowed for.
    stated = lives * 0.05
    alarms = false_alarms(Random(7), lives, turns, measures, steps)
    assert alarms <= stated + 3 * math.sqrt(stated)


def test_the_interval_holds_the_true_factor_as_often_as_stated() -> None:
    random, held, lives = Random(11), 0, 400
    for _ in range(lives):
        before, after = spread(random, 15), spread(random, 20, 130.0)
        change = judge(Measure("prefill", observed(before), observed(after)))
        held += change.low <= 1.3 <= change.high
    assert lives * 0.95 - 3 * math.sqrt(lives * 0.05) <= held < lives


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_fifth_is_found_among_phases_that_stayed(seed: int) -> None:
    random = Random(seed)
    measures = [
        Measure(
            name,
            observed(spread(random, 80, sigma=0.12)),
            observed(spread(random, 80, 120.0 if name == "prefill" else 100.0, 0.12)),
        )
        for name in ("queue", "prefill", "decode", "tool", "total")
    ]
    changes = {each.name: each for each in compare(measures, threshold=0.1, confidence=0.95)}
    assert [name for name, each in changes.items() if each.verdict == "regression"] == ["prefill"]
    assert changes["prefill"].low > 1.1
    assert changes["prefill"].ratio == pytest.approx(1.2, abs=0.06)


def test_other_sizes_of_work_are_not_a_slowdown() -> None:
    """Most of the work before is small and most after is large, and it is as fast as it was."""
    random = Random(3)
    small, large = 10.0, 1000.0

    def side(share: float) -> list[Observation]:
        return [
            Observation(str(turn), size * random.lognormvariate(0, 0.1), size)
            for turn in range(100)
            for size in [small if random.random() < share else large]
        ]

    change = judge(Measure("prefill", side(0.8), side(0.2)))
    assert change.verdict == "ok"
    assert change.ratio == pytest.approx(1.0, abs=0.05)


def test_work_that_has_nothing_like_it_on_the_other_side_is_left_out() -> None:
    before = observed([1.0] * 9, "short") + observed([7.0], "long")
    change = judge(Measure("prefill", before, observed([1.0] * 9, "short")))
    assert (change.left_out, change.turns, change.ratio) == (1, (9, 9), pytest.approx(1.0))


def test_a_few_very_slow_turns_decide_nothing() -> None:
    before = [100.0 + n for n in range(40)]
    change = judge(Measure("total", observed(before), observed([*before[:-2], 1e6, 1e6])))
    assert change.verdict == "ok"


@pytest.mark.parametrize("turns", range(1, LEAST))
def test_too_few_turns_tell_nothing(turns: int) -> None:
    change = judge(Measure("total", observed([1.0] * turns), observed([100.0] * 50)))
    assert (change.verdict, change.low, change.high) == ("unclear", 0.0, math.inf)
    assert change.turns_needed(0.1) is None


def test_an_interval_that_contains_the_threshold_asks_for_more_turns() -> None:
    random = Random(5)
    change = judge(Measure("total", observed(spread(random, 8)), observed(spread(random, 8, 112))))
    assert change.verdict == "unclear"
    assert (change.turns_needed(0.1) or 0) > 8


def test_many_steps_of_few_turns_are_not_many_turns() -> None:
    before = [Observation(str(n % 4), 100.0 + n) for n in range(400)]
    after = [Observation(str(n % 4), 200.0 + n) for n in range(400)]
    assert judge(Measure("prefill", before, after)).verdict == "unclear"


def test_equal_counts_have_an_interval_without_width() -> None:
    change = judge(Measure("output_tokens", observed([25.0] * 30), observed([25.0] * 30)))
    assert (change.ratio, change.low, change.high) == pytest.approx((1, 1, 1))
    assert change.verdict == "ok"


def test_what_was_nothing_on_both_sides_is_not_compared() -> None:
    change = judge(Measure("tool", observed([0.0] * 30), observed([0.0] * 30)))
    assert (change.verdict, change.ratio) == ("not_judged", None)


def test_what_was_nothing_and_now_is_something_is_a_regression() -> None:
    change = judge(Measure("queue", observed([0.0] * 30), observed([5.0] * 30)))
    assert change.verdict == "regression"
    assert change.high == math.inf


def test_what_is_not_judged_is_shown_and_holds_nobody_to_a_stricter_level() -> None:
    random = Random(2)
    seen = Measure("a", observed(spread(random, 30)), observed(spread(random, 30, 150)))
    extra = Measure("b", seen.before, seen.after, judged=False)
    alone = judge(seen)
    first, second = compare([seen, extra], threshold=0.1, confidence=0.95)
    assert first == alone
    assert second.verdict == "not_judged"
    assert second.ratio == alone.ratio


VALUES = st.lists(st.floats(0.01, 1e5), min_size=LEAST, max_size=12)


@given(VALUES, VALUES)
def test_the_estimate_is_inside_its_interval_and_swapping_the_sides_inverts_it(
    before: list[float], after: list[float]
) -> None:
    forth = judge(Measure("x", observed(before), observed(after)))
    back = judge(Measure("x", observed(after), observed(before)))
    assert forth.ratio is not None
    assert back.ratio is not None
    assert forth.low <= forth.ratio * (1 + 1e-9)
    assert forth.ratio <= forth.high * (1 + 1e-9)
    assert forth.ratio * back.ratio == pytest.approx(1, rel=1e-6)


@given(VALUES, VALUES, st.floats(0.01, 100))
def test_the_unit_does_not_matter(before: list[float], after: list[float], unit: float) -> None:
    plain = judge(Measure("x", observed(before), observed(after)))
    scaled = judge(
        Measure("x", observed([v * unit for v in before]), observed([v * unit for v in after]))
    )
    assert plain.ratio is not None
    assert scaled.ratio == pytest.approx(plain.ratio, rel=1e-6)


@given(VALUES, VALUES, st.floats(0, 1), st.floats(0.5, 0.999))
def test_a_regression_is_told_exactly_where_the_interval_is_beyond_the_threshold(
    before: list[float], after: list[float], threshold: float, confidence: float
) -> None:
    measures = [
        Measure("x", observed(before), observed(after)),
        Measure("y", observed(before), observed([value * 2 for value in after])),
    ]
    for change in compare(measures, threshold=threshold, confidence=confidence):
        if change.verdict == "regression":
            assert change.low >= (1 + threshold) * (1 - 1e-9)
        else:
            assert change.low <= (1 + threshold) * (1 + 1e-9)
        if change.verdict == "ok":
            assert change.high <= 1 + threshold
