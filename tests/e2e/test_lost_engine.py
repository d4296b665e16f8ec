"""kill -9 of a real SGLang in the middle of its replies: they end on the other one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent_serving.local.launch import EngineProcess
from agent_serving.scheduling.routing import home
from tests.conftest import engine_on
from tests.e2e.conftest import Deploy, Deployment, Json
from tests.e2e.test_cut_reply import ASKED, TOKEN_SECONDS, uncut

pytestmark = pytest.mark.timeout(2100)  # with the start of two engines on a busy machine
GREEDY = {"temperature": 0, "max_output_tokens": 64}


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine to be killed, that takes its time for each token."""
    process = engine_on(tmp_path / "doomed.log")
    process.start()
    try:
        process.wait_until_ready(900)
        body = {"forward_sleep_time": TOKEN_SECONDS}
        slowed = httpx.post(f"{process.url}/slow_down", json=body, timeout=60, trust_env=False)
        slowed.raise_for_status()
        yield process
    finally:
        process.stop()


async def opened_on(deployment: Deployment, engine: EngineProcess, **agent: object) -> str:
    """A session that lives on the engine."""
    workers = {worker.url: worker.name for worker in deployment.service.ports.engine.workers()}
    while True:
        session = await deployment.open(sampling=GREEDY, **agent)
        if home(session, list(workers.values())) == workers[engine.url]:
            return session


async def events(deployment: Deployment, session: str) -> list[Json]:
    found: list[Json] = (await deployment.get(f"/v1/sessions/{session}/events?limit=100"))["data"]
    return found


async def streaming(deployment: Deployment, *sessions: str) -> list[Json]:
    """A turn of each, all of them in the middle of their first replies."""
    turns = [await deployment.say(session, ASKED, mode="background") for session in sessions]
    for session in sessions:
        while sum(e["type"].endswith(".delta") for e in await events(deployment, session)) < 2:
            await asyncio.sleep(0.05)
    return turns


async def ended(deployment: Deployment, session: str, turn: Json) -> Json:
    async with asyncio.timeout(60):
        while True:
            found = await deployment.get(f"/v1/sessions/{session}/turns/{turn['id']}")
            if found["status"] not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.05)


async def test_replies_of_an_engine_that_dies_end_on_another(
    deploy: Deploy, engine_url: str, doomed: EngineProcess
) -> None:
    deployment = await deploy(doomed.url, engine_url)
    free = await opened_on(deployment, doomed)
    bound = await opened_on(deployment, doomed, tools=["calculator"])
    turns = await streaming(deployment, free, bound)
    os.killpg(doomed.pid, signal.SIGKILL)

    told = await ended(deployment, free, turns[0])
    ids = list(await deployment.service.ports.store.tokens(free))
    happened = {event["type"]: event["data"] for event in await events(deployment, free)}
    prompt = ids[: happened["step.started"]["prompt_tokens"]]
    assert ids == prompt + uncut(engine_url, prompt)["output_ids"]
    assert told["status"] == "completed"
    assert happened["step.resumed"]["kept_tokens"] > 0
    [step] = await deployment.steps(free, turns[0])
    lost, last = step["attempts"]
    assert (lost["status"], last["status"]) == ("failed", "completed")
    assert lost["worker"] != last["worker"]

    told = await ended(deployment, bound, turns[1])
    feed = await events(deployment, bound)
    [restarted] = [event for event in feed if event["type"] == "step.restarted"]
    deltas = [event for event in feed if event["type"] == "output_text.delta"]
    void = [e for e in deltas if e["sequence"] < restarted["sequence"]]
    said = [e["data"]["delta"] for e in deltas if e["sequence"] > restarted["sequence"]]
    assert void
    assert all(event["sequence"] >= restarted["data"]["void_from"] for event in void)
    assert told["status"] == "completed"
    assert told["output_text"] == "".join(said)
