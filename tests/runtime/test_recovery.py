from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from agent_serving.domain.tool import tool
from agent_serving.runtime.inputs import InDoubtInput
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle, until_kept


async def test_an_open_turn_goes_on_in_another_process(start: Any) -> None:
    engine = ScriptedEngine([Say("never finished " * 50, delay=0.05), "finished"])
    first = await start(engine)
    session = await open_session(first)
    turn = await begin(first, session, "go")
    await until_kept(first, session, len("never"))
    await first.aclose()
    second = await start(engine)
    turn = await settle(second, session, turn)
    assert (turn.status, turn.output_text) == ("completed", "finished")


def slow_tool(effect: Any, witness: Path) -> Any:
    started = asyncio.Event()

    @tool(effect=effect, timeout=30)
    async def work() -> str:
        """Work."""
        with witness.open("a") as file:
            file.write("x")
        if witness.read_text() == "x":
            started.set()
            await asyncio.sleep(30)
        return "done"

    return work, started


async def test_a_pure_call_is_run_again_after_a_crash(start: Any, witness: Path) -> None:
    work, started = slow_tool("pure", witness)
    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 10)
    await first.aclose()
    second = await start(engine, tools=[work])
    turn = await settle(second, session, turn)
    assert turn.output_text == "Done."
    assert witness.read_text() == "xx"


async def test_a_once_call_that_may_have_run_is_in_doubt_until_somebody_says(
    start: Any, witness: Path
) -> None:
    work, started = slow_tool("once", witness)
    engine = ScriptedEngine([call("work", "{}"), "Noted."])
    first = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 10)
    await first.aclose()
    second = await start(engine, tools=[work])
    turn = await settle(second, session, turn)
    assert turn.status == "waiting"
    assert [step.status for step in turn.tool_steps] == ["in_doubt"]
    assert witness.read_text() == "x"
    said = InDoubtInput(call_id=turn.waiting_for[0], resolution="result", output="it was done")
    await second.inputs.answer(TENANT, session.id, turn.id, [said])
    turn = await settle(second, session, turn)
    assert turn.output_text == "Noted."
    assert witness.read_text() == "x"
    assert "it was done" in engine.decode(engine.requests[-1].prompt)


async def test_a_call_in_doubt_can_be_run_again_on_demand(start: Any, witness: Path) -> None:
    work, started = slow_tool("once", witness)
    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await start(engine, tools=[work])
    session = await open_session(first, tools=["work"])
    turn = await begin(first, session, "go")
    await asyncio.wait_for(started.wait(), 10)
    await first.aclose()
    second = await start(engine, tools=[work])
    turn = await settle(second, session, turn)
    retry = InDoubtInput(call_id=turn.waiting_for[0], resolution="retry")
    await second.inputs.answer(TENANT, session.id, turn.id, [retry])
    turn = await settle(second, session, turn)
    assert (turn.status, witness.read_text()) == ("completed", "xx")


async def test_a_fork_shares_the_exact_tokens_and_goes_its_own_way(start: Any) -> None:
    engine = ScriptedEngine(["one", "two", "fork two", "three"])
    service = await start(engine)
    session = await open_session(service)
    first = await say(service, session, "1")
    await say(service, session, "2")
    fork = (await service.forks.fork(TENANT, session.id, at_turn=first.id)).value
    assert [turn.id for turn in fork.turns] == [first.id]
    await say(service, fork, "2'")
    shared = len(engine.requests[0].prompt) + len("one") + 1
    assert engine.requests[2].prompt[:shared] == engine.requests[1].prompt[:shared]
    assert len((await reload(service, session)).turns) == 2
    forked = await reload(service, fork)
    assert forked.usage.model_steps == 1
    whole = (await service.forks.fork(TENANT, session.id)).value
    assert (await say(service, whole, "3")).output_text == "three"
    assert len((await reload(service, whole)).turns) == 3


async def test_a_long_log_is_read_back_from_its_snapshot(start: Any) -> None:
    engine = ScriptedEngine(["ok"])
    first = await start(engine)
    session = await open_session(first)
    for number in range(20):
        await say(first, session, str(number))
    expected = await reload(first, session)
    assert expected.version > 64
    second = await start(engine)
    assert await reload(second, session) == expected
    assert (await say(second, session, "again")).status == "completed"
