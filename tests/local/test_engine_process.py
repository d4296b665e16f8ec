from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment
from agent_serving.local.launch import EngineProcess, LaunchOptions

STAND_IN = Path(__file__).parent / "stand_in.py"


def stand_in_options(directory: Path, manner: str) -> LaunchOptions:
    """An engine environment whose SGLang is the stand-in; ``manner`` says what that one does."""
    package = directory / "site" / "sglang"
    package.mkdir(parents=True, exist_ok=True)
    shutil.copy(STAND_IN, package / "launch_server.py")
    python = directory / "env" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return LaunchOptions(
        environment=EngineEnvironment(directory / "env", "cpu"),
        model=directory,
        served_name=manner,
        log=directory / "engine.log",
        extra_environment={"PYTHONPATH": str(package.parent)},
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Callable[[str], EngineProcess]]:
    made: list[EngineProcess] = []

    def make(manner: str) -> EngineProcess:
        made.append(EngineProcess(stand_in_options(tmp_path, manner), grace_seconds=0.5))
        return made[-1]

    yield make
    for process in made:
        process.stop()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(text: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 60
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.02)


def test_an_engine_that_ends_while_starting_shows_the_end_of_its_log(
    engine: Callable[[str], EngineProcess],
) -> None:
    process = engine("fails")
    process.start()
    with pytest.raises(LocalEngineError) as raised:
        process.wait_until_ready(timeout=120)
    assert "SGLang ended after" in str(raised.value)
    assert "RuntimeError: the weights are missing" in str(raised.value)
    assert "line 99" in str(raised.value)
    assert "line 50" not in str(raised.value)


def test_an_engine_that_is_never_ready_is_stopped_when_the_time_is_up(
    engine: Callable[[str], EngineProcess], tmp_path: Path, messages: list[str]
) -> None:
    process = engine("never ready")
    process.start(messages.append)
    wait_for("still loading", process.options.log)
    with pytest.raises(LocalEngineError, match=r"does not serve after(?s:.*)still load"):
        process.wait_until_ready(timeout=1)
    assert any("starting SGLang" in message for message in messages)
    assert not process.is_running
    assert not is_alive(process.pid)
    assert not is_alive(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("manner", ["polite", "deaf"])
def test_stop_leaves_no_process_even_where_sigterm_is_ignored(
    engine: Callable[[str], EngineProcess], tmp_path: Path, manner: str
) -> None:
    process = engine(manner)
    process.start()
    process.wait_until_ready(timeout=120)
    child = int((tmp_path / "child").read_text())
    assert is_alive(process.pid)
    assert is_alive(child)

    process.stop()

    assert not Path(f"/proc/{process.pid}").exists()
    assert not Path(f"/proc/{child}").exists()
    process.stop()


def test_an_engine_that_was_killed_is_seen_and_can_be_started_again(
    engine: Callable[[str], EngineProcess], tmp_path: Path
) -> None:
    process = engine("polite")
    process.start()
    process.wait_until_ready(timeout=120)
    first, child = process.pid, int((tmp_path / "child").read_text())

    os.kill(first, signal.SIGKILL)
    wait_until_gone(first, child)
    deadline = time.monotonic() + 60
    while process.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not process.is_running

    process.start()
    process.wait_until_ready(timeout=120)
    assert process.pid != first


def test_a_key_is_where_only_the_engine_s_user_reads_it(tmp_path: Path) -> None:
    options = replace(stand_in_options(tmp_path, "polite"), api_key='"1e5"')
    process = EngineProcess(options, grace_seconds=0.5)
    try:
        process.start()
        process.wait_until_ready(timeout=120)
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")
        file = Path(arguments[arguments.index("--config") + 1])
        assert yaml.safe_load(file.read_text()) == {"api-key": '"1e5"'}
        assert file.stat().st_mode & 0o077 == 0
        # SGLang writes its arguments into its log.
        assert options.log.stat().st_mode & 0o077 == 0
    finally:
        process.stop()
    assert not file.exists()


def test_a_running_engine_is_not_started_twice(engine: Callable[[str], EngineProcess]) -> None:
    process = engine("polite")
    process.start()
    with pytest.raises(LocalEngineError, match="running already"):
        process.start()


def test_a_port_that_another_server_holds_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = EngineProcess(replace(stand_in_options(tmp_path, "polite"), port=port))
        with pytest.raises(LocalEngineError, match=rf"127\.0\.0\.1:{port}: .*another port"):
            process.start()


def test_an_engine_without_an_environment_says_what_to_do(
    engine: Callable[[str], EngineProcess], tmp_path: Path
) -> None:
    process = engine("polite")
    (tmp_path / "env" / "bin" / "python").unlink()
    with pytest.raises(LocalEngineError, match="Install the engine first"):
        process.start()


@pytest.mark.parametrize("thread", ["main", "worker"])
def test_a_killed_parent_leaves_no_engine_behind(tmp_path: Path, thread: str) -> None:
    """Started from a thread that has ended, the engine lives as long as the process."""
    program = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from agent_serving.local.launch import EngineProcess\n"
        "from tests.local.test_engine_process import stand_in_options\n"
        "engine = EngineProcess(stand_in_options(Path(sys.argv[1]), 'deaf'), grace_seconds=0.2)\n"
        "if sys.argv[2] == 'worker':\n"
        "    worker = threading.Thread(target=engine.start); worker.start(); worker.join()\n"
        "else:\n"
        "    engine.start()\n"
        "engine.wait_until_ready(120)\n"
        "time.sleep(0.3)\n"
        "print(engine.pid, engine.is_running, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), thread],
        stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        pid, running = parent.stdout.readline().split()
        child = int((tmp_path / "child").read_text())
        assert running == b"True"
        assert is_alive(int(pid))

        parent.kill()
        parent.wait()

        wait_until_gone(int(pid), child)
