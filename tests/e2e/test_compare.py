"""`agent-serving compare` on turns that the real SGLang has run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent_serving.local.install import ensure_engine
from agent_serving.local.launch import CPU_PLATFORM, EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import shipped_model
from tests.conftest import HOME
from tests.e2e.conftest import Deploy, Deployment

SLOW_PREFILL = Path(__file__).parent / "slow_prefill"
COMMAND = [sys.executable, "-c", "from agent_serving.cli import main; main()"]
TURNS = 100
"""In each set."""
WORDS = (300, 600)
AGENT: dict[str, Any] = {
    "output": {"type": "choice", "choices": ["yes", "no"]},
    "sampling": {"temperature": 0, "max_output_tokens": 16},
}


@dataclass
class SlowEngine:
    url: str
    share: Path

    def slow_down(self, share: float) -> None:
        self.share.write_text(str(share))


@pytest.fixture(scope="module")
def slow_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowEngine]:
    """An engine whose prefill takes longer by a share that the test sets."""
    model, folder = shipped_model(), tmp_path_factory.mktemp("slow")
    share = folder / "share"
    share.write_text("0")
    process = EngineProcess(
        LaunchOptions(
            environment=ensure_engine(HOME, print),
            model=model.directory,
            served_name=model.served_name,
            context_length=model.context_length,
            log=folder / "engine.log",
            extra_environment={
                "PYTHONPATH": os.pathsep.join(map(str, (CPU_PLATFORM, SLOW_PREFILL))),
                "SLOW_PREFILL": str(share),
            },
        )
    )
    process.start()
    try:
        process.wait_until_ready()
        yield SlowEngine(process.url, share)
    finally:
        process.stop()


async def run(
    service: Deployment, seed: int, before_each: Callable[[str], None] = lambda run: None
) -> None:
    """Two sets of turns with the same lengths of prompts, in a mixed order: what else the machine
    does meanwhile meets both."""
    random = Random(seed)
    for number in range(TURNS):
        length = WORDS[number % len(WORDS)]
        for name in random.sample("ab", 2):
            text = " ".join(str(random.randrange(10, 100)) for _ in range(length))
            before_each(name)
            answer = await service.http.post(
                "/v1/sessions",
                json={
                    "agent": {"name": "e2e", **AGENT},
                    "metadata": {"run": name},
                    "input": text,
                    "mode": "wait",
                },
            )
            assert answer.status_code == 201, answer.text
            assert answer.json()["turn"]["status"] == "completed", answer.text


async def compare(service: Deployment, *more: str) -> tuple[int | None, dict[str, Any]]:
    command = [*COMMAND, "compare", "label:run=a", "label:run=b", "--url", service.url, "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, *more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, complaint = await process.communicate()
    assert not complaint, complaint.decode()
    report = json.loads(told)
    assert [found["turns"] for found in report["sets"]] == [TURNS, TURNS]
    return process.returncode, report


async def test_a_prefill_that_became_a_fifth_slower_is_found(
    deploy: Deploy, slow_engine: SlowEngine
) -> None:
    service = await deploy(slow_engine.url)
    await run(service, 1, lambda name: slow_engine.slow_down(0.2 if name == "b" else 0.0))
    status, report = await compare(service)
    found = {measure["name"]: measure for measure in report["measures"]}
    assert status == 1, found
    # The time to the first token, and all of the turn, contain the prefill.
    assert {"prefill"} <= set(report["regressions"]) <= {"prefill", "ttft", "total"}, found
    assert found["prefill"]["low"] > 1.1
    assert found["prefill"]["ratio"] == pytest.approx(1.2, abs=0.1)


async def test_two_runs_that_are_alike_raise_no_alarm(deploy: Deploy, engine_url: str) -> None:
    service = await deploy(engine_url)
    await run(service, 2)
    status, report = await compare(service)
    assert (status, report["regressions"]) == (0, []), report
    [prefill] = [measure for measure in report["measures"] if measure["name"] == "prefill"]
    # It is no alarm because there was none, and not because nothing could be told.
    assert prefill["turns"] == [TURNS, TURNS]
    assert prefill["high"] < 1.2
