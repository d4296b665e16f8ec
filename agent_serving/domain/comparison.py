"""Whether one set of turns is slower than another: like is compared with like, and chance is told
from change.

For each measure the question is by which factor `after` is larger than `before`. The factor is the
Hodges-Lehmann estimate on ratios (the median of all ratios of a value after and one before), and
its interval holds the factors that the Wilcoxon-Mann-Whitney test does not refuse: no distribution
is assumed, and a few very slow turns do not decide (Hollander, Wolfe, Chicken, Nonparametric
Statistical Methods, 3rd ed., 4.1-4.3). Pairs are formed within a stratum only, each weighted by one
over its size plus one (van Elteren 1960). Steps of one turn are not independent of each other: the
variance is widened by their design effect, as for clustered rank sums (Rosner, Glynn, Lee 2003).
Several measures are judged together by Holm's method (1979), so that `confidence` holds for the
whole report. Nothing here is random.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

LEAST_TURNS = 5
"""On each side: with fewer the test's normal approximation does not hold."""

_WIDEST = 20.0  # natural logarithm: a factor of half a billion
_HALVINGS = 48
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one turn, not negative. Only values of the same stratum are compared."""

    turn: str
    value: float
    stratum: Hashable = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Where larger is worse. What is not `judged` is shown, and decides nothing."""

    name: str
    before: Sequence[Observation]
    after: Sequence[Observation]
    judged: bool = True


Verdict = Literal["regression", "ok", "unclear", "not_judged"]
"""`regression`: the whole interval is beyond the threshold. `ok`: the whole interval is within it.
`unclear`: the interval contains the threshold, so these turns are too few to tell."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one measure. `before` and `after` are medians of what was compared, None
    where nothing was; `turns` how many there were on each side; `left_out` values found nothing
    like them on the other side. `ratio` is after by before, between `low` and `high`."""

    name: str
    verdict: Verdict
    before: float | None
    after: float | None
    turns: tuple[int, int]
    left_out: int
    ratio: float | None
    low: float
    high: float

    def turns_needed(self, threshold: float) -> int | None:
        """About how many turns on each side would narrow the interval to the threshold's width;
        None where the interval is open."""
        if not 0 < self.low <= self.high < math.inf:
            return None
        width = math.log(self.high / self.low) / 2
        return max(math.ceil(min(self.turns) * (width / math.log1p(threshold)) ** 2), LEAST_TURNS)


def compare(
    measures: Iterable[Measure], *, threshold: float, confidence: float
) -> tuple[Change, ...]:
    """`threshold` is the share by which a measure may grow (0.1: a tenth), `confidence` the
    probability that not one of the regressions told is an accident."""
    tests = [_Test(measure) for measure in measures]
    judged = sorted(
        (test for test in tests if test.judged), key=lambda test: test.chance(1 + threshold)
    )
    changes = {id(test): test.change(1 - confidence, None) for test in tests if not test.judged}
    # Holm: the most certain is held to the strictest level, the next to a milder one, up to the
    # first that fails; what comes behind is held to that one's level.
    holding = True
    alpha = 0.0
    for place, test in enumerate(judged):
        if holding:
            alpha = (1 - confidence) / (len(judged) - place)
        holding = holding and test.chance(1 + threshold) <= alpha
        verdict: Literal["regression"] | None = "regression" if holding else None
        changes[id(test)] = test.change(alpha, threshold, verdict)
    return tuple(changes[id(test)] for test in tests)


@dataclass(frozen=True, slots=True)
class _Stratum:
    """The values of both sides, each sorted, beside the turns that they belong to."""

    before: Sequence[float]
    after: Sequence[float]
    turns_before: Sequence[str]
    turns_after: Sequence[str]

    @property
    def weight(self) -> float:
        return 1 / (len(self.before) + len(self.after) + 1)

    @property
    def variance(self) -> float:
        """Of the weighted count, where both sides are alike and all values independent."""
        return self.weight * len(self.before) * len(self.after) / 12


