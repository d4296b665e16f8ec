"""`agent-serving soak`: it finds what leaks, and finds nothing where nothing does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.cli.soak_watch import percentiles
from tests.cli.conftest import COMMAND, clean_environment

ROOT = Path(__file__).parents[2]
SHORT = ("--minutes", "0.35", "--every", "2", "--callers", "6")


async def soak(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(
        subprocess.run,
        [*COMMAND, "soak", *SHORT, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_service_that_keeps_its_measure_passes() -> None:
    # Twenty seconds are all warm-up.
    code, said = await soak("--memory-growth", "25")
    assert code == 0, said
    assert "Nothing leaked, nothing failed." in said
    progress = [line for line in said.splitlines() if line.startswith("soaking: ")]
    assert len(progress) >= 4
    for word in ("turns/s", "turn p50", "p99", "memory", "open files", "tasks", "Redis"):
        assert word in progress[-1]


@pytest.fixture
async def leaky(tmp_path: Path) -> AsyncIterator[str]:
    redis = EmbeddedRedis(tmp_path)
    await redis.start()
    command = [sys.executable, "-m", "tests.cli.leaky_service", redis.url]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.kill()
    await process.wait()
    await redis.stop()


async def test_a_service_that_leaks_memory_files_and_tasks_fails_by_each(leaky: str) -> None:
    code, said = await soak("--url", leaky)
    assert code == 1, said
    for problem in ("memory grew by", "open files leaked", "tasks leaked"):
        assert f"GROWN: {problem}" in said
    assert "Nothing leaked" not in said


async def test_a_service_that_is_not_there_is_told_in_one_line() -> None:
    code, said = await soak("--url", "http://127.0.0.1:9")
    assert code == 1
    assert "Traceback" not in said
    assert "does not answer" in said


def test_half_the_turns_are_faster_than_the_median() -> None:
    assert percentiles([0.1] * 50 + [0.3] * 51) == "turn p50 300 ms, p99 300 ms"
    assert percentiles([]) == "no turns"
