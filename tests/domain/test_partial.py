"""What becomes of a reply that was lost: a pure decision over what was kept of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.attempt import Attempt
from agent_serving.domain.partial import (
    GoOn,
    Head,
    Part,
    Partial,
    StartAnew,
    TakeWhole,
    lost_attempt,
    recovery,
    room,
)
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import Usage
from tests.domain.facts import at

END = 7
TOKENS = st.lists(st.integers(0, 2**32 - 1), max_size=30)


def step(attempts: int = 0, max_new_tokens: int = 100) -> ModelStep:
    return ModelStep(
        id="step_1",
        index=0,
        span_id="0" * 16,
        prompt_tokens=10,
        rendered_tokens=10,
        expected_tokens=0,
        max_new_tokens=max_new_tokens,
        tools_offered=False,
        attempts=tuple(attempt(n + 1) for n in range(attempts)),
        started_at=at(),
    )


def attempt(number: int, computed: int = 0) -> Attempt:
    usage = Usage(input_tokens=10, output_tokens=computed)
    return Attempt(number=number, rid=f"rid {number}", worker="w", status="failed", usage=usage)


def partial(*tokens: int, number: int = 1, computed: int | None = None, **head: object) -> Partial:
    by = attempt(number, len(tokens) if computed is None else computed)
    made = Head(step_id="step_1", began=1, attempt=by, end_of_turn=END).but(**head)
    return Partial(head=made, tokens=tokens, text="x" * len(tokens), since=42)


def test_where_nothing_was_kept_the_reply_starts_anew_and_nothing_is_void() -> None:
    assert recovery(None, step(), left=9, constrained=False) == StartAnew(None)


def test_what_is_not_constrained_goes_on() -> None:
    found = partial(1, 2, 3)
    assert recovery(found, step(), left=9, constrained=False) == GoOn(found)


def test_what_is_constrained_starts_anew_and_is_void_from_its_first_event() -> None:
    assert recovery(partial(1, 2), step(), left=9, constrained=True) == StartAnew(42)


def test_what_the_engine_has_ended_is_whole_be_it_constrained_or_not() -> None:
    ended = partial(1, finish="length")
    for constrained in (False, True):
        found = recovery(ended, step(), left=9, constrained=constrained)
        assert found == TakeWhole(ended, "length")
        found = recovery(partial(1, END), step(), left=9, constrained=constrained)
        assert found == TakeWhole(partial(1, END), "stop")


def test_what_has_reached_the_turns_or_the_steps_limit_is_whole() -> None:
    three = partial(1, 2, 3)
    assert recovery(three, step(), left=3, constrained=False) == TakeWhole(three, "length")
    limited = step(max_new_tokens=3)
    assert recovery(three, limited, left=9, constrained=False) == TakeWhole(three, "length")


def test_a_limit_counts_what_an_attempt_in_the_ledger_has_said_once() -> None:
    """`left` has the first attempt's three tokens taken off already; the second said one more."""
    found = partial(1, 2, 3, 4, number=2, computed=1)
    resumed = step(attempts=1)
    assert recovery(found, resumed, left=2, constrained=False) == GoOn(found)
    assert recovery(found, resumed, left=1, constrained=False) == TakeWhole(found, "length")


def test_a_lost_attempt_is_the_one_that_was_kept() -> None:
    lost = lost_attempt(step(), partial(1, 2, 3), counts=False)
    assert (lost.rid, lost.usage) == ("rid 1", Usage(input_tokens=10, output_tokens=3))
    assert lost_attempt(step(), partial(1), counts=True).usage.model_steps == 1


def test_a_lost_attempt_that_had_not_begun_has_computed_nothing() -> None:
    """What is kept is of the attempt before, which is in the ledger."""
    lost = lost_attempt(step(attempts=1), partial(1, 2, 3), counts=False)
    assert (lost.number, lost.rid, lost.usage) == (2, "", Usage())


@given(TOKENS, st.integers(0, 200), st.integers(1, 200), st.booleans(), st.integers(0, 2))
def test_a_recovery_stays_within_the_limits_and_drops_nothing(
    tokens: list[int], left: int, limit: int, constrained: bool, before: int
) -> None:
    said = len(tokens) // (before + 1)
    found = partial(*tokens, number=before + 1, computed=said)
    taken = step(attempts=before, max_new_tokens=limit)
    what = recovery(found, taken, left=left, constrained=constrained)
    base = len(tokens) - said
    match what:
        case GoOn(kept):
            assert kept.tokens == tuple(tokens)
            assert not constrained
            assert kept.ending is None
            assert room(taken, left, base) - said > 0
        case TakeWhole(kept, finish):
            assert kept.tokens == tuple(tokens)
            assert finish == "stop" or said >= room(taken, left, base)
        case StartAnew():
            assert constrained or not tokens


@given(st.lists(st.tuples(TOKENS, st.text()), max_size=8))
def test_parts_add_up_to_the_reply(parts: list[tuple[list[int], str]]) -> None:
    head = partial().head
    written = [Part(tokens=tuple(t), text=s).model_dump_json().encode() for t, s in parts]
    made = Partial.of(head.model_dump_json(exclude_defaults=True).encode(), written, 5)
    assert made.head == head
    assert made.tokens == tuple(token for tokens, _ in parts for token in tokens)
    assert (made.text, made.since) == ("".join(text for _, text in parts), 5)
