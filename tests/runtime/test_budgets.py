from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_serving.domain.errors import BudgetExhausted, SessionBusy
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.session import Session
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import Budget, TenantBudget
from agent_serving.runtime import adoption, tenants
from agent_serving.runtime.service import Service
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.conftest import SystemClock
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle

PRICES = PriceBook(currency="EUR", models={"*": ModelPrices(output=Decimal(10))})
ADD = call("add", '{"a": 1, "b": 2}')
ONE = Budget(max_steps=1)


async def change(service: Service, session: Session, budget: Budget) -> None:
    await service.sessions.change(TENANT, session.id, metadata=None, limits=None, budget=budget)


async def refused(service: Service, session: Session, **how: Any) -> BudgetExhausted:
    with pytest.raises(BudgetExhausted) as caught:
        await begin(service, session, "one more", **how)
    return caught.value


@pytest.mark.parametrize(
    "budget",
    [ONE, Budget(max_tokens=100), Budget(max_cost=Decimal("0.0001")), Budget(max_seconds=0.4)],
)
async def test_a_session_budget_pauses_the_turn_and_raising_it_resumes_it(
    start: Any, budget: Budget
) -> None:
    engine = ScriptedEngine([Say(ADD, delay=0.05), "It is 3."])
    service = await start(engine, prices=PRICES)
    session = await open_session(service)
    await change(service, session, budget)
    turn = await say(service, session, "add")
    assert (turn.status, len(engine.requests)) == ("waiting", 1)
    assert turn.pause is not None
    assert turn.pause.scope == "session"
    assert [turn.pause.budget] == list(budget.model_dump(exclude_none=True))
    assert (await reload(service, session)).status == "budget_reached"
    await change(service, session, Budget())
    turn = await _ended(service, session, turn.id)
    assert (turn.status, turn.output_text) == ("completed", "It is 3.")
    assert [step.kind for step in turn.steps] == ["model", "tool", "model"]
    last = turn.steps[-1]
    assert isinstance(last, ModelStep)
    assert last.usage.cached_tokens == last.expected_tokens > 0


