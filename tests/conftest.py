"""What all tests share: one real SGLang server with the demo model, started once."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from agent_serving.local.install import ensure_engine
from agent_serving.local.launch import EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import shipped_model

# A test is not timed: on a machine with other work an example takes as long as it takes.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# What is started here can be interrupted, also where the tests run in a shell's background, which
# has its children ignore that.
signal.signal(signal.SIGINT, signal.default_int_handler)

HOME = Path(os.environ.get("AGENT_SERVING_TEST_HOME", ".agent-serving"))


START_SECONDS = 1200
"""For a test that may be the first on the engine, and so waits for its start on a busy machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        limit = item.get_closest_marker("timeout")
        if "engine_url" in getattr(item, "fixturenames", ()):
            seconds = limit.args[0] if limit is not None else 0
            item.add_marker(pytest.mark.timeout(max(START_SECONDS, seconds)), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half a surrogate pair in a test's log cannot travel from the process that ran the test."""
    report = yield
    report.sections = [
        (title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections
    ]
    return report


def engine_on(log: Path) -> EngineProcess:
    """SGLang on the CPU, not yet started."""
    environment = ensure_engine(HOME, print)
    model = shipped_model()
    options = LaunchOptions(
        environment=environment,
        model=model.directory,
        served_name=model.served_name,
        context_length=model.context_length,
        log=log,
    )
    return EngineProcess(options)


@pytest.fixture(scope="session")
def engine_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Shared by all tests that do not break it."""
    process = engine_on(tmp_path_factory.mktemp("engine") / "engine.log")
    process.start()
    try:
        process.wait_until_ready(900)
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="session")
def engine_url(request: pytest.FixtureRequest) -> str:
    """A server that is up already may be named by AGENT_SERVING_TEST_ENGINE, to save its start."""
    running = os.environ.get("AGENT_SERVING_TEST_ENGINE")
    if running:
        return running
    process: EngineProcess = request.getfixturevalue("engine_process")
    return process.url
