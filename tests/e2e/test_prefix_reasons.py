"""Each cause of a lost prefix, brought about on the real SGLang, and the reason that the step
ledger gives for it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from agent_serving.local.install import ensure_engine
from agent_serving.local.launch import EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import shipped_model
from tests.conftest import HOME
from tests.e2e.cable import Cable, cable_to
from tests.e2e.conftest import Deploy, Deployment, Json

pytestmark = pytest.mark.timeout(1200)  # with the start of engines on a busy machine
POOL = 4096
"""Tokens of the engine's KV pool."""
YES_NO: dict[str, Any] = {
    "output": {"type": "choice", "choices": ["yes", "no"]},
    "sampling": {"temperature": 0, "max_output_tokens": 16},
}
ASK = {"type": "function", "name": "ask", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[EngineProcess]]:
    """Two engines of this file's own, with small pools: they are flushed, filled and restarted."""
    model, logs = shipped_model(), tmp_path_factory.mktemp("engines")
    options = LaunchOptions(
        environment=ensure_engine(HOME, print),
        model=model.directory,
        served_name=model.served_name,
        context_length=model.context_length,
        max_total_tokens=POOL,
        log=logs / "engine.log",
    )
    processes = [EngineProcess(replace(options, log=logs / f"{name}.log")) for name in "ab"]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.wait_until_ready(900)
        yield processes
    finally:
        for process in processes:
            process.stop()


@pytest.fixture
def small_engine(engines: list[EngineProcess]) -> EngineProcess:
    return engines[0]


@pytest.fixture
def other_engine(engines: list[EngineProcess]) -> EngineProcess:
    return engines[1]


async def speak(service: Deployment, session: str, text: str) -> Json:
    """The one step of a turn that says `text`."""
    turn = await service.say(session, text, tool_choice="none")
    assert turn["status"] == "completed", turn
    [step] = await service.steps(session, turn)
    prefix = step["prefix"]
    assert prefix["cached_tokens"] == step["usage"]["cached_tokens"]
    return step


async def begun(service: Deployment, **agent: Any) -> tuple[str, Json]:
    """A session that no engine has seen anything of, and its first step."""
    session = await service.open(instructions=f"Answer {uuid.uuid4()}.", **YES_NO, **agent)
    return session, await speak(service, session, "Is it?")


def words(step: Json) -> tuple[str | None, bool]:
    """The reason, and whether tokens were lost."""
    return step["prefix"]["reason"], step["prefix"]["lost_tokens"] > 0


