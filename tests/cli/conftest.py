"""The command line, run as a process; and a service to talk to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_serving import bootstrap
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.testing import Line, ScriptedEngine

COMMAND = [sys.executable, "-c", "from agent_serving.cli import main; main()"]

Start = Callable[..., subprocess.Popen[str]]


def call(name: str, **arguments: Any) -> str:
    """A tool call as the qwen dialect writes it."""
    body = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{body}\n</tool_call>"


@asynccontextmanager
async def scripted_service(
    folder: Path, *script: Line, dialect: str | None = None
) -> AsyncIterator[str]:
    """The base URL of a service whose engine follows the script, with the shipped tools."""
    settings = Settings(data_dir=folder, dialect=dialect)
    async with (
        bootstrap.build(settings, engine=ScriptedEngine(script or ("OK.",))) as running,
        serving(running.app, "127.0.0.1", 0) as url,
    ):
        yield url


def clean_environment(**more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if "AGENT_SERVING" not in name}
    return ours | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | more


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """`start("serve", "--port", "0")` runs the command in an empty folder; killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=clean_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """The first match in the lines that the process writes."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"{pattern} was not written:\n{seen}")
