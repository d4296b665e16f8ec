"""What the runtime charges, with attempts that break, turns that are cancelled and processes that
die: it is what its sessions say, to the last digit."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.charge import Charge, added, hour_of
from agent_serving.domain.cost import total_of
from agent_serving.domain.errors import TurnNotActive
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.session import Session
from agent_serving.domain.tool import tool
from agent_serving.domain.values import Usage
from agent_serving.runtime.service import Service
from agent_serving.testing import Break, Line, Say, ScriptedEngine
from tests.runtime.conftest import add
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle

PRICES = PriceBook(
    currency="EUR",
    models={
        "scripted": ModelPrices(
            input=Decimal("0.3"),
            cached_input=Decimal("0.03"),
            output=Decimal("1.1"),
            gpu_hour=Decimal("2.5"),
            kv_hour=Decimal(900),
        )
    },
    tools={"add": Decimal("0.0001"), "nap": Decimal("0.002")},
)


@tool(effect="pure")
async def nap(seconds: float) -> str:
    """Sleep."""
    await asyncio.sleep(seconds)
    return "rested"


async def books(service: Service) -> list[Charge]:
    now = hour_of(datetime.now(UTC))
    return await service.ports.store.charges(TENANT, since=now - 2, until=now + 1)


def check(sessions: list[Session], charges: list[Charge]) -> None:
    for session in sessions:
        for turn in session.turns:
            assert sum((step.usage for step in turn.steps), Usage()) == turn.usage
            assert total_of(step.cost for step in turn.steps) == turn.cost
        assert sum((turn.usage for turn in session.turns), Usage()) == session.usage
        assert total_of(turn.cost for turn in session.turns) == session.cost
    sums = charges[0].but(amounts=dict(added(charges)))
    assert sums.usage == sum((session.usage for session in sessions), Usage())
    costs = [row.cost for row in charges if row.account.currency == "EUR"]
    assert total_of(costs) == total_of(session.cost for session in sessions)


async def test_a_turn_costs_its_tokens_its_calls_and_the_kv_that_waited(start: Any) -> None:
    engine = ScriptedEngine([call("nap", '{"seconds": 0.05}'), "Done."])
    service = await start(engine, tools=[nap], prices=PRICES)
    session = await open_session(service, tools=["nap"])
    turn = await say(service, session, "sleep")
    first, sleep, last = turn.steps
    assert first.cost.output == Decimal(first.usage.output_tokens) * Decimal("1.1") / 10**6
    assert sleep.cost.tool == Decimal("0.002")
    assert sleep.cost.kv_residency > 0
    assert last.cost.cached_input > 0
    assert turn.cost.total == first.cost.total + sleep.cost.total + last.cost.total
    check([await reload(service, session)], await books(service))


async def test_a_changed_price_book_does_not_change_the_past(start: Any) -> None:
    engine = ScriptedEngine(["One.", "Two."])
    first = await start(engine, prices=PRICES)
    session = await open_session(first)
    cost = (await say(first, session, "count")).cost
    await first.aclose()
    dearer = PRICES.but(models={"*": ModelPrices(output=Decimal(1000))})
    second = await start(engine, prices=dearer)
    turn = await say(second, session, "go on")
    assert turn.cost.output > Decimal("0.001")
    session = await reload(second, session)
    assert session.turns[0].cost == cost
    assert session.cost == total_of((cost, turn.cost))


async def test_an_attempt_that_broke_is_paid_for(start: Any) -> None:
    service = await start(ScriptedEngine([Break("half a rep"), "Whole."]), prices=PRICES)
    turn = await say(service, await open_session(service), "hello")
    lost, whole = turn.steps[0].attempts
    assert lost.cost.output > Decimal(10) * Decimal("1.1") / 10**6
    assert turn.cost == total_of((lost.cost, whole.cost))


def line(chance: random.Random) -> Line:
    calls = [call("add", '{"a": 1, "b": 2}'), call("nap", '{"seconds": 0.03}')]
    return chance.choice(
        [
            "An answer.",
            Say("a long answer " * 4, delay=0.01),
            Break("half"),
            Say("\n".join(chance.choices(calls, k=3))),
            calls[1],
        ]
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.timeout(120)
async def test_whatever_happens_the_books_say_what_the_sessions_say(start: Any, seed: int) -> None:
    """Attempts break, turns are cancelled and interrupted, answers of the store are lost, and
    the process is replaced by another."""
    chance = random.Random(seed)
    engine = ScriptedEngine(lambda _: line(chance))

    async def another() -> Service:
        service: Service = await start(engine, tools=[add, nap], prices=PRICES)
        return service

    service = await another()
    sessions = [await open_session(service, tools=["add", "nap"]) for _ in range(3)]
    for _ in range(5):
        turns = [
            (session, await begin(service, session, "go", on_conflict="interrupt"))
            for session in sessions
        ]
        await asyncio.sleep(chance.random() * 0.3)
        fate = chance.choice(["cancel", "die", "read", "wait"])
        if fate == "die":
            await service.aclose()
            service = await another()
        elif fate == "read":
            await books(service)
        elif fate == "cancel":
            session, turn = chance.choice(turns)
            if (await reload(service, session)).active is not None:
                await _cancel(service, session, turn.id)
    for session, turn in turns:
        await settle(service, session, turn)
    check([await reload(service, session) for session in sessions], await books(service))


async def _cancel(service: Service, session: Session, turn_id: str) -> None:
    try:
        await service.sessions.cancel(TENANT, session.id, turn_id)
    except TurnNotActive:
        return  # it ended in this moment


@pytest.mark.parametrize("fact", ["model_replied", "tool_started", "tool_finished", "turn_ended"])
async def test_a_fact_whose_answer_was_lost_is_charged_once(
    start: Any, redis: Any, prefix: str, fact: str
) -> None:
    store = OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))
    store.lose_answers(fact)
    engine = ScriptedEngine([call("add", '{"a": 1, "b": 2}'), "3."])
    service = await start(engine, store=store, prices=PRICES)
    session = await open_session(service)
    turn = await say(service, session, "add")
    assert turn.status == "completed"
    check([await reload(service, session)], await books(service))
