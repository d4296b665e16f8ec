"""The reason of a lost prefix in the ledger's facts, and what it costs to find out."""

from __future__ import annotations

from typing import Any

import pytest

from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.session import Session, Turn
from agent_serving.runtime.agents import AgentDraft
from agent_serving.testing import Break, ScriptedEngine
from tests.runtime.talk import TENANT, open_session, reload, say


def reasons(turn: Turn) -> list[str | None]:
    return [step.attempts[-1].prefix_reason for step in turn.model_steps]


async def test_a_first_step_is_cold_and_a_hit_has_no_reason(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    assert reasons(await say(service, session, "1")) == ["cold"]
    assert reasons(await say(service, session, "2")) == [None]


async def test_a_hit_asks_the_worker_nothing(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    for text in ("1", "2", "3"):
        await say(service, session, text)
    assert engine.asked_incarnations == 0


async def test_a_cache_that_forgot_has_evicted_it_and_is_asked_once(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    engine.forget()
    assert reasons(await say(service, session, "2")) == ["evicted"]
    assert engine.asked_incarnations == 1
    assert reasons(await say(service, session, "3")) == [None]


async def test_a_restart_that_no_probe_has_seen_yet_is_the_reason(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    engine.restart()
    assert engine.workers()[0].incarnation == "1"
    turn = await say(service, session, "2")
    assert reasons(turn) == ["engine_restarted"]
    assert turn.model_steps[-1].attempts[-1].incarnation == "2"
    engine.forget()
    assert reasons(await say(service, session, "3")) == ["evicted"]


async def test_who_computed_it_survives_the_service(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    first = await start(engine)
    session = await open_session(first)
    await say(first, session, "1")
    await first.aclose()
    engine.restart()
    second = await start(engine)
    assert reasons(await say(second, session, "2")) == ["engine_restarted"]


async def test_a_worker_that_does_not_answer_leaves_the_reason_unknown(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    engine.forget()

    async def silent(worker: str) -> None:
        return None

    monkeypatch.setattr(engine, "incarnation", silent)
    assert reasons(await say(service, session, "2")) == ["unknown"]


async def test_only_a_whole_reply_says_what_was_cached(start: Any) -> None:
    engine = ScriptedEngine(["one", Break("tw"), "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "1")
    engine.forget()
    turn = await say(service, session, "2")
    broken, whole = turn.model_steps[-1].attempts
    assert (broken.status, broken.prefix_reason) == ("failed", None)
    assert (whole.status, whole.prefix_reason) == ("completed", "evicted")


# --- another agent --------------------------------------------------------------------------


async def other(service: Any, **draft: Any) -> Any:
    return await service.agents.resolve(AgentDraft(name="other", **draft))


async def tokens(service: Any, session: Session) -> list[int]:
    found: list[int] = await service.ports.store.tokens(session.id)
    return found


async def test_a_fork_with_other_tools_has_another_opening_and_the_same_rest(start: Any) -> None:
    engine = ScriptedEngine(["one", "two", "three", "four"])
    service = await start(engine)
    session = await open_session(service, instructions="Be brief.")
    await say(service, session, "hello")
    agent = await other(service, instructions="Be kind.")
    fork = (await service.forks.fork(TENANT, session.id, agent=agent)).value
    assert fork.agent.name == "other"
    before, after = (
        engine.decode(await tokens(service, session)),
        engine.decode(await tokens(service, fork)),
    )
    mark = "<|im_start|>user"
    assert before.partition(mark)[2] == after.partition(mark)[2]
    assert after.partition(mark)[0] == "<|im_start|>system\nBe kind.<|im_end|>\n"
    assert reasons(await say(service, fork, "again")) == ["tools_changed"]
    assert reasons(await say(service, fork, "and again")) == [None]
    assert reasons(await say(service, session, "go on")) == [None]


async def test_a_fork_of_a_fork_with_other_tools_still_has_to_be_computed(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "hello")
    agent = await other(service, instructions="Be kind.")
    fork = (await service.forks.fork(TENANT, session.id, agent=agent)).value
    further = (await service.forks.fork(TENANT, fork.id)).value
    assert await tokens(service, further) == await tokens(service, fork)
    assert reasons(await say(service, further, "again")) == ["tools_changed"]


async def test_a_fork_further_back_than_its_fork_keeps_the_forks_agent(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    first = await say(service, session, "1")
    await say(service, session, "2")
    agent = await other(service, instructions="Be kind.")
    fork = (await service.forks.fork(TENANT, session.id, agent=agent)).value
    further = (await service.forks.fork(TENANT, fork.id, at_turn=first.id)).value
    text = engine.decode(await tokens(service, further))
    assert text.startswith("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n1<")
    assert text.endswith("one<|im_end|>")
    assert reasons(await say(service, further, "2'")) == ["tools_changed"]


async def test_a_fork_with_an_agent_that_opens_the_same_keeps_its_prefix(start: Any) -> None:
    engine = ScriptedEngine(["one", "two"])
    service = await start(engine)
    session = await open_session(service)
    await say(service, session, "hello")
    agent = await other(service, tools=("add",))
    fork = (await service.forks.fork(TENANT, session.id, agent=agent)).value
    assert await tokens(service, fork) == await tokens(service, session)
    assert reasons(await say(service, fork, "again")) == [None]


async def test_a_fork_of_a_session_that_never_spoke_just_has_another_agent(start: Any) -> None:
    service = await start(ScriptedEngine(["one"]))
    session = await open_session(service)
    agent = await other(service, instructions="Be kind.")
    fork = (await service.forks.fork(TENANT, session.id, agent=agent)).value
    assert reasons(await say(service, fork, "hello")) == ["cold"]


async def test_an_agent_for_another_model_is_refused(start: Any) -> None:
    service = await start(ScriptedEngine(["one"]))
    session = await open_session(service)
    await say(service, session, "hello")
    agent = (await other(service)).but(model="another")
    with pytest.raises(InvalidRequest, match="mean nothing to another") as refused:
        await service.forks.fork(TENANT, session.id, agent=agent)
    assert refused.value.param == "agent"


async def test_an_opening_that_renders_differently_now_is_not_exchanged(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(["one"])
    service = await start(engine)
    session = await open_session(service, instructions="Be brief.")
    await say(service, session, "hello")
    render = engine.render_opening

    async def dated(**of: Any) -> tuple[int, ...]:
        return (*engine.encode("Tuesday"), *await render(**of))

    monkeypatch.setattr(engine, "render_opening", dated)
    agent = await other(service)
    with pytest.raises(InvalidRequest, match="renders differently now"):
        await service.forks.fork(TENANT, session.id, agent=agent)
    assert len((await reload(service, session)).turns) == 1
