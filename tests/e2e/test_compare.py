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

pytestmark = pytest.mark.timeout(1800)  # a busy machine takes its time
SLOW_PREFILL = Path(__file__).parent / "slow_prefill"
COMMAND = [sys.executable, "-c", "from agent_serving.cli import main; main()"]
PREFILL_MS = 200.0
"""Of the engine whose prefill is held to a time: more than these prompts take on a busy CPU."""
LENGTHS = tuple(round(40 * 1.15**number) for number in range(10))
"""Words of a prompt: no two are alike to `compare`, which takes a tenth for alike."""
EACH = 10
"""Turns of each set in one round."""
MOST_ROUNDS = 80
AGENT: dict[str, Any] = {
    "output": {"type": "choice", "choices": ["yes", "no"]},
    "sampling": {"temperature": 0, "max_output_tokens": 16},
}


@dataclass
class SlowEngine:
    url: str
    milliseconds: Path

    def take(self, milliseconds: float) -> None:
        self.milliseconds.write_text(str(milliseconds))


@pytest.fixture(scope="module")
def slow_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowEngine]:
    """An engine whose prefill takes the time that the test sets."""
    model, folder = shipped_model(), tmp_path_factory.mktemp("slow")
    milliseconds = folder / "milliseconds"
    milliseconds.write_text("0")
    process = EngineProcess(
        LaunchOptions(
            environment=ensure_engine(HOME, print),
            model=model.directory,
            served_name=model.served_name,
            context_length=model.context_length,
            log=folder / "engine.log",
            extra_environment={
                "PYTHONPATH": os.pathsep.join(map(str, (CPU_PLATFORM, SLOW_PREFILL))),
                "SLOW_PREFILL": str(milliseconds),
            },
        )
    )
    process.start()
    try:
        process.wait_until_ready(900)
        yield SlowEngine(process.url, milliseconds)
    finally:
        process.stop()


async def run(
    service: Deployment,
    seed: int,
    *,
    within: float,
    before_each: Callable[[str], None] = lambda run: None,
) -> tuple[int | None, dict[str, Any]]:
    """Two sets of turns, and what `compare` says of them: its status and its report.

    Turns of the two sets stand side by side, and those of a round have a length of their own: a
    machine that is busy for a while is so for both, and is not compared with its quiet hours. As
    noise decides how many turns it takes to tell, there are more of them until the interval of
    prefill reaches no further than by the factor `within` to either side, wherever it lies.
    """
    random = Random(seed)
    for number in range(MOST_ROUNDS):
        await round_of(service, random, LENGTHS[number % len(LENGTHS)], before_each)
        if (number + 1) % len(LENGTHS) == 0:
            status, report = await compare(service, turns=(number + 1) * EACH)
            prefill = measured(report)["prefill"]
            if prefill["low"] and prefill["high"] < prefill["low"] * within**2:
                return status, report
    raise AssertionError(f"After {MOST_ROUNDS * EACH} turns in each set: {report}")


async def round_of(
    service: Deployment, random: Random, length: int, before_each: Callable[[str], None]
) -> None:
    for _ in range(EACH):
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


async def compare(service: Deployment, turns: int) -> tuple[int | None, dict[str, Any]]:
    command = [*COMMAND, "compare", "label:run=a", "label:run=b", "--url", service.url, "--json"]
    command += ["--sessions", str(2 * turns)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, complaint = await process.communicate()
    assert not complaint, complaint.decode()
    report = json.loads(told)
    assert [found["turns"] for found in report["sets"]] == [turns, turns]
    return process.returncode, report


def measured(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {measure["name"]: measure for measure in report["measures"]}


async def test_a_prefill_that_became_a_fifth_slower_is_found(
    deploy: Deploy, slow_engine: SlowEngine
) -> None:
    service = await deploy(slow_engine.url)
    status, report = await run(
        service,
        1,
        within=1.04,
        before_each=lambda name: slow_engine.take(PREFILL_MS * (1.2 if name == "b" else 1.0)),
    )
    found = measured(report)
    assert status == 1, found
    # The time to the first token, and all of the turn, contain the prefill.
    assert {"prefill"} <= set(report["regressions"]) <= {"prefill", "ttft", "total"}, found
    assert found["prefill"]["low"] > 1.1
    assert found["prefill"]["ratio"] == pytest.approx(1.2, abs=0.1)


async def test_two_runs_that_are_alike_raise_no_alarm(deploy: Deploy, engine_url: str) -> None:
    service = await deploy(engine_url)
    status, report = await run(service, 2, within=1.1)
    assert (status, report["regressions"]) == (0, []), report
    prefill = measured(report)["prefill"]
    # It is no alarm because there was none, and not because nothing could be told.
    assert min(prefill["turns"]) > 0.9 * report["sets"][0]["turns"]
    assert prefill["high"] < 1.3
