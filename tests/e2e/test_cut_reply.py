"""kill -9 in the middle of a reply of the real SGLang: the text goes on where it was."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.bootstrap.store import opened_store
from agent_serving.config import Settings
from tests.e2e.test_kill import Process, service

AGENT = {"name": "teller", "sampling": {"temperature": 0, "max_output_tokens": 64}}
ASKED = "tell me a long story"
TOKEN_SECONDS = 1.0


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@contextmanager
def slowed(engine_url: str) -> Iterator[None]:
    """Its replies are short: each token takes its time, so that there is a middle to die in."""

    def sleep(seconds: float | None) -> None:
        body = {"forward_sleep_time": seconds}
        answer = httpx.post(f"{engine_url}/slow_down", json=body, timeout=60, trust_env=False)
        answer.raise_for_status()

    sleep(TOKEN_SECONDS)
    try:
        yield
    finally:
        sleep(None)


def deltas(process: Process, session: str) -> list[str]:
    path = f"/v1/sessions/{session}/events?types=output_text.delta&limit=100"
    return [event["data"]["delta"] for event in process.get(path)["data"]]


def transcript(data: Path, session: str) -> list[int]:
    """As Redis has it, with no service running."""

    async def read() -> list[int]:
        async with AsyncExitStack() as stack:
            store = await opened_store(Settings(data_dir=data), stack)
            assert await store.kept(session) is None
            return await store.tokens(session)

    return asyncio.run(read())


def uncut(engine_url: str, prompt: list[int]) -> Any:
    """What the engine says to this prompt when nobody dies."""
    greedy = {"temperature": 0, "max_new_tokens": 64, "no_stop_trim": True}
    greedy["skip_special_tokens"] = False
    body = {"input_ids": prompt, "sampling_params": greedy}
    answer = httpx.post(f"{engine_url}/generate", json=body, timeout=60, trust_env=False)
    answer.raise_for_status()
    return answer.json()


def test_an_unconstrained_reply_goes_on_behind_kill_9_token_by_token(
    engine_url: str, data: Path
) -> None:
    with service(engine_url, data) as first, slowed(engine_url):
        session = first.post("/v1/sessions", {"agent": AGENT})["id"]
        turns = f"/v1/sessions/{session}/turns"
        turn = first.post(turns, {"input": ASKED, "mode": "background"})
        while len(deltas(first, session)) < 2:
            time.sleep(0.05)
        first.kill()
    with service(engine_url, data) as second:
        path = f"{turns}/{turn['id']}"
        ended = second.settled(path)
        assert ended["status"] == "completed"
        [step] = second.get(f"{path}/steps")["data"]
        told = "".join(deltas(second, session))
        events = second.get(f"/v1/sessions/{session}/events?limit=100")["data"]
        [planned] = [e for e in events if e["type"] == "step.started"]
        [resumed] = [e for e in events if e["type"] == "step.resumed"]
        assert "step.restarted" not in {e["type"] for e in events}
        second.stop()
    ids = transcript(data, session)
    prompt = ids[: planned["data"]["prompt_tokens"]]
    whole = uncut(engine_url, prompt)
    assert ids == prompt + whole["output_ids"]
    assert told == whole["text"].removesuffix("<|im_end|>") == ended["output_text"]
    lost, last = step["attempts"]
    assert lost["usage"]["output_tokens"] == resumed["data"]["kept_tokens"] > 0
    assert lost["usage"]["output_tokens"] + last["usage"]["output_tokens"] == len(ids) - len(prompt)
    assert last["usage"]["input_tokens"] == len(prompt) + lost["usage"]["output_tokens"]
    assert (lost["status"], lost["error"]["code"], last["status"]) == (
        "failed",
        "lost",
        "completed",
    )
