"""What is compared, and what counts as like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.comparison import Measure, compare
from agent_serving.domain.measures import KINDS, NAMES, StepRow, TurnRow, measures
from agent_serving.domain.values import Timings, Usage

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


def model(uncached: int = 100, cached: int = 0, output: int = 11, **timings: Any) -> StepRow:
    usage = Usage(input_tokens=cached + uncached, cached_tokens=cached, output_tokens=output)
    attempts = timings.pop("attempts", 1)
    told = {"prefill_ms": 50.0, "decode_ms": 40.0, "total_ms": 100.0} | timings
    return StepRow(tool=None, attempts=attempts, usage=usage, timings=Timings(**told))


def tool(name: str, tool_ms: float) -> StepRow:
    timings = Timings(tool_ms=tool_ms, total_ms=tool_ms + 1)
    return StepRow(tool=name, attempts=0, usage=Usage(tool_calls=1), timings=timings)


def turn(number: int, *steps: StepRow, **more: Any) -> TurnRow:
    told: dict[str, Any] = {
        "id": f"turn_{number}",
        "session_id": "sess_1",
        "status": "completed",
        "started_at": MOMENT,
        "total_ms": sum(step.timings.total_ms for step in steps),
        "usage": sum((step.usage for step in steps), Usage()),
        "steps": steps,
    }
    return TurnRow(**(told | more))


def measure(name: str, before: list[TurnRow], after: list[TurnRow]) -> Measure:
    [found] = measures(before, after, [name])
    return found


def values(name: str, *steps: StepRow) -> list[float]:
    return [each.value for each in measure(name, [turn(1, *steps)], []).before]


def test_there_is_a_measure_for_each_phase_of_a_step() -> None:
    phases = {name.removesuffix("_ms") for name in Timings.model_fields if name.endswith("_ms")}
    assert phases - {"itl_p50", "itl_p99"} <= set(NAMES)
    assert {"orchestration", "itl", "cost", "output_tokens"} <= set(NAMES)


def test_decode_is_the_time_of_each_token_but_the_first() -> None:
    assert values("decode", model(output=11), model(output=1)) == [4.0]


def test_tools_are_no_model_steps() -> None:
    assert values("prefill", model(), tool("search", 5)) == [50.0]
    assert values("tool", model(), tool("search", 5)) == [5.0]
    assert values("orchestration", model(), tool("search", 5)) == pytest.approx([10.0, 1.0])


def test_of_a_step_with_several_attempts_nobody_knows_what_its_prefill_took() -> None:
    assert values("prefill", model(attempts=2), model()) == [50.0]
    assert values("admission", model(attempts=2), model()) == [0.0, 0.0]


def test_a_tool_is_compared_with_itself() -> None:
    both = [tool("fast", 1), tool("slow", 100)]
    strata = {each.stratum for each in measure("tool", [turn(1, *both)], []).before}
    assert len(strata) == 2


def test_a_value_that_no_clock_would_give_is_left_out() -> None:
    odd = [model(prefill_ms=value) for value in (float("nan"), float("inf"), -1.0, 7.0)]
    assert values("prefill", *odd) == [7.0]


def test_a_phase_that_takes_next_to_no_time_is_not_judged() -> None:
    before = [turn(n, model(admission_ms=0.01)) for n in range(20)]
    after = [turn(n, model(admission_ms=0.02)) for n in range(20)]
    grown = [turn(n, model(admission_ms=20.0)) for n in range(20)]
    assert not measure("admission", before, after).judged
    assert measure("admission", before, grown).judged
    assert measure("ttft", before, after).judged


def test_costs_in_two_currencies_are_not_compared() -> None:
    euros = [turn(1, model(), cost=Decimal("0.1"), currency="EUR")]
    dollars = [turn(2, model(), cost=Decimal("0.1"), currency="USD")]
    assert measure("cost", euros, dollars).before == ()
    assert [each.value for each in measure("cost", euros, euros).before] == [0.1]


@given(st.integers(1, 30_000), st.integers(0, 30_000), st.integers(1, 30_000))
def test_steps_of_one_stratum_differ_by_less_than_a_tenth(
    uncached: int, cached: int, other: int
) -> None:
    [kind] = [kind for kind in KINDS if kind.name == "prefill"]
    one, two = model(uncached, cached), model(other, cached)
    if kind.like(one) == kind.like(two):
        assert max(uncached, other) / min(uncached, other) <= 1.1 + 1e-9
    assert kind.like(one) == kind.like(model(uncached, cached, prefill_ms=1.0))


def engine(random: Random, factor: float) -> Callable[[int], StepRow]:
    """An engine whose prefill costs a fixed time and a time for each token."""

    def step(uncached: int) -> StepRow:
        noise = random.lognormvariate(0, 0.08)
        prefill = factor * (40 + 0.1 * uncached) * noise
        return model(uncached, prefill_ms=prefill, total_ms=prefill + 50)

    return step


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "ok"), (1.2, "regression")])
def test_prefill_is_judged_by_the_engine_and_not_by_the_mix_of_lengths(
    factor: float, verdict: str
) -> None:
    """After the change prompts are much longer, so prefill is, and its time per token falls."""
    random = Random(4)
    lengths = (100, 3000)

    def side(share: float, factor: float) -> list[TurnRow]:
        step = engine(random, factor)
        return [
            turn(n, step(lengths[random.random() < share] + random.randrange(5)))
            for n in range(150)
        ]

    [change] = compare(
        measures(side(0.25, 1.0), side(0.75, factor), ["prefill"]), threshold=0.1, confidence=0.95
    )
    assert change.verdict == verdict
    assert change.ratio == pytest.approx(factor, abs=0.05)