async def _ended(service: Service, session: Session, turn_id: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            turn = await service.sessions.turn(TENANT, session.id, turn_id)
            if turn.ended_at is not None:
                return turn
            await asyncio.sleep(0.02)


async def test_a_turn_budget_is_raised_on_the_turn(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    turn = await say(service, session, "add", budget=ONE)
    assert turn.pause is not None
    assert turn.pause.scope == "turn"
    await service.budgets.change_turn(TENANT, session.id, turn.id, Budget(max_steps=2))
    assert (await _ended(service, session, turn.id)).status == "completed"


async def test_too_little_more_keeps_it_waiting(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    await change(service, session, ONE)
    turn = await say(service, session, "add")
    await change(service, session, Budget(max_steps=1, max_tokens=10**6))
    await asyncio.sleep(0.2)
    assert (await service.sessions.turn(TENANT, session.id, turn.id)).status == "waiting"


async def test_a_paused_turn_is_resumed_in_another_process(start: Any) -> None:
    engine = ScriptedEngine([ADD, "It is 3."])
    first = await start(engine)
    session = await open_session(first)
    await change(first, session, ONE)
    turn = await say(first, session, "add")
    await first.aclose()
    second = await start(engine)
    assert (await reload(second, session)).status == "budget_reached"
    await change(second, session, Budget())
    assert (await _ended(second, session, turn.id)).output_text == "It is 3."


async def test_new_turns_are_refused_until_there_is_room(start: Any) -> None:
    service = await start(ScriptedEngine(["One.", "Two."]))
    session = await open_session(service)
    await change(service, session, ONE)
    assert (await say(service, session, "count")).status == "completed"
    error = await refused(service, session)
    assert error.details == {"scope": "session", "budget": "max_steps"}
    assert "PATCH /v1/sessions/" in error.message
    await change(service, session, Budget(max_steps=2))
    assert (await say(service, session, "count")).output_text == "Two."


async def test_a_paused_turn_can_be_cancelled(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    turn = await say(service, session, "add", budget=ONE)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await _ended(service, session, turn.id)
    assert (turn.status, turn.pause) == ("cancelled", None)
    assert (await reload(service, session)).status == "idle"
    assert (await say(service, session, "again")).status == "completed"


async def test_a_paused_turn_can_be_interrupted_where_the_session_has_room(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "Something else."]))
    session = await open_session(service)
    paused = await say(service, session, "add", budget=ONE)
    assert (await refused(service, session)).details["scope"] == "turn"
    assert (await refused(service, session, on_conflict="queue")).details["scope"] == "turn"
    turn = await say(service, session, "something else", on_conflict="interrupt")
    assert (turn.status, turn.output_text) == ("completed", "Something else.")
    assert (await service.sessions.turn(TENANT, session.id, paused.id)).status == "cancelled"


async def test_an_interrupt_without_room_leaves_the_paused_turn_alone(start: Any) -> None:
    service = await start(ScriptedEngine([ADD, "It is 3."]))
    session = await open_session(service)
    await change(service, session, ONE)
    paused = await say(service, session, "add")
    await refused(service, session, on_conflict="interrupt")
    turn = await service.sessions.turn(TENANT, session.id, paused.id)
    assert (turn.status, turn.cancel) == ("waiting", None)


async def test_a_steer_reaches_a_paused_turn_when_it_goes_on(start: Any) -> None:
    engine = ScriptedEngine([ADD, "As you wish."])
    service = await start(engine)
    session = await open_session(service)
    paused = await say(service, session, "add", budget=ONE)
    steered = await begin(service, session, "say it nicely", on_conflict="steer")
    assert (steered.id, steered.status) == (paused.id, "waiting")
    await service.budgets.change_turn(TENANT, session.id, paused.id, Budget())
    assert (await _ended(service, session, paused.id)).output_text == "As you wish."
    assert "say it nicely" in engine.decode(engine.requests[-1].prompt)


async def test_a_busy_session_with_room_is_busy_and_not_out_of_budget(start: Any) -> None:
    service = await start(ScriptedEngine([Say("slow " * 50, delay=0.05)]))
    session = await open_session(service)
    await change(service, session, Budget(max_steps=5))
    await begin(service, session, "go")
    with pytest.raises(SessionBusy):
        await begin(service, session, "me too")


async def test_a_queued_turn_pauses_when_its_time_comes(start: Any) -> None:
    service = await start(ScriptedEngine([Say("slow " * 50, delay=0.05), "Second."]))
    session = await open_session(service)
    await change(service, session, ONE)
    await begin(service, session, "first")
    queued = await begin(service, session, "second", on_conflict="queue")
    turn = await settle(service, session, queued)
    assert (turn.status, turn.steps) == ("waiting", ())
    await change(service, session, Budget(max_steps=2))
    assert (await _ended(service, session, turn.id)).output_text == "Second."


# --- tenants --------------------------------------------------------------------------------


class MovedClock(SystemClock):
    """Time that can be moved to another day."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(autouse=True)
def _looks_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenants, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(adoption, "REST_SECONDS", 0.1)


async def test_a_tenants_budget_holds_up_all_its_sessions(start: Any) -> None:
    budget = {TENANT: TenantBudget(max_steps=2)}
    engine = ScriptedEngine([ADD, ADD, "Never said."])
    service = await start(engine, tenant_budgets=budget)
    first, second = await open_session(service), await open_session(service)
    paused = await say(service, first, "add twice")
    assert paused.pause is not None
    assert (paused.status, paused.pause.scope) == ("waiting", "tenant")
    assert len(paused.model_steps) == 2
    assert (await reload(service, first)).status == "budget_reached"
    assert (await refused(service, second)).details["scope"] == "tenant"


async def test_a_tenants_budget_ends_a_turn_that_cannot_wait(start: Any) -> None:
    budget = {TENANT: TenantBudget(max_steps=1)}
    service = await start(ScriptedEngine([ADD, "Never said."]), tenant_budgets=budget)
    session = await open_session(service)
    turn = await say(service, session, "add", ends_at_calls=True)
    assert (turn.status, turn.reason) == ("incomplete", "budget_reached")
    assert (await reload(service, session)).status == "idle"


async def test_a_tenants_turns_go_on_in_its_next_period(start: Any) -> None:
    clock = MovedClock()
    budget = {TENANT: TenantBudget(max_steps=1, period="day")}
    service = await start(ScriptedEngine([ADD, "It is 3."]), clock=clock, tenant_budgets=budget)
    session = await open_session(service)
    turn = await say(service, session, "add")
    assert turn.status == "waiting"
    clock.ahead = timedelta(days=1)
    turn = await _ended(service, session, turn.id)
    assert (turn.status, turn.output_text) == ("completed", "It is 3.")
    assert turn.waited > timedelta(hours=23)


async def test_a_raised_tenant_budget_resumes_turns_after_a_restart(start: Any) -> None:
    engine = ScriptedEngine([ADD, "It is 3."])
    prices = {"prices": PRICES}
    low = {TENANT: TenantBudget(max_cost=Decimal("0.0001"))}
    first = await start(engine, tenant_budgets=low, **prices)
    session = await open_session(first)
    turn = await say(first, session, "add")
    assert turn.pause is not None
    assert turn.pause.scope == "tenant"
    await first.aclose()
    high = {TENANT: TenantBudget(max_cost=Decimal(1))}
    second = await start(engine, tenant_budgets=high, **prices)
    assert (await _ended(second, session, turn.id)).output_text == "It is 3."
