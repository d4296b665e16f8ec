"""Why a prefix was lost: the rule against a small world in which the cause is known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain import events as e
from agent_serving.domain.prefix import Computed, last_computed, lost_tokens, prefix_reason
from agent_serving.domain.session import Session
from agent_serving.domain.values import Failure, Usage
from tests.domain.facts import accepted, at, ended, opened, planned, replied, session_with, then

HERE = {"worker": "a", "incarnation": "a1", "expected": 100}


def reason(last: Computed | None, cached: int = 0, **now: Any) -> Any:
    return prefix_reason(last, **{**HERE, "cached": cached, **now})


def test_the_last_expected_token_is_no_loss():
    assert lost_tokens(100, 99) == 0
    assert lost_tokens(100, 98) == 1
    assert lost_tokens(100, 250) == 0
    assert lost_tokens(0, 0) == 0


def test_a_cache_that_keeps_whole_pages_loses_no_part_of_one():
    assert lost_tokens(100, 96, page_tokens=16) == 0
    assert lost_tokens(100, 80, page_tokens=16) == 16
    assert lost_tokens(97, 96, page_tokens=16) == 0
    assert lost_tokens(96, 80, page_tokens=16) == 0


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(1, 256))
def test_a_loss_is_of_whole_pages_and_never_more_than_was_expected(expected, cached, page):
    kept = min(cached, expected) // page * page
    lost = lost_tokens(expected, kept, page)
    assert 0 <= lost <= max(expected - 1, 0)
    assert lost % page == 0


def test_nothing_lost_has_no_reason():
    assert reason(Computed("a", "a1", 100), cached=99) is None
    assert reason(Computed("b", "b1", 100), cached=99) is None


def test_a_first_step_is_cold_even_where_others_warmed_its_opening():
    assert reason(None, expected=0) == "cold"
    assert reason(None, expected=0, cached=40) == "cold"


def test_tokens_that_no_engine_ever_read_are_cold():
    assert reason(None) == "cold"
    assert reason(Computed("a", "a1", 60), cached=59) == "cold"


def test_the_same_worker_that_does_not_have_it_any_more_has_evicted_it():
    assert reason(Computed("a", "a1", 100), cached=40) == "evicted"
    assert reason(Computed("a", "a1", 60), cached=40) == "evicted"


def test_another_worker_never_had_it():
    assert reason(Computed("b", "b1", 100), cached=40) == "routed_elsewhere"


def test_another_start_of_the_worker_never_had_it():
    assert reason(Computed("a", "a0", 100)) == "engine_restarted"


@pytest.mark.parametrize("why", ["tools_changed", "compacted"])
@pytest.mark.parametrize("worker", ["a", "b", ""])
def test_a_rewritten_transcript_is_the_reason_wherever_it_was_computed(why, worker):
    assert reason(Computed(worker, "a1", 100, rewritten=why)) == why


def test_what_the_facts_do_not_tell_is_unknown():
    assert reason(Computed("", None, 100)) == "unknown"
    assert reason(Computed("a", None, 100)) == "unknown"
    assert reason(Computed("a", "a1", 100), incarnation=None) == "unknown"


# --- who computed it last, by the facts -----------------------------------------------------


def said(session: Session, **attempt: Any) -> e.ModelReplied:
    fact = replied(session)
    return fact.but(attempt=fact.attempt.but(worker="a", incarnation="a1", **attempt))


def lost(session: Session, worker: str, read: int, incarnation: str | None = None) -> e.Attempt:
    turn = session.active
    assert turn is not None
    step = turn.last_model_step
    assert step is not None
    return e.Attempt(
        number=len(step.attempts) + 1,
        rid="r",
        worker=worker,
        incarnation=incarnation,
        status="failed",
        usage=Usage(input_tokens=read),
    )


def restarted(session: Session, attempt: e.Attempt) -> e.StepRestarted:
    turn = session.active
    assert turn is not None
    return e.StepRestarted(at=at(), turn_id=turn.id, step_id=turn.steps[-1].id, attempt=attempt)


def test_nobody_has_computed_a_new_session():
    assert last_computed(session_with(opened(), accepted())) is None


def test_the_last_reply_tells_who_computed_the_transcript():
    session = then(session_with(opened(), accepted()), planned, said)
    assert last_computed(session) == Computed("a", "a1", session.token_count)


def test_an_attempt_that_had_begun_to_answer_had_read_the_prompt():
    session = then(session_with(opened(), accepted()), planned)
    session = then(session, lambda s: restarted(s, lost(s, "b", 10, "b1")))
    assert last_computed(session) == Computed("b", "b1", 10)


def test_an_attempt_that_never_answered_does_not_count():
    session = then(session_with(opened(), accepted()), planned, said)
    known = last_computed(session)
    session = then(session, lambda s: accepted_next(s), planned)
    session = then(session, lambda s: restarted(s, lost(s, "b", 0)))
    assert last_computed(session) == known


def accepted_next(session: Session) -> Any:
    turn = session.active
    assert turn is not None
    return e.TurnSteered(at=at(), turn_id=turn.id, input=accepted().input)


def forked(origin: Session, *, opening_turn: int) -> e.SessionForked:
    return e.SessionForked(
        at=at(),
        session_id="sess_2",
        tenant="default",
        agent=origin.agent,
        origin=e.ForkOrigin(session_id=origin.id, turn_id=origin.turns[-1].id),
        inherited=tuple(turn.model_dump(mode="json") for turn in origin.turns),
        pending=origin.pending,
        token_count=origin.token_count,
        reply_open=origin.reply_open,
        opening_turn=opening_turn,
    )


def test_a_fork_remembers_who_computed_what_it_inherits():
    origin = then(session_with(opened(), accepted()), planned, said, ended)
    fork = session_with(forked(origin, opening_turn=0))
    assert last_computed(fork) == last_computed(origin)


def test_a_fork_with_another_opening_says_so_until_it_has_computed_a_step_of_its_own():
    origin = then(session_with(opened(), accepted()), planned, said, ended)
    fork = session_with(forked(origin, opening_turn=1))
    last = last_computed(fork)
    assert last is not None
    assert last.rewritten == "tools_changed"
    fork = then(fork, accepted("turn_2"), planned, said)
    assert last_computed(fork) == Computed("a", "a1", fork.token_count)


# --- a world in which the cause is known ----------------------------------------------------


@dataclass
class World:
    """Workers with caches that hold this one session's transcript, and nothing in between: what is
    cached is what `held` says, so the reason of each loss is known."""

    session: Session = field(default_factory=lambda: session_with(opened()))
    starts: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 1})
    held: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})
    home: str = "a"
    computed: int = 0
    """How much of the transcript any engine has read."""
    last: str = ""
    since: str | None = None
    """What befell the worker that computed it last, since it did."""
    numbers: Any = field(default_factory=itertools.count)

    def restart(self, worker: str) -> None:
        self.starts[worker] += 1
        self.held[worker] = 0
        if worker == self.last:
            self.since = "engine_restarted"

    def evict(self, worker: str, kept: int) -> None:
        self.held[worker] = min(self.held[worker], kept)
        if worker == self.last and self.since is None:
            self.since = "evicted"

    def move(self) -> None:
        self.home = "b" if self.home == "a" else "a"

    def turn(self, *, fails: bool) -> None:
        """One turn of one step, and what the rule says of it checked against what happened."""
        number = next(self.numbers)
        begun = then(self.session, accepted(f"turn_{number}"), planned)
        expected, prompt = self.session.token_count, begun.token_count
        turn = begun.active
        assert turn is not None
        if fails:
            error = Failure(code="engine_unavailable", message="down")
            failed = e.StepFailed(at=at(), turn_id=turn.id, step_id=turn.steps[-1].id, error=error)
            self.session = then(begun, failed, lambda s: ended(s, "failed"))
            return
        worker = self.home
        cached = self.held[worker]
        incarnation = f"{worker}{self.starts[worker]}"
        found = prefix_reason(
            last_computed(begun),
            worker=worker,
            incarnation=incarnation,
            expected=expected,
            cached=cached,
        )
        assert found == self._truth(expected, cached, worker)
        attempt = e.Attempt(
            number=1,
            rid="r",
            worker=worker,
            incarnation=incarnation,
            status="completed",
            prefix_reason=found,
            usage=Usage(input_tokens=prompt, cached_tokens=cached, output_tokens=5),
        )
        self.session = then(begun, lambda s: replied(s).but(attempt=attempt), ended)
        self.held[worker] = self.session.token_count - 1
        self.computed = self.session.token_count
        self.last, self.since = worker, None

    def _truth(self, expected: int, cached: int, worker: str) -> str | None:
        if expected == 0 or (cached < expected - 1 and cached >= self.computed - 1):
            return "cold"
        if cached >= expected - 1:
            return None
        return "routed_elsewhere" if worker != self.last else self.since


DEEDS = st.one_of(
    st.tuples(st.just("turn"), st.booleans()),
    st.tuples(st.just("restart"), st.sampled_from("ab")),
    st.tuples(st.just("evict"), st.sampled_from("ab"), st.integers(0, 60)),
    st.tuples(st.just("move")),
)


@given(st.lists(DEEDS, max_size=24))
def test_the_reason_is_what_happened_whatever_happens(deeds):
    world = World()
    for name, *arguments in deeds:
        if name == "turn":
            world.turn(fails=arguments[0])
        else:
            getattr(world, name)(*arguments)