class _Test:
    """The test that `after` is `factor` times as large as `before`, for any factor."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.strata = _strata(measure.before, measure.after)
        self.turns = (
            len({turn for stratum in self.strata for turn in stratum.turns_before}),
            len({turn for stratum in self.strata for turn in stratum.turns_after}),
        )
        self.judged = measure.judged and bool(self.strata)
        self.ratio = self._estimate() if self.strata else None
        effect, self.freedom = self._design(self.ratio) if self.ratio else (1.0, math.inf)
        self.deviation = math.sqrt(sum(each.variance for each in self.strata) * effect)

    def excess(self, factor: float) -> float:
        """How much more often than half the time `after` is above `factor` times `before`; falls
        as the factor grows."""
        return sum(
            stratum.weight * sum(_above(stratum.after, factor * value) for value in stratum.before)
            for stratum in self.strata
        )

    def chance(self, factor: float) -> float:
        """Two-sided p-value, 1 where the excess is not above `factor`."""
        if min(self.turns) < LEAST_TURNS:
            return 1.0
        reached = self.excess(factor) / self.deviation
        return min(2 * _NORMAL.cdf(-_normal_of(reached, self.freedom)), 1.0)

    def change(
        self,
        alpha: float,
        threshold: float | None,
        verdict: Literal["regression"] | None = None,
    ) -> Change:
        """`threshold` None: not judged."""
        low, high = self._interval(alpha)
        judged: Verdict = verdict or (
            "not_judged" if threshold is None else "ok" if high <= 1 + threshold else "unclear"
        )
        before = [value for stratum in self.strata for value in stratum.before]
        after = [value for stratum in self.strata for value in stratum.after]
        found = len(self.measure.before) + len(self.measure.after)
        return Change(
            name=self.measure.name,
            verdict=judged,
            before=median(before) if before else None,
            after=median(after) if after else None,
            turns=self.turns,
            left_out=found - len(before) - len(after),
            ratio=self.ratio,
            low=low,
            high=high,
        )

    def _estimate(self) -> float:
        """The factor at which the excess changes its sign; the middle where it is nothing."""
        return math.sqrt(
            _last(lambda factor: self.excess(factor) > 0)
            * _last(lambda factor: self.excess(factor) >= 0)
        )

    def _interval(self, alpha: float) -> tuple[float, float]:
        if min(self.turns) < LEAST_TURNS:
            return 0.0, math.inf
        bound = self.deviation * _student_of(_NORMAL.inv_cdf(1 - alpha / 2), self.freedom)
        low = _last(lambda factor: self.excess(factor) >= bound)
        high = _last(lambda factor: self.excess(factor) > -bound)
        edge = math.exp(_WIDEST) * 0.99
        return low if low > 1 / edge else 0.0, high if high < edge else math.inf

    def _design(self, factor: float) -> tuple[float, float]:
        """By how much turns with several values widen the variance, and its degrees of freedom."""
        single = 0.0
        by_turn: defaultdict[tuple[str, str], float] = defaultdict(float)
        count = 0
        for stratum in self.strata:
            for turn, value in zip(stratum.turns_before, stratum.before, strict=True):
                share = stratum.weight * _above(stratum.after, factor * value)
                by_turn["before", turn] += share
                single += share**2
            for turn, value in zip(stratum.turns_after, stratum.after, strict=True):
                share = -stratum.weight * _above(stratum.before, value / factor)
                by_turn["after", turn] += share
                single += share**2
            count += len(stratum.before) + len(stratum.after)
        if count == len(by_turn) or single == 0:
            return 1.0, math.inf
        whole = sum(share**2 for share in by_turn.values())
        return max(whole / single, 1.0), float(max(len(by_turn) - 2, 1))


def _strata(before: Sequence[Observation], after: Sequence[Observation]) -> list[_Stratum]:
    """Those that have values on both sides, and not only zeros."""
    sides: defaultdict[Hashable, tuple[list[Observation], list[Observation]]]
    sides = defaultdict(lambda: ([], []))
    for side, observations in enumerate((before, after)):
        for observation in observations:
            sides[observation.stratum][side].append(observation)
    strata = []
    for pair in sides.values():
        left, right = (sorted(side, key=lambda each: each.value) for side in pair)
        if left and right and max(left[-1].value, right[-1].value) > 0:
            strata.append(
                _Stratum(
                    before=[each.value for each in left],
                    after=[each.value for each in right],
                    turns_before=[each.turn for each in left],
                    turns_after=[each.turn for each in right],
                )
            )
    return strata


def _above(ordered: Sequence[float], value: float) -> float:
    """How many are above the value, equal ones by half, less what would be even."""
    below, not_above = bisect_left(ordered, value), bisect_right(ordered, value)
    return len(ordered) / 2 - (below + not_above) / 2


def _last(holds: Callable[[float], bool]) -> float:
    """The largest factor for which it holds, of a statement that fails from some factor on."""
    low, high = -_WIDEST, _WIDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(math.exp(middle)) else (low, middle)
    return math.exp((low + high) / 2)


def _normal_of(t: float, freedom: float) -> float:
    """Student's t as a normal deviate of the same probability (Wallace 1959, eq. 4.3)."""
    if math.isinf(freedom):
        return t
    shrunk = math.sqrt(freedom * math.log1p(t * t / freedom))
    return math.copysign(shrunk * (8 * freedom + 1) / (8 * freedom + 3), t)


def _student_of(z: float, freedom: float) -> float:
    """The inverse of `_normal_of`."""
    if math.isinf(freedom):
        return z
    stretched = z * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(stretched**2 / freedom))
