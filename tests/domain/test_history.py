"""Sessions that begin with what was said elsewhere, and what of a session may change when."""

from __future__ import annotations

import pytest

from agent_serving.domain import events as e
from agent_serving.domain.decide import EndTurn, Wait, next_action
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.history import messages_of
from agent_serving.domain.session import Session
from agent_serving.domain.values import (
    Message,
    ReasoningItem,
    Sampling,
    ToolCall,
    ToolResultItem,
)
from tests.domain.facts import (
    ASK,
    accepted,
    agent,
    at,
    call_item,
    ended,
    message,
    opened,
    planned,
    replied,
    session_with,
    started,
    then,
)

CALL = call_item()
RESULT = ToolResultItem(id="item_r", call_id="call_0", name="add", output="3", outcome="ok")
HISTORY = (
    message("hello"),
    message("hi", "assistant", "item_a"),
    CALL,
    RESULT,
)


def changed(**changes: object) -> e.SessionChanged:
    return e.SessionChanged(at=at(), **changes)  # type: ignore[arg-type]


def test_text_and_the_calls_behind_it_are_one_message() -> None:
    thought = ReasoningItem(id="item_t", text="hm")
    assert messages_of((*HISTORY[:1], thought, *HISTORY[1:])) == (
        Message(role="user", content="hello"),
        Message(role="assistant", content="hi", calls=(CALL.call,)),
        Message(role="tool", content="3", name="add", call_id="call_0"),
    )
    assert messages_of((CALL, call_item(n=1))) == (
        Message(role="assistant", content="", calls=(CALL.call, call_item(n=1).call)),
    )


def test_the_opening_renders_the_history_and_then_what_is_said_now() -> None:
    session = session_with(opened(), changed(history=HISTORY[:2]), accepted(history=HISTORY[2:]))
    assert session.history == HISTORY
    assert session.pending == (*messages_of(HISTORY), Message(role="user", content="hi"))
    assert session.turns[0].items == session.turns[0].input


def test_a_history_can_be_answered_by_itself() -> None:
    session = session_with(opened(), accepted(history=HISTORY, input=()))
    assert session.pending == messages_of(HISTORY)


def test_history_comes_in_front_of_the_first_turn_only() -> None:
    session = session_with(opened(), accepted())
    with pytest.raises(ImpossibleEvent, match="in front of the first turn"):
        then(session, accepted("turn_2", queued=True, history=HISTORY))


def answered(**changes: object) -> Session:
    return then(session_with(opened(), accepted(**changes)), planned, replied, ended)


def test_messages_between_turns_are_heard_in_front_of_the_next_one() -> None:
    news = (message("news", item_id="item_n"), message("noted", "assistant", "item_m"))
    session = then(answered(), changed(history=news[:1]), changed(history=news[1:]))
    assert (session.added, session.history) == (news, ())
    assert session.pending == messages_of(news)
    session = then(session, accepted("turn_2"))
    assert session.turns[1].input == (*news, message("hi"))
    assert session.pending == (*messages_of(news), Message(role="user", content="hi"))
    assert session.added == ()
    assert then(session, planned).pending == ()


def test_only_messages_come_between_turns_and_none_into_one() -> None:
    with pytest.raises(ImpossibleEvent, match="only messages"):
        then(answered(), changed(history=HISTORY))
    with pytest.raises(ImpossibleEvent, match="a turn is open"):
        then(answered(), accepted("turn_2"), changed(history=HISTORY[:1]))


def test_the_opening_is_exchanged_only_while_it_is_not_rendered() -> None:
    other = agent(instructions="Be kind.")
    assert then(session_with(opened()), changed(agent=other)).agent == other
    with pytest.raises(ImpossibleEvent, match="rendered already"):
        then(answered(), changed(agent=other))


def test_how_replies_are_drawn_is_changed_between_turns() -> None:
    warm = agent(sampling=Sampling(temperature=1))
    assert then(answered(), changed(agent=warm)).agent.sampling.temperature == 1
    with pytest.raises(ImpossibleEvent, match="a turn is open"):
        then(session_with(opened(), accepted()), changed(agent=warm))


def test_only_a_turn_that_is_over_is_hidden() -> None:
    hidden = then(answered(), changed(hidden_turn="turn_1"))
    assert hidden.turns[0].hidden
    assert hidden.turns[0].items
    for session, turn_id in ((session_with(opened(), accepted()), "turn_1"), (answered(), "no")):
        with pytest.raises(ImpossibleEvent, match="only a turn that is over"):
            then(session, changed(hidden_turn=turn_id))


@pytest.mark.parametrize("ends_at_calls", [True, False])
def test_a_turn_that_hands_its_calls_out_ends_there(ends_at_calls: bool) -> None:
    asked = ToolCall(call_id="call_0", name=ASK.name, arguments="{}")
    session = then(
        session_with(opened(), accepted(ends_at_calls=ends_at_calls)),
        planned,
        lambda s: replied(s, call_item(ASK.name, "{}")),
        lambda s: started(s, asked, executor="client"),
    )
    action = next_action(session, at())
    turn = session.turns[0]
    assert action == (EndTurn(turn, "completed") if ends_at_calls else Wait(turn, ("call_0",)))
