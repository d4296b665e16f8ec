"""What becomes of a turn under way for which no engine has a place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.domain.session import Turn
from agent_serving.domain.values import Limits, ServiceClass, ToolSpec
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.batches import BatchDraft, RequestDraft
from agent_serving.runtime.inputs import ToolResultInput
from agent_serving.runtime.service import Service
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, settle, until

HELD_SECONDS = 3.0
"""Longer than a lost attempt is tried again."""


async def crowded(start: Any) -> Service:
    """Two places, one of them batch's, and no queue; an answer holds its place for long."""

    def script(prompt: str) -> str | Say:
        if "ask" in prompt and "<|im_start|>tool" not in prompt:
            return call("ask", "{}")
        return Say("done", delay=HELD_SECONDS)

    engine = ScriptedEngine(script)
    scheduler = FifoScheduler(engine.workers, max_running_per_worker=2, max_waiting=0)
    service: Service = await start(engine, scheduler=scheduler, batch_window=1)
    return service


async def turn_of_class(service: Service, of: ServiceClass, **limits: Any) -> tuple[Any, Turn]:
    agent = await service.agents.resolve(AgentDraft(name="test", service_class=of))
    session = (await service.sessions.open(TENANT, agent.but(limits=Limits(**limits)))).value
    return session, await begin(service, session, "go")


async def until_running(service: Service, turns: int) -> None:
    scheduler: Any = service.ports.scheduler
    await until(lambda: scheduler.running("scripted") >= turns)


async def test_turns_of_a_batch_that_are_answered_all_at_once_are_completed(start: Any) -> None:
    service = await crowded(start)
    agent = await service.agents.resolve(AgentDraft(name="test"))
    asks = agent.but(tools=(ToolSpec(name="ask", executor="client"),), service_class="batch")
    requests = [RequestDraft(custom_id=f"{n}", agent=0, input=("ask",)) for n in range(4)]
    made = await service.batches.create(
        TENANT, BatchDraft(agents=(asks,), requests=tuple(requests))
    )
    batch = made.value
    async with asyncio.timeout(60):
        while batch.waiting < 4:
            await asyncio.sleep(0.1)
            batch = await service.batches.get(TENANT, batch.id)
        for row in await service.batches.results(batch, range(4)):
            assert row.turn is not None
            assert row.session_id is not None
            given = ToolResultInput(call_id=row.turn.waiting_for[0], output="42")
            await service.inputs.answer(TENANT, row.session_id, row.turn.id, [given])
        while batch.ended_at is None:
            await asyncio.sleep(0.1)
            batch = await service.batches.get(TENANT, batch.id)
    assert (batch.completed, batch.failed) == (4, 0)
    rows = await service.batches.results(batch, range(4))
    waits = [row.turn.steps[-1].timings.admission_ms for row in rows if row.turn]
    assert max(waits) > HELD_SECONDS * 1000  # all that it waited, not only since it last asked


async def test_a_turn_of_class_batch_waits_for_a_place_up_to_its_deadline(start: Any) -> None:
    service = await crowded(start)
    first, held = await turn_of_class(service, "batch")
    await until_running(service, 1)
    session, turn = await turn_of_class(service, "batch", max_seconds=2)
    turn = await settle(service, session, turn)
    assert (turn.status, turn.reason) == ("incomplete", "max_seconds")
    assert (await settle(service, first, held)).status == "completed"


@pytest.mark.parametrize("of", ["online", "near_real_time"])
async def test_a_turn_of_another_class_is_not_left_waiting(start: Any, of: ServiceClass) -> None:
    service = await crowded(start)
    held = [await turn_of_class(service, "online") for _ in range(2)]
    await until_running(service, 2)
    session, turn = await turn_of_class(service, of)
    turn = await settle(service, session, turn)
    assert turn.error is not None
    assert (turn.status, turn.error.code) == ("failed", "overloaded")
    for each in held:
        await settle(service, *each)
