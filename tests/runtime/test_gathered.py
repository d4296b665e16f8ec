"""An observer that is told of many things at once."""

from __future__ import annotations

import asyncio
from typing import Any

from agent_serving.runtime import gathered
from agent_serving.runtime.gathered import Gathered
from agent_serving.testing import ScriptedEngine
from tests.runtime.talk import call, open_session, say
from tests.runtime.test_observing import Clumsy, Witness


async def test_what_ends_is_told_a_little_later_and_in_order(start: Any) -> None:
    at_once, later = Witness(), Witness()
    engine = ScriptedEngine([call("add", '{"a": 2, "b": 3}'), "Five."])
    service = await start(engine, observers=(at_once, Gathered(later)))
    await say(service, await open_session(service), "2 + 3?")
    assert at_once.told[-1] == ("turn", "completed")
    async with asyncio.timeout(10):
        while later.told != at_once.told:
            await asyncio.sleep(gathered.WAIT_SECONDS / 4)


async def test_at_the_end_what_waits_is_told_at_once_and_only_once(start: Any) -> None:
    witness = Witness()
    waiting = Gathered(witness)
    service = await start(ScriptedEngine(["Hello."]), observers=(waiting,))
    await say(service, await open_session(service), "hello")
    waiting.flush()
    told = [("model", "completed"), ("turn", "completed")]
    assert witness.told == told
    await asyncio.sleep(2 * gathered.WAIT_SECONDS)
    assert witness.told == told


async def test_an_observer_that_fails_is_told_of_the_rest_all_the_same(
    start: Any, caplog: Any
) -> None:
    clumsy = Clumsy()
    waiting = Gathered(clumsy)
    service = await start(ScriptedEngine(["Hello."]), observers=(waiting,))
    turn = await say(service, await open_session(service), "hello")
    waiting.flush()
    assert turn.status == "completed"
    assert clumsy.turns == 1
    assert "an observer failed" in caplog.text
