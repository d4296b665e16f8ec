"""Calls that wait for somebody to agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import TurnNotActive
from agent_serving.domain.session import Turn
from agent_serving.domain.tool import tool
from agent_serving.domain.tool_schema import spec_of
from agent_serving.runtime import leases, runners
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.inputs import ApprovalInput, ToolResultInput
from agent_serving.runtime.service import Service
from agent_serving.testing import ScriptedEngine
from tests.runtime.dying import die
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, begin, call, reload, say, settle

ONE = call("pay", '{"amount": 5}')


def pay_into(witness: Path) -> Any:
    @tool(effect="once")
    def pay(amount: int) -> str:
        """Pay an amount."""
        with witness.open("a") as file:
            file.write(f"{amount};")
        return f"paid {amount}"

    return pay


async def guarded(service: Service, pay: Any) -> Any:
    """A session whose agent asks before it pays, and also knows a client-side tool."""
    agent = await service.agents.resolve(AgentDraft(name="test"))
    asks = spec_of(pay).but(requires_approval=True)
    theirs = asks.but(name="theirs", executor="client", requires_approval=False)
    return (await service.sessions.open(TENANT, agent.but(tools=(asks, theirs)))).value


async def answer(service: Service, session: Any, turn: Turn, *, approve: bool) -> Turn:
    said = ApprovalInput(call_id=turn.waiting_for[0], approve=approve)
    await service.inputs.answer(TENANT, session.id, turn.id, [said])
    return await settle(service, session, turn)


async def told(service: Service, session: Any) -> list[str]:
    page = await service.feed.page(await reload(service, session), 0, 1000)
    return [event.type for event in page]


async def test_a_call_runs_once_somebody_has_agreed(start: Any, witness: Path) -> None:
    pay = pay_into(witness)
    service = await start(ScriptedEngine([ONE, "Paid."]), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay")
    assert (turn.status, witness.read_text()) == ("waiting", "")
    assert (await reload(service, session)).status == "requires_action"
    assert [asked.call.name for asked in turn.open_approvals] == ["pay"]
    turn = await answer(service, session, turn, approve=True)
    assert (turn.status, turn.output_text, witness.read_text()) == ("completed", "Paid.", "5;")
    events = await told(service, session)
    order = ["approval.requested", "turn.waiting", "approval.resolved", "tool_call.started"]
    assert [name for name in events if name in order] == order


async def test_a_call_that_is_denied_never_runs_and_the_model_is_told(
    start: Any, witness: Path
) -> None:
    pay = pay_into(witness)
    engine = ScriptedEngine([ONE, "Then not."])
    service = await start(engine, tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay")
    turn = await answer(service, session, turn, approve=False)
    assert (turn.output_text, witness.read_text()) == ("Then not.", "")
    assert [step.result.outcome for step in turn.tool_steps if step.result] == ["denied"]
    assert turn.usage.tool_calls == 0
    assert "was not approved" in engine.decode(engine.requests[-1].prompt)


async def test_invalid_arguments_are_refused_without_asking(start: Any, witness: Path) -> None:
    pay = pay_into(witness)
    script = [call("pay", '{"amount": "x"}'), "Sorry."]
    service = await start(ScriptedEngine(script), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay")
    assert (turn.status, turn.approvals) == ("completed", ())


async def test_two_calls_are_asked_about_together_and_decided_apart(
    start: Any, witness: Path
) -> None:
    pay = pay_into(witness)
    both = ONE + "\n" + call("pay", '{"amount": 7}')
    service = await start(ScriptedEngine([both, "Half."]), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay both")
    first, second = (asked.call.call_id for asked in turn.open_approvals)
    said = [
        ApprovalInput(call_id=first, approve=False),
        ApprovalInput(call_id=second, approve=True),
    ]
    await service.inputs.answer(TENANT, session.id, turn.id, said)
    turn = await settle(service, session, turn)
    assert (turn.output_text, witness.read_text()) == ("Half.", "7;")
    outcomes = {step.call.call_id: step.result.outcome for step in turn.tool_steps if step.result}
    assert outcomes == {first: "denied", second: "ok"}


async def test_a_turn_may_wait_for_an_approval_and_a_result_together(
    start: Any, witness: Path
) -> None:
    pay = pay_into(witness)
    both = ONE + "\n" + call("theirs", '{"amount": 1}')
    service = await start(ScriptedEngine([both, "Both."]), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "go")
    assert len(turn.waiting_for) == 2
    [asked] = turn.open_approvals
    await service.inputs.answer(
        TENANT, session.id, turn.id, [ApprovalInput(call_id=asked.call.call_id, approve=True)]
    )
    turn = await settle(service, session, turn)
    assert turn.status == "waiting"
    [left] = turn.waiting_for
    done = ToolResultInput(call_id=left, output="ok")
    await service.inputs.answer(TENANT, session.id, turn.id, [done])
    turn = await settle(service, session, turn)
    assert (turn.output_text, witness.read_text()) == ("Both.", "5;")


async def test_what_nobody_asked_for_cannot_be_approved(start: Any, witness: Path) -> None:
    pay = pay_into(witness)
    service = await start(ScriptedEngine([ONE, "Paid."]), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay")
    wrong = ApprovalInput(call_id="call_other", approve=True)
    with pytest.raises(TurnNotActive, match=turn.waiting_for[0]):
        await service.inputs.answer(TENANT, session.id, turn.id, [wrong])
    again = ApprovalInput(call_id=turn.waiting_for[0], approve=True)
    await answer(service, session, turn, approve=True)
    with pytest.raises(TurnNotActive):
        await service.inputs.answer(TENANT, session.id, turn.id, [again])
    assert witness.read_text() == "5;"


async def test_a_turn_that_is_cancelled_while_it_waits_runs_nothing(
    start: Any, witness: Path
) -> None:
    pay = pay_into(witness)
    service = await start(ScriptedEngine([ONE, "Ready."]), tools=[pay])
    session = await guarded(service, pay)
    turn = await say(service, session, "pay")
    await service.sessions.cancel(TENANT, session.id, turn.id)
    ended = await settle(service, session, turn)
    assert ended.status == "cancelled"
    assert (await say(service, session, "and?")).output_text == "Ready."
    assert witness.read_text() == ""


@pytest.mark.parametrize("approve", [True, False])
async def test_the_answer_counts_though_the_replica_that_asked_is_dead(
    start: Any,
    redis: EmbeddedRedis,
    prefix: str,
    witness: Path,
    monkeypatch: pytest.MonkeyPatch,
    approve: bool,
) -> None:
    monkeypatch.setattr(leases, "LEASE_MS", 600)
    monkeypatch.setattr(leases, "MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(runners, "HEARTBEAT_SECONDS", 0.1)
    pay, odd = pay_into(witness), OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    engine = ScriptedEngine([ONE, "So be it."])
    first = await start(engine, store=odd, tools=[pay])
    second = await start(engine, tools=[pay])
    session = await guarded(first, pay)
    turn = await say(first, session, "pay")
    await die(first, odd)
    turn = await answer(second, session, turn, approve=approve)
    assert turn.output_text == "So be it."
    assert witness.read_text() == ("5;" if approve else "")


async def test_a_replica_that_died_before_it_waited_is_adopted_and_asks_once(
    start: Any, redis: EmbeddedRedis, prefix: str, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The approval was asked for, and its process died before the turn was `waiting`."""
    monkeypatch.setattr(leases, "LEASE_MS", 600)
    monkeypatch.setattr(leases, "MARGIN_SECONDS", 0.1)
    monkeypatch.setattr(runners, "HEARTBEAT_SECONDS", 0.1)
    pay, odd = pay_into(witness), OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    engine = ScriptedEngine([ONE, "Paid."])
    first = await start(engine, store=odd, tools=[pay])
    session = await guarded(first, pay)
    stuck, dead = asyncio.Event(), asyncio.Event()

    async def hang(write: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        if b'"type":"turn_waited"' in args[0].fact:
            stuck.set()
            await dead.wait()
            return None  # never written
        return await write()

    odd.around["append"] = hang
    turn = await begin(first, session, "pay")
    await asyncio.wait_for(stuck.wait(), 10)
    dying = asyncio.create_task(die(first, odd))
    dead.set()
    await dying
    second = await start(engine, tools=[pay])
    turn = await settle(second, session, turn)
    assert (turn.status, len(turn.approvals)) == ("waiting", 1)
    turn = await answer(second, session, turn, approve=True)
    assert (turn.output_text, witness.read_text()) == ("Paid.", "5;")
