"""The wheel without extras: a client, and no server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import venv
from pathlib import Path

import pytest

from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, redis, serve
from tests.e2e.test_packaging import run, wheel

__all__ = ["redis", "serve", "wheel"]

PROGRAM = """
import sys
from agent_serving import AgentServing, tool


@tool
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b


with AgentServing(base_url=sys.argv[1]) as client:
    session = client.sessions.create({"tools": [add]})
    print(session.run("1 + 2?").text)
"""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel and what it pulls in, from the index."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder, with_pip=True)
    command = [str(folder / "bin" / "pip"), "install", "--quiet", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_it_pulls_in_at_most_twelve_packages(installed: Path, tmp_path: Path) -> None:
    listed = run([str(installed / "pip"), "list", "--format", "json"], tmp_path)
    names = {package["name"] for package in json.loads(listed.stdout)}
    pulled = names - {"agent-serving", "pip", "setuptools"}
    assert {"httpx", "pydantic"} <= pulled
    assert len(pulled) <= 12, pulled


async def test_it_talks_to_a_service_and_runs_tools(
    installed: Path, tmp_path: Path, serve: Serve
) -> None:
    call = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
    api = await serve(ScriptedEngine([call, "It is 3."]))
    command = [str(installed / "python"), "-W", "error", "-c", PROGRAM, str(api.http.base_url)]
    told = await asyncio.to_thread(run, command, tmp_path)
    assert (told.returncode, told.stdout, told.stderr) == (0, "It is 3.\n", "")


def test_a_command_says_what_to_install(installed: Path, tmp_path: Path) -> None:
    told = run([str(installed / "agent-serving"), "serve"], tmp_path)
    assert told.returncode == 1
    assert "pip install 'agent-serving[server]'" in told.stderr
    assert "Traceback" not in told.stderr
