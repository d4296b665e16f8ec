"""Which steps decided how long a turn took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.critical_path import Segment, StepTime, critical_path


def model(name: str, start: float, end: float) -> StepTime:
    return StepTime(name, "model", start, end)


def tool(name: str, start: float, end: float) -> StepTime:
    return StepTime(name, "tool", start, end)


def test_of_parallel_tools_only_the_last_to_end_is_on_the_path() -> None:
    steps = [model("a", 0, 10), tool("x", 11, 20), tool("y", 11, 30), model("b", 31, 40)]
    assert critical_path(steps, 0, 41) == (
        Segment("a", 0, 10),
        Segment(None, 10, 11),
        Segment("y", 11, 30),
        Segment(None, 30, 31),
        Segment("b", 31, 40),
        Segment(None, 40, 41),
    )


def test_of_a_reply_whose_tool_started_early_only_what_came_before_counts() -> None:
    steps = [model("a", 0, 10), tool("x", 6, 20)]
    assert critical_path(steps, 0, 20) == (Segment("a", 0, 6), Segment("x", 6, 20))


def test_a_tool_that_was_done_before_its_reply_decided_nothing() -> None:
    steps = [model("a", 0, 10), tool("x", 4, 8), model("b", 10, 15)]
    assert critical_path(steps, 0, 15) == (Segment("a", 0, 10), Segment("b", 10, 15))


def test_a_tool_that_began_late_makes_the_turn_wait_for_it() -> None:
    steps = [model("a", 0, 10), tool("x", 10, 12), tool("y", 14, 20)]
    assert [s.step for s in critical_path(steps, 0, 20)] == ["a", None, "y"]


def test_a_turn_without_steps_is_one_wait() -> None:
    assert critical_path([], 3, 8) == (Segment(None, 3, 8),)
    assert critical_path([], 3, 3) == ()


def test_a_step_that_another_clock_put_outside_the_turn_is_cut_to_it() -> None:
    steps = [model("a", -5, 4), model("b", 3, 12), model("c", 50, 60)]
    assert critical_path(steps, 0, 10) == (Segment("a", 0, 3), Segment("b", 3, 10))


MOMENTS = st.integers(0, 1000).map(float)


@st.composite
def turns(draw: st.DrawFn) -> tuple[list[list[StepTime]], float, float]:
    """Rounds at any times, also such as no sane clock would give."""
    rounds = []
    for number in range(draw(st.integers(0, 5))):
        start, end = sorted((draw(MOMENTS), draw(MOMENTS)))
        steps = [model(f"m{number}", start, end)]
        for call in range(draw(st.integers(0, 4))):
            start, end = sorted((draw(MOMENTS), draw(MOMENTS)))
            steps.append(tool(f"t{number}.{call}", start, end))
        rounds.append(steps)
    start, end = sorted((draw(MOMENTS), draw(MOMENTS)))
    return rounds, start, end


@given(turns())
def test_the_path_is_as_long_as_the_turn_and_has_no_gap(
    turn: tuple[list[list[StepTime]], float, float],
) -> None:
    rounds, start, end = turn
    path = critical_path([step for steps in rounds for step in steps], start, end)
    assert sum(segment.length for segment in path) == pytest.approx(end - start)
    edges = [start, *(segment.end for segment in path)]
    assert [segment.start for segment in path] == edges[:-1]
    assert not path or edges[-1] == end


@given(turns())
def test_two_tools_of_a_round_are_never_both_counted(
    turn: tuple[list[list[StepTime]], float, float],
) -> None:
    rounds, start, end = turn
    path = critical_path([step for steps in rounds for step in steps], start, end)
    on_path = [segment.step for segment in path if segment.step is not None]
    assert len(on_path) == len(set(on_path))
    for steps in rounds:
        assert sum(step.kind == "tool" and step.id in on_path for step in steps) <= 1


@given(turns())
def test_what_is_on_the_path_ran_at_that_time(
    turn: tuple[list[list[StepTime]], float, float],
) -> None:
    rounds, start, end = turn
    steps = {step.id: step for steps in rounds for step in steps}
    for segment in critical_path(list(steps.values()), start, end):
        if segment.step is not None:
            step = steps[segment.step]
            assert step.start <= segment.start <= segment.end <= step.end
