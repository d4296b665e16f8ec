"""Cancel, interrupt, steer, queue and answers, while the replica that ran the turn is dead."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import AgentServingError
from agent_serving.domain.tool import tool
from agent_serving.domain.values import ToolCallItem, ToolResultItem
from agent_serving.runtime.inputs import InDoubtInput
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.dying import die
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import (
    TENANT,
    begin,
    call,
    open_session,
    reload,
    say,
    settle,
    until,
    until_kept,
)

pytestmark = pytest.mark.usefixtures("short_leases")

ENDLESS = Say("endless " * 400, delay=0.05)


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


async def running(start: Any, odd: OddStore, engine: ScriptedEngine, **more: Any) -> Any:
    """A replica that streams, another one, the session and its turn."""
    first, second = await start(engine, store=odd, **more), await start(engine, **more)
    session = await open_session(first, tools=[t.__name__ for t in more.get("tools", ())])
    turn = await begin(first, session, "go")
    await until(lambda: engine.requests)
    if not more:
        await until_kept(first, session, len("endless"))
    return first, second, session, turn


async def test_a_cancel_that_no_living_owner_hears_ends_the_turn(start: Any, odd: OddStore) -> None:
    engine = ScriptedEngine([ENDLESS])
    first, second, session, turn = await running(start, odd, engine)
    await die(first, odd)
    await second.sessions.cancel(TENANT, session.id, turn.id)
    ended = await settle(second, session, turn)
    assert ended.status == "cancelled"
    assert len(engine.requests) == 1


async def test_a_cancel_on_another_replica_aborts_the_request_of_the_owner(
    start: Any, odd: OddStore
) -> None:
    engine = ScriptedEngine([ENDLESS])
    _, second, session, turn = await running(start, odd, engine)
    await second.sessions.cancel(TENANT, session.id, turn.id)
    assert (await settle(second, session, turn)).status == "cancelled"
    assert engine.aborted == [engine.requests[0].rid]


async def test_a_turn_that_interrupts_on_another_replica_keeps_what_was_said(
    start: Any, odd: OddStore
) -> None:
    engine = ScriptedEngine([ENDLESS, "Yes?"])
    _, second, session, turn = await running(start, odd, engine)
    answer = await say(second, session, "stop!", on_conflict="interrupt")
    assert answer.output_text == "Yes?"
    interrupted = (await reload(second, session)).turn(turn.id)
    assert interrupted is not None
    assert (interrupted.status, interrupted.reason) == ("cancelled", "interrupt")
    assert interrupted.output_text.startswith("endless")
    assert interrupted.output_text in engine.decode(engine.requests[1].prompt)


async def test_a_turn_that_interrupts_a_dead_replica_runs(start: Any, odd: OddStore) -> None:
    engine = ScriptedEngine([ENDLESS, "Yes?"])
    first, second, session, turn = await running(start, odd, engine)
    await die(first, odd)
    answer = await say(second, session, "stop!", on_conflict="interrupt")
    assert answer.output_text == "Yes?"
    assert (await settle(second, session, turn)).status == "cancelled"


async def test_a_steer_is_heard_though_its_replica_died(start: Any, odd: OddStore) -> None:
    engine = ScriptedEngine([ENDLESS, "well", "in short"])
    first, second, session, turn = await running(start, odd, engine)
    await die(first, odd)
    await second.sessions.steer(TENANT, session.id, turn.id, ["be brief"])
    ended = await settle(second, session, turn)
    assert (ended.status, ended.output_text) == ("completed", "in short")
    assert "be brief" not in engine.decode(engine.requests[1].prompt)
    assert "be brief" in engine.decode(engine.requests[2].prompt)


async def test_queued_turns_keep_their_order_over_a_death(start: Any, odd: OddStore) -> None:
    engine = ScriptedEngine([ENDLESS, "one", "two", "three", "four"])
    first, second, session, turn = await running(start, odd, engine)
    queued = [
        await begin(service, session, text, on_conflict="queue")
        for service, text in ((first, "b"), (second, "c"), (first, "d"))
    ]
    await die(first, odd)
    await settle(second, session, queued[-1])
    turns = (await reload(second, session)).turns
    assert [t.id for t in turns] == [turn.id, *(t.id for t in queued)]
    opening, resumed = (engine.decode(r.prompt) for r in engine.requests[:2])
    said = resumed.removeprefix(opening)
    assert said.startswith("endless")
    assert [t.output_text for t in turns] == [f"{said}one", "two", "three", "four"]


async def test_whoever_comes_first_every_request_is_taken_once_or_refused(
    start: Any, odd: OddStore
) -> None:
    """Steers, queued turns and a cancel at the same moment on two replicas."""
    engine = ScriptedEngine([ENDLESS, "ok"])
    first, second, session, turn = await running(start, odd, engine)

    async def steer(service: Any, text: str) -> str:
        await service.sessions.steer(TENANT, session.id, turn.id, [text])
        return text

    async def queue(service: Any, text: str) -> str:
        await begin(service, session, text, on_conflict="queue")
        return text

    async def cancel(service: Any) -> str:
        await service.sessions.cancel(TENANT, session.id, turn.id)
        return "cancel"

    services = (first, second)
    asked = [steer(s, f"steer {n}") for n in range(6) for s in services[n % 2 :][:1]]
    asked += [queue(s, f"queue {n}") for n in range(6) for s in services[n % 2 :][:1]]
    asked += [cancel(s) for s in services]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(a, str | AgentServingError) for a in answers), answers
    taken = Counter(a for a in answers if isinstance(a, str) and a != "cancel")
    await until(lambda: not second._runners.runs(session.id))
    async with asyncio.timeout(20):
        while (found := await reload(second, session)).status != "idle":
            await asyncio.sleep(0.05)
    heard = [item.text for t in found.turns for item in t.input if item.text != "go"]
    heard += [said.item.text for t in found.turns for said in t.interjections]
    assert Counter(heard) == taken
    assert found.turns[0].status == "cancelled"
    assert {t.status for t in found.turns[1:]} == {"completed"}


# --- calls and their results -----------------------------------------------------------------


def once(witness: Path) -> Any:
    @tool(effect="once", timeout=30)
    async def transfer() -> str:
        """Move the money."""
        with witness.open("a") as file:
            file.write("x")
        await asyncio.sleep(30)
        return "moved"

    return transfer


async def doubted(start: Any, odd: OddStore, witness: Path, engine: ScriptedEngine) -> Any:
    """A replica that found a call in doubt, the session and the turn."""
    first, second, session, turn = await running(start, odd, engine, tools=[once(witness)])
    await until(witness.read_text)
    await die(first, odd)
    turn = await settle(second, session, turn)
    assert [step.status for step in turn.tool_steps] == ["in_doubt"]
    return second, session, turn


def assert_paired(engine: ScriptedEngine, session: Any, result: str) -> None:
    """Each call has its result right behind it, in the items and in the next prompt."""
    for turn in session.turns:
        items = [i for i in turn.items if isinstance(i, ToolCallItem | ToolResultItem)]
        calls = [i.call.call_id for i in items if isinstance(i, ToolCallItem)]
        assert [i.call_id for i in items if isinstance(i, ToolResultItem)] == calls
    prompt = engine.decode(engine.requests[-1].prompt)
    assert prompt.count("</tool_call>") == prompt.count("<|im_start|>tool\n") == 1
    assert result in prompt.partition("<|im_start|>tool\n")[2]


async def test_a_doubtful_call_that_is_abandoned_has_a_result_that_says_so(
    start: Any, odd: OddStore, witness: Path
) -> None:
    engine = ScriptedEngine([call("transfer", "{}"), "I do not know."])
    service, session, turn = await doubted(start, odd, witness, engine)
    given = InDoubtInput(call_id=turn.waiting_for[0], resolution="abandon")
    await service.inputs.answer(TENANT, session.id, turn.id, [given])
    assert (await settle(service, session, turn)).output_text == "I do not know."
    assert witness.read_text() == "x"
    assert_paired(engine, await reload(service, session), "not known whether this call")


async def test_a_doubtful_call_whose_turn_is_cancelled_has_a_result_too(
    start: Any, odd: OddStore, witness: Path
) -> None:
    engine = ScriptedEngine([call("transfer", "{}"), "On we go."])
    service, session, turn = await doubted(start, odd, witness, engine)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    await until(lambda: not service._runners.runs(session.id))
    ended = (await reload(service, session)).turn(turn.id)
    assert ended is not None
    assert ended.status == "cancelled"
    assert (await say(service, session, "and now?")).output_text == "On we go."
    assert witness.read_text() == "x"
    assert_paired(engine, await reload(service, session), "was given up when its turn ended")


async def test_a_doubt_is_settled_once_however_many_say_how(
    start: Any, odd: OddStore, witness: Path
) -> None:
    engine = ScriptedEngine([call("transfer", "{}"), "Noted."])
    service, session, turn = await doubted(start, odd, witness, engine)
    other = await start(engine, tools=[once(witness)])
    answers = [
        InDoubtInput(call_id=turn.waiting_for[0], resolution="result", output=f"said {n}")
        for n in range(6)
    ]
    replies = await asyncio.gather(
        *(
            (service, other)[n % 2].inputs.answer(TENANT, session.id, turn.id, [given])
            for n, given in enumerate(answers)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(reply, Exception) for reply in replies) == 1
    assert (await settle(service, session, turn)).output_text == "Noted."
    assert_paired(engine, await reload(service, session), "said ")
