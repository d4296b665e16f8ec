"""Who watches is told of each ending once, and can harm nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports import Observer
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle, until_kept
from tests.runtime.test_recovery import slow_tool


class Witness(Observer):
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        assert session.turn(turn.id) == turn
        assert turn.steps[step.index] == step
        assert step.ended_at is not None
        self.told.append((step.kind, step.status))

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        self.told.append(("doubt", step.status))

    def turn_ended(self, session: Session, turn: Turn) -> None:
        self.told.append(("turn", turn.status))


class Clumsy(Observer):
    """Fails at every step."""

    turns = 0

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        raise RuntimeError("ouch")

    def turn_ended(self, session: Session, turn: Turn) -> None:
        self.turns += 1


async def test_each_ending_is_told_once_and_in_order(start: Any) -> None:
    witness = Witness()
    engine = ScriptedEngine([call("add", '{"a": 2, "b": 3}'), "Five.", "Bye."])
    service = await start(engine, observers=(witness,))
    session = await open_session(service)
    await say(service, session, "2 + 3?")
    steps = [("model", "completed"), ("tool", "completed"), ("model", "completed")]
    # A call that is done before the reply is whole ends before it.
    assert sorted(witness.told[:3]) == sorted(steps)
    assert witness.told[3:] == [("turn", "completed")]
    await say(service, session, "bye")
    assert witness.told[4:] == [("model", "completed"), ("turn", "completed")]


async def test_what_the_end_of_its_turn_stops_is_told_before_the_turn(start: Any) -> None:
    witness = Witness()
    service = await start(
        ScriptedEngine([Say("on and on " * 50, delay=0.05)]), observers=(witness,)
    )
    session = await open_session(service)
    turn = await begin(service, session, "go")
    queued = await begin(service, session, "later", on_conflict="queue")
    await service.sessions.cancel(TENANT, session.id, queued.id)
    assert witness.told == [("turn", "cancelled")]
    await until_kept(service, session, len("on an"))
    await service.sessions.cancel(TENANT, session.id, turn.id)
    await settle(service, session, turn)
    assert witness.told[1:] == [("model", "completed"), ("turn", "cancelled")]


async def test_an_observer_that_fails_harms_neither_the_turn_nor_the_others(
    start: Any, caplog: Any
) -> None:
    witness = Witness()
    service = await start(ScriptedEngine(["Hello."]), observers=(Clumsy(), witness))
    turn = await say(service, await open_session(service), "hello")
    assert turn.status == "completed"
    assert witness.told == [("model", "completed"), ("turn", "completed")]
    assert "an observer failed on model_replied" in caplog.text


async def test_facts_of_another_process_are_told_there_and_not_here(start: Any) -> None:
    here, there = Witness(), Witness()
    engine = ScriptedEngine(["Hello."])
    first = await start(engine, observers=(here,))
    second = await start(engine, observers=(there,))
    session = await open_session(first)
    await reload(second, session)
    await say(first, session, "hello")
    await reload(second, session)
    assert here.told == [("model", "completed"), ("turn", "completed")]
    assert there.told == []


async def test_a_turn_that_is_taken_over_and_its_doubtful_call_are_counted(
    start: Any, witness: Path
) -> None:
    work, started = slow_tool("once", witness)
    engine = ScriptedEngine([call("work", "{}"), "Noted."])
    first = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 10)
    assert first.load().turns == {"in_progress": 1}
    await first.aclose()
    told = Witness()
    second = await start(engine, tools=[work], observers=(told,))
    async with asyncio.timeout(20):
        while ("doubt", "in_doubt") not in told.told:
            await asyncio.sleep(0.05)
    assert second.load().adopted == 1
    assert first.load().adopted == 0
