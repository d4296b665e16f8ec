from __future__ import annotations

from typing import Any

import pytest

from agent_serving.domain import events as e
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.fold import apply
from agent_serving.domain.session import Session
from tests.domain.facts import (
    accepted,
    at,
    call_item,
    ended,
    finished,
    message,
    opened,
    planned,
    replied,
    session_with,
    started,
    then,
)

CALL = call_item()
OTHER = call_item(n=1)


def busy() -> Session:
    return then(session_with(opened(), accepted()), planned)


def calling(*items: object) -> Session:
    items = items or (CALL,)
    return then(busy(), lambda s: replied(s, *items))


def test_a_turn_makes_its_input_pending_until_a_step_is_planned() -> None:
    session = session_with(opened(), accepted())
    assert [m.content for m in session.pending] == ["hi"]
    session = then(session, planned)
    assert session.pending == ()
    assert session.token_count == 10
    assert session.reply_open


def test_a_reply_appends_its_tokens_and_closes_the_message() -> None:
    session = then(busy(), replied)
    assert session.token_count == 15
    assert not session.reply_open


def test_a_cut_reply_leaves_the_message_open() -> None:
    session = then(busy(), lambda s: replied(s, finish="length"))
    assert session.reply_open


def test_results_become_pending_in_the_order_of_the_calls_when_the_last_one_is_there() -> None:
    session = calling(CALL, OTHER)
    session = then(
        session,
        lambda s: started(s, CALL.call),
        lambda s: started(s, OTHER.call),
        lambda s: finished(s, OTHER.call, "second"),
    )
    assert session.pending == ()
    session = then(session, lambda s: finished(s, CALL.call, "first"))
    assert [m.content for m in session.pending] == ["first", "second"]


def test_a_steer_stands_behind_the_results_of_the_calls_it_came_between() -> None:
    steer = e.TurnSteered(at=at(), turn_id="turn_1", input=(message("wait"),))
    session = then(
        calling(),
        lambda s: started(s, CALL.call),
        steer,
        lambda s: finished(s, CALL.call, "3"),
    )
    assert [m.content for m in session.pending] == ["3", "wait"]


def test_a_call_may_start_and_finish_while_its_reply_still_streams() -> None:
    session = then(busy(), lambda s: started(s, CALL.call), lambda s: finished(s, CALL.call, "3"))
    assert session.pending == ()
    session = then(session, lambda s: replied(s, CALL))
    assert [m.content for m in session.pending] == ["3"]


def test_a_reply_without_a_call_that_has_started_is_impossible() -> None:
    session = then(busy(), lambda s: started(s, CALL.call))
    with pytest.raises(ImpossibleEvent, match="has started but is not in the reply"):
        apply(session, replied(session))


def test_a_step_with_started_calls_cannot_be_restarted() -> None:
    session = then(busy(), lambda s: started(s, CALL.call))
    step = session.turns[0].steps[0]
    attempt = e.Attempt(number=1, rid="r", worker="w", status="failed")
    lost: Any = {"at": at(), "turn_id": "turn_1", "step_id": step.id, "attempt": attempt}
    restart = e.StepRestarted(**lost)
    with pytest.raises(ImpossibleEvent):
        apply(session, e.StepResumed(**lost, kept_tokens=3))
    with pytest.raises(ImpossibleEvent, match="cannot be void"):
        apply(session, restart)


def test_a_call_is_claimed_once() -> None:
    session = then(calling(), lambda s: started(s, CALL.call))
    with pytest.raises(ImpossibleEvent, match="already claimed"):
        apply(session, started(session, CALL.call))


def test_a_second_result_for_a_call_is_impossible() -> None:
    session = then(calling(), lambda s: started(s, CALL.call))
    once = finished(session, CALL.call)
    session = apply(session, once)
    with pytest.raises(ImpossibleEvent, match="not open"):
        apply(session, once)


def test_every_call_is_answered_when_its_turn_ends_early() -> None:
    session = then(
        calling(CALL, OTHER),
        lambda s: started(s, CALL.call),
        lambda s: ended(s, "cancelled"),
    )
    assert [m.call_id for m in session.pending] == ["call_0", "call_1"]
    assert all(step.result for step in session.turns[0].tool_steps)


def test_results_are_not_told_twice_when_the_turn_ends_behind_them() -> None:
    session = then(
        calling(),
        lambda s: started(s, CALL.call),
        lambda s: finished(s, CALL.call),
        lambda s: ended(s, "incomplete"),
    )
    assert len(session.pending) == 1


def test_a_turn_behind_another_is_queued_and_begins_in_its_order() -> None:
    session = then(
        busy(),
        accepted("turn_2", queued=True),
        accepted("turn_3", queued=True),
        replied,
        ended,
    )
    with pytest.raises(ImpossibleEvent, match="not the next"):
        apply(session, e.TurnBegan(at=at(), turn_id="turn_3"))
    session = apply(session, e.TurnBegan(at=at(), turn_id="turn_2"))
    assert [turn.status for turn in session.turns] == ["completed", "in_progress", "queued"]


def test_a_queued_turn_can_be_cancelled_where_it_stands() -> None:
    session = then(busy(), accepted("turn_2", queued=True))
    session = apply(session, e.TurnEnded(at=at(), turn_id="turn_2", status="cancelled", idle=False))
    assert [turn.status for turn in session.turns] == ["in_progress", "cancelled"]
    assert session.pending == ()


def test_two_turns_never_run_at_once() -> None:
    with pytest.raises(ImpossibleEvent, match="a turn is open"):
        apply(busy(), accepted("turn_2"))


def test_a_prompt_that_does_not_begin_with_the_transcript_is_impossible() -> None:
    session = session_with(opened(), accepted())
    wrong = planned(session).but(expected_tokens=3, prompt_tokens=13)
    with pytest.raises(ImpossibleEvent, match="does not begin with the transcript"):
        apply(session, wrong)


def test_waiting_time_does_not_count_against_the_deadline() -> None:
    session = then(calling(), lambda s: started(s, CALL.call, executor="client"))
    before = session.turns[0].deadline
    session = then(
        session,
        e.TurnWaited(at=at(1), turn_id="turn_1", call_ids=("call_0",)),
        lambda s: finished(s, CALL.call).but(at=at(101)),
    )
    assert (session.turns[0].deadline - before).total_seconds() == 100


def test_inherited_turns_are_history_and_not_usage() -> None:
    origin = then(busy(), replied, ended)
    fork = apply(
        None,
        e.SessionForked(
            at=at(),
            session_id="sess_2",
            tenant="default",
            agent=origin.agent,
            origin=e.ForkOrigin(session_id=origin.id, turn_id="turn_1"),
            inherited=tuple(turn.model_dump(mode="json") for turn in origin.turns),
            pending=origin.pending,
            token_count=origin.token_count,
            reply_open=origin.reply_open,
        ),
    )
    assert fork.turns == origin.turns
    assert origin.usage.output_tokens == 5
    assert fork.usage.output_tokens == 0


def test_nothing_happens_to_a_closed_session() -> None:
    session = then(session_with(opened()), e.SessionClosed(at=at()))
    with pytest.raises(ImpossibleEvent, match="closed"):
        apply(session, accepted())
