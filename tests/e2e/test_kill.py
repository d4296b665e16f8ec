"""kill -9 of the whole service: what was accepted is there when it comes back."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

SLOW_TOOL = '''
import asyncio
from pathlib import Path

from agent_serving import tool

WITNESS = Path({witness!r})


@tool(effect="once", timeout=60)
async def transfer() -> str:
    """Move the money."""
    with WITNESS.open("a") as file:
        file.write("x")
    await asyncio.sleep(60)
    return "moved"
'''


class Process:
    """`agent-serving serve` as a process of its own, on a data directory that outlives it."""

    def __init__(self, engine: str, data: Path, tools: Path | None = None) -> None:
        port = _free_port()
        command = [str(Path(sys.executable).with_name("agent-serving")), "serve"]
        command += ["--engine", engine, "--data-dir", str(data), "--port", str(port)]
        if tools is not None:
            command += ["--tools", str(tools)]
        self._log = data / "serve.log"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if self.http.get("/readyz").status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        self.http.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.http.close()

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def settled(self, path: str) -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            turn = self.get(path)
            if turn["status"] not in ("queued", "in_progress"):
                return turn
            time.sleep(0.05)
        raise AssertionError(self.get(path))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def service(engine: str, data: Path, tools: Path | None = None) -> Iterator[Process]:
    running = Process(engine, data, tools)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_a_turn_that_was_accepted_survives_kill_9_in_mid_stream(
    engine_url: str, data: Path
) -> None:
    agent = {
        "name": "teller",
        "output": {"type": "regex", "pattern": "[a-z ]{700,800}"},
        "sampling": {"max_output_tokens": 2000},
    }
    with service(engine_url, data) as first:
        session = first.post("/v1/sessions", {"agent": agent})["id"]
        turns = f"/v1/sessions/{session}/turns"
        turn = first.post(turns, {"input": "tell", "mode": "background"})
        queued = first.post(
            turns, {"input": "and then?", "mode": "background", "on_conflict": "queue"}
        )
        path = f"{turns}/{turn['id']}"
        while not first.get(f"/v1/sessions/{session}/events?types=output_text.delta")["data"]:
            time.sleep(0.02)
        first.kill()
    with service(engine_url, data) as second:
        assert second.settled(path)["status"] == "completed"
        assert second.settled(f"{turns}/{queued['id']}")["status"] == "completed"
        events = second.get(f"/v1/sessions/{session}/events?limit=100")["data"]
        sequences = [event["sequence"] for event in events]
        assert sequences == sorted(set(sequences))


def test_a_once_tool_that_kill_9_met_is_in_doubt_and_not_run_again(
    engine_url: str, data: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    witness.touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "transfer.py").write_text(SLOW_TOOL.format(witness=str(witness)))
    agent = {
        "name": "bank",
        "tools": ["transfer"],
        "output": {"type": "choice", "choices": ["yes", "no"]},
        "limits": {"max_tool_calls": 1},
        "sampling": {"max_output_tokens": 300},
    }
    with service(engine_url, data, tools) as first:
        session = first.post("/v1/sessions", {"agent": agent})["id"]
        turns = f"/v1/sessions/{session}/turns"
        turn = first.post(turns, {"input": "pay", "mode": "background", "tool_choice": "required"})
        while not witness.read_text():
            time.sleep(0.02)
        first.kill()
    with service(engine_url, data, tools) as second:
        path = f"{turns}/{turn['id']}"
        doubtful = second.settled(path)
        assert doubtful["status"] == "waiting"
        assert witness.read_text() == "x"
        [asked] = [i for i in doubtful["required_inputs"] if i["type"] == "in_doubt"]
        said = {"type": "in_doubt", "call_id": asked["call_id"], "resolution": "result"}
        second.post(f"{path}/inputs", {"inputs": [said | {"output": "it was moved"}]})
        ended = second.settled(path)
        assert ended["status"] == "completed", ended
        assert witness.read_text() == "x"
        steps = second.get(f"{path}/steps")["data"]
        models = [step for step in steps if step["kind"] == "model"]
        for step in models[1:]:
            assert step["usage"]["cached_tokens"] >= step["prefix"]["expected_tokens"] - 1