async def test_a_first_step_is_cold_and_what_follows_hits(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    service = await deploy(small_engine.url)
    session, first = await begun(service)
    assert words(first) == ("cold", False)
    assert words(await speak(service, session, "And now?")) == (None, False)


async def test_a_flushed_cache_is_an_eviction(deploy: Deploy, small_engine: EngineProcess) -> None:
    service = await deploy(small_engine.url)
    session, _ = await begun(service)
    async with httpx.AsyncClient(base_url=small_engine.url, trust_env=False) as http:
        assert (await http.post("/flush_cache")).status_code == 200
    step = await speak(service, session, "And now?")
    assert words(step) == ("evicted", True)
    assert step["prefix"]["cached_tokens"] == 0
    assert words(await speak(service, session, "And now?")) == (None, False)


async def test_other_sessions_that_fill_the_pool_evict_it(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    service = await deploy(small_engine.url)
    session, _ = await begun(service)
    written = 0
    while written < POOL:
        crowd = await service.open(instructions=" ".join(str(uuid.uuid4()) for _ in range(12)))
        turn = await service.say(crowd, "Is it?", output=YES_NO["output"])
        [step] = await service.steps(crowd, turn)
        written += step["usage"]["uncached_tokens"]
    assert words(await speak(service, session, "And now?")) == ("evicted", True)
    assert words(await speak(service, session, "And now?")) == (None, False)


async def test_a_fork_with_other_tools_computes_its_transcript_again_once(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    service = await deploy(small_engine.url)
    session, _ = await begun(service)
    same = await fork(service, session)
    changed = await fork(service, session, agent={"name": "asker", "tools": [ASK], **YES_NO})
    assert words(await speak(service, same, "And now?")) == (None, False)
    assert words(await speak(service, changed, "And now?")) == ("tools_changed", True)
    assert words(await speak(service, changed, "And now?")) == (None, False)
    assert words(await speak(service, session, "And now?")) == (None, False)


async def test_a_forks_later_tokens_stay_as_they_were_behind_its_new_opening(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    service = await deploy(small_engine.url)
    session, _ = await begun(service)
    agent = {"instructions": "Be kind.", "tools": [ASK], **YES_NO}
    changed = await fork(service, session, agent=agent)
    fresh = await service.open(**agent)
    await speak(service, fresh, "Is it?")
    store = service.service.ports.store
    before, after = await store.tokens(session), await store.tokens(changed)
    model = await store.tokens(fresh)
    question = _shared_end(before, after)
    assert question > 10
    assert after[: len(after) - question] == model[: len(after) - question]


async def test_an_agent_in_a_fork_is_checked_like_any_other(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    service = await deploy(small_engine.url)
    session, _ = await begun(service)
    for agent, code, param in (
        ({"tools": ["nothing"]}, "unknown_tool", "tools[0]"),
        ({"model": "other"}, "unknown_model", "model"),
        ("agent_nowhere", "not_found", "agent"),
    ):
        answer = await service.http.post(f"/v1/sessions/{session}/fork", json={"agent": agent})
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == (code, param), error


async def test_a_worker_that_is_out_of_reach_sends_its_sessions_elsewhere(
    deploy: Deploy, small_engine: EngineProcess, other_engine: EngineProcess
) -> None:
    async with cable_to(small_engine.url) as one, cable_to(other_engine.url) as other:
        service = await deploy(one.url, other.url)
        session, first = await begun(service)
        cables: dict[str, Cable] = {cable.url: cable for cable in (one, other)}
        home = cables[f"http://{first['worker']}"]
        await home.pull()
        await service.service.ports.engine.probe()
        moved = await speak(service, session, "And now?")
        assert moved["worker"] != first["worker"]
        assert words(moved) == ("routed_elsewhere", True)
        assert words(await speak(service, session, "And now?")) == (None, False)
        await home.plug_in()
        await service.service.ports.engine.probe()
        back = await speak(service, session, "And now?")
        assert back["worker"] == first["worker"]
        assert words(back) == ("routed_elsewhere", True)
        assert back["prefix"]["cached_tokens"] > 0  # what it had computed before


async def test_another_process_at_the_same_address_is_a_restart_even_before_it_is_probed(
    deploy: Deploy, small_engine: EngineProcess, other_engine: EngineProcess
) -> None:
    async with cable_to(small_engine.url) as cable:
        service = await deploy(cable.url)
        session, _ = await begun(service)
        [before] = service.service.ports.engine.workers()
        await cable.pull()
        cable.point_to(other_engine.url)
        await cable.plug_in()
        assert service.service.ports.engine.workers() == (before,)
        assert words(await speak(service, session, "And now?")) == ("engine_restarted", True)
        [after] = service.service.ports.engine.workers()
        assert after.incarnation != before.incarnation
        assert words(await speak(service, session, "And now?")) == (None, False)


async def test_a_restart_is_told_from_an_eviction(
    deploy: Deploy, small_engine: EngineProcess
) -> None:
    """The last test here: it takes the engine down."""
    service = await deploy(small_engine.url)
    session, first = await begun(service)
    port = int(small_engine.url.rpartition(":")[2])
    await asyncio.to_thread(small_engine.stop)
    again = EngineProcess(replace(small_engine.options, port=port))
    try:
        await asyncio.to_thread(again.start)
        await asyncio.to_thread(again.wait_until_ready, 900)
        await service.service.ports.engine.probe()
        step = await speak(service, session, "And now?")
        assert step["worker"] == first["worker"]
        assert words(step) == ("engine_restarted", True)
        async with httpx.AsyncClient(base_url=again.url, trust_env=False) as http:
            assert (await http.post("/flush_cache")).status_code == 200
        assert words(await speak(service, session, "And now?")) == ("evicted", True)
    finally:
        await asyncio.to_thread(again.stop)


async def fork(service: Deployment, session: str, **body: Any) -> str:
    answer = await service.http.post(f"/v1/sessions/{session}/fork", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _shared_end(first: list[int], second: list[int]) -> int:
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next(n for n, (one, other) in enumerate(pairs) if one != other)
