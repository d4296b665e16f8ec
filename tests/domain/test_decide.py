from __future__ import annotations

from typing import Any

from agent_serving.domain import decide
from agent_serving.domain import events as e
from agent_serving.domain.decide import next_action
from agent_serving.domain.session import Session
from agent_serving.domain.values import Budget, Limits, ToolResult
from tests.domain import facts
from tests.domain.facts import (
    ADD,
    accepted,
    agent,
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
ASK = call_item("ask", "{}", n=1)


def due(session: Session, seconds: float = 1.0) -> Any:
    return next_action(session, at(seconds))


def calling(*items: Any, **limits: Any) -> Session:
    first = session_with(opened(limits=Limits(**limits)), accepted())
    return then(first, planned, lambda s: replied(s, *(items or (CALL,))))


def test_an_idle_session_rests() -> None:
    assert due(session_with(opened())) == decide.Rest()


def test_a_new_turn_plans_a_step() -> None:
    assert isinstance(due(session_with(opened(), accepted())), decide.PlanStep)


def test_a_planned_step_is_generated_as_its_first_attempt() -> None:
    action = due(then(session_with(opened(), accepted()), planned))
    assert isinstance(action, decide.Generate)
    assert action.attempt == 1


def test_calls_run_before_anything_else() -> None:
    action = due(calling(CALL, ASK))
    assert isinstance(action, decide.RunTools)
    assert [call.name for call, _ in action.new] == ["add", "ask"]


def test_only_client_side_calls_left_means_waiting_and_then_rest() -> None:
    session = then(calling(ASK), lambda s: started(s, ASK.call, executor="client"))
    assert isinstance(due(session), decide.Wait)
    session = then(session, e.TurnWaited(at=at(), turn_id="turn_1", call_ids=("call_1",)))
    assert due(session) == decide.Rest()
    session = then(session, lambda s: finished(s, ASK.call))
    assert session.turns[0].status == "in_progress"
    assert isinstance(due(session), decide.PlanStep)


def test_an_orphaned_call_is_seen_to_before_waiting() -> None:
    session = then(
        calling(CALL, ASK),
        lambda s: started(s, CALL.call),
        lambda s: started(s, ASK.call, executor="client"),
    )
    action = due(session)
    assert isinstance(action, decide.RunTools)
    assert [step.call.name for step in action.running] == ["add"]


def test_calls_beyond_the_limit_are_refused_and_not_run() -> None:
    action = due(calling(CALL, call_item(n=2), call_item(n=3), max_tool_calls=1))
    assert isinstance(action, decide.RunTools)
    assert len(action.new) == 1
    assert [result.outcome for _, result in action.rejected] == ["limit", "limit"]


def test_a_call_that_is_run_again_on_demand_does_not_count_twice() -> None:
    pay = call_item("pay", "{}")
    session = then(
        calling(pay, max_tool_calls=1),
        lambda s: started(s, pay.call, effect="once"),
        lambda s: e.ToolDoubted(at=at(), turn_id="turn_1", step_id=s.turns[0].tool_steps[0].id),
        lambda s: e.ToolReleased(at=at(), turn_id="turn_1", step_id=s.turns[0].tool_steps[0].id),
    )
    action = due(session)
    assert isinstance(action, decide.RunTools)
    assert [call for call, _ in action.new] == [pay.call]
    assert action.rejected == ()
    session = then(session, lambda s: started(s, pay.call), lambda s: finished(s, pay.call))
    assert session.turns[0].usage.tool_calls == 2
    session = then(session, planned)
    assert due(session).tool_choice == "none"


def test_a_released_call_does_not_take_the_next_ones_place() -> None:
    pay = call_item("pay", "{}")
    session = then(
        calling(pay, max_tool_calls=2),
        lambda s: started(s, pay.call, effect="once"),
        lambda s: e.ToolDoubted(at=at(), turn_id="turn_1", step_id=s.turns[0].tool_steps[0].id),
        lambda s: e.ToolReleased(at=at(), turn_id="turn_1", step_id=s.turns[0].tool_steps[0].id),
        lambda s: started(s, pay.call),
        lambda s: finished(s, pay.call),
        planned,
    )
    assert due(session).tool_choice == "auto"
    action = due(then(session, lambda s: replied(s, call_item(n=7))))
    assert isinstance(action, decide.RunTools)
    assert len(action.new) == 1


def test_an_invalid_call_is_refused_with_the_reason() -> None:
    action = due(calling(call_item(arguments='{"a": 1}')))
    assert isinstance(action, decide.RunTools)
    assert action.new == ()
    assert "'b'" in action.rejected[0][1].output


def test_a_refused_call_lets_the_model_try_once_more() -> None:
    bad = call_item(arguments="{}")
    session = then(calling(bad), lambda s: rejected(s, bad))
    assert isinstance(due(session), decide.PlanStep)
    again = call_item(arguments="{}", n=5)
    session = then(session, planned, lambda s: replied(s, again), lambda s: rejected(s, again))
    action = due(session)
    assert isinstance(action, decide.EndTurn)
    assert action.status == "failed"
    assert action.error is not None
    assert action.error.code == "invalid_tool_call"


def rejected(session: Session, item: Any) -> e.ToolRejected:
    turn = session.active
    assert turn is not None
    step = turn.last_model_step
    assert step is not None
    return e.ToolRejected(
        at=at(),
        turn_id=turn.id,
        step_id=f"step_x{session.version}",
        model_step_id=step.id,
        call=item.call,
        result=ToolResult(call_id=item.call_id, output="no", outcome="invalid"),
    )


def test_a_cancel_comes_before_everything() -> None:
    session = then(calling(), e.CancelRequested(at=at(), turn_id="turn_1"))
    action = due(session)
    assert isinstance(action, decide.EndTurn)
    assert (action.status, action.reason) == ("cancelled", "cancel")


def test_the_deadline_ends_the_turn_but_never_one_that_waits() -> None:
    session = then(calling(ASK, max_seconds=10), lambda s: started(s, ASK.call, executor="client"))
    action = due(session, 11)
    assert isinstance(action, decide.EndTurn)
    assert action.reason == "max_seconds"
    waiting = then(session, e.TurnWaited(at=at(), turn_id="turn_1", call_ids=("call_1",)))
    assert due(waiting, 1000) == decide.Rest()


def test_a_steer_behind_the_answer_gets_a_step_of_its_own() -> None:
    session = then(
        session_with(opened(), accepted()),
        planned,
        e.TurnSteered(at=at(), turn_id="turn_1", input=(message("and?"),)),
        replied,
    )
    assert isinstance(due(session), decide.PlanStep)


def test_a_demanded_call_is_demanded_of_the_first_step_only() -> None:
    session = then(session_with(opened(), accepted(tool_choice="required")), planned)
    first = due(session)
    assert first.tool_choice == "required"
    session = then(
        session,
        lambda s: replied(s, CALL),
        lambda s: started(s, CALL.call),
        lambda s: finished(s, CALL.call),
        planned,
    )
    assert due(session).tool_choice == "auto"


def test_a_queued_turn_begins_when_the_one_before_it_has_ended() -> None:
    session = then(session_with(opened(), accepted(), accepted("turn_2", queued=True)), planned)
    session = then(session, replied, ended)
    assert due(session) == decide.BeginTurn("turn_2")


def test_an_agent_without_tools_refuses_a_call_it_never_offered() -> None:
    session = then(session_with(opened(tools=()), accepted()), planned, lambda s: replied(s, CALL))
    action = due(session)
    assert "there is no tool 'add'" in action.rejected[0][1].output
    assert agent().tool("add") is not None


# --- turns that end at their calls ----------------------------------------------------------


def stateless(*items: Any, **opening: Any) -> Session:
    """A turn whose caller cannot be asked for anything, and its model's first reply."""
    first = session_with(opened(**opening), accepted(ends_at_calls=True))
    return then(first, planned, lambda s: replied(s, *items))


def test_a_call_that_needs_approval_is_refused_where_nobody_can_be_asked() -> None:
    action = due(stateless(CALL, ASK, tools=(ADD.but(requires_approval=True), facts.ASK)))
    assert isinstance(action, decide.RunTools)
    assert [spec.name for _, spec in action.new] == ["ask"]
    ((call, result),) = action.rejected
    assert (call, result.outcome) == (CALL.call, "denied")
    assert "approval" in result.output


def test_a_call_in_doubt_ends_a_turn_that_cannot_wait() -> None:
    pay = call_item("pay", "{}")
    session = then(
        stateless(pay, ASK),
        lambda s: started(s, pay.call, effect="once"),
        lambda s: started(s, ASK.call, executor="client"),
        lambda s: e.ToolDoubted(at=at(), turn_id="turn_1", step_id=s.turns[0].tool_steps[0].id),
    )
    action = due(session)
    assert isinstance(action, decide.EndTurn)
    assert (action.status, action.reason) == ("incomplete", "requires_action")


def test_a_budget_that_is_used_up_ends_a_turn_that_cannot_wait() -> None:
    one = Budget(max_steps=1)
    session = then(
        session_with(opened(), accepted(ends_at_calls=True, budget=one)),
        planned,
        lambda s: replied(s, CALL),
        lambda s: started(s, CALL.call),
        lambda s: finished(s, CALL.call),
    )
    action = due(session)
    assert isinstance(action, decide.EndTurn)
    assert (action.status, action.reason) == ("incomplete", "budget_reached")
