"""`agent-serving up`, as a process: with a stand-in for SGLang where its end is the point."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from agent_serving.local.install import CPU_LOCK, _fingerprint
from tests.cli.conftest import Start, read_until
from tests.conftest import HOME
from tests.local import stand_in

API = r"The API is at +(http://127\.0\.0\.1:\d+)/v1"
ENGINE = r"SGLang is at +http://127\.0\.0\.1:(\d+)"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where an engine is installed whose SGLang is the stand-in."""
    package = tmp_path / "site" / "sglang"
    package.mkdir(parents=True)
    shutil.copy(stand_in.__file__, package / "launch_server.py")
    environment = tmp_path / "home" / "engine" / "env"
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH={package.parent} exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (environment / "installed.sha256").write_text(_fingerprint("cpu", CPU_LOCK))
    return tmp_path / "home"


def up(start: Start, home: Path, manner: str) -> subprocess.Popen[str]:
    """`up` with a model of that name, which says what the stand-in does."""
    model = home / manner
    model.mkdir()
    (model / "config.json").write_text("{}")
    arguments = ["--engine-home", str(home), "--model", str(model), "--engine-port", "0"]
    return start("up", "--port", "0", *arguments)


def processes_of(folder: Path) -> list[str]:
    """The command lines of processes that have something to do with a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in command:
                found.append(command)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_that_was_started(
    start: Start, home: Path, tmp_path: Path, number: int
) -> None:
    process = up(start, home, "serves")
    read_until(process, ENGINE)
    assert len(processes_of(tmp_path)) >= 3  # itself, Redis, SGLang
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Stopping." in said
    assert "Traceback" not in said
    assert processes_of(tmp_path) == []


def test_it_says_how_to_talk_to_it(start: Start, home: Path) -> None:
    process = up(start, home, "serves")
    url = read_until(process, API)[1]
    assert read_until(process, rf"docs are at {url}/docs")
    assert read_until(process, rf"agent-serving chat --url {url}")
    assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200


def test_when_the_engine_dies_its_log_is_shown_and_the_rest_is_stopped(
    start: Start, home: Path, tmp_path: Path
) -> None:
    process = up(start, home, "serves")
    read_until(process, ENGINE)
    [pid] = re.findall(
        r"Uvicorn running (\d+)", (tmp_path / ".agent-serving/engine.log").read_text()
    )
    os.kill(int(pid), signal.SIGKILL)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "The engine ended. The end of its log" in said
    assert f"Uvicorn running {pid}" in said
    assert processes_of(tmp_path) == []


def test_an_engine_that_does_not_start_shows_its_log(start: Start, home: Path) -> None:
    process = up(start, home, "fails")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "RuntimeError: the weights are missing" in said
    assert "Traceback" not in said


def test_a_signal_while_the_engine_starts_stops_it_too(
    start: Start, home: Path, tmp_path: Path
) -> None:
    process = up(start, home, "never ready")
    read_until(process, "starting SGLang")
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in said
    assert processes_of(tmp_path) == []


def test_the_engine_alone_is_started_and_found(start: Start, home: Path) -> None:
    model = home / "serves"
    model.mkdir()
    (model / "config.json").write_text("{}")
    engine = start(
        "engine", "start", "--engine-home", str(home), "--model", str(model), "--engine-port", "0"
    )
    port = read_until(engine, r"SGLang serves at http://127\.0\.0\.1:(\d+);")[1]
    found = start("engine", "status", "--engine-home", str(home), "--engine-port", port)
    said, _ = found.communicate(timeout=30)
    assert found.returncode == 0
    assert f"serving    yes, http://127.0.0.1:{port}" in said
    engine.send_signal(signal.SIGINT)
    engine.communicate(timeout=30)
    assert engine.returncode == 0


def test_an_engine_that_is_not_there_is_told(start: Start, home: Path) -> None:
    absent = start("engine", "status", "--engine-port", "9")
    said, _ = absent.communicate(timeout=30)
    assert absent.returncode == 1
    assert "installed  no: agent-serving engine install" in said
    assert "serving    no" in said


def test_a_folder_without_a_model_is_refused(start: Start, home: Path, tmp_path: Path) -> None:
    process = start("up", "--engine-home", str(home), "--model", str(tmp_path))
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"{tmp_path} holds no model" in said


@pytest.mark.timeout(1200)  # with the start of an engine on a busy machine
def test_the_demo_as_a_command_exits_with_0_and_explains_itself(start: Start) -> None:
    demo = start("demo", "--engine-home", str(HOME.absolute()))
    said, _ = demo.communicate(timeout=900)
    assert demo.returncode == 0, said
    assert "the tiny demo model" in said
    assert "Every call and every answer was right." in said
    assert "Every prompt after the first was in the cache" in said
    assert "make up" in said
    assert "\x1b" not in said
