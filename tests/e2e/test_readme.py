"""The README's commands work as they are printed."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest
import typer

from agent_serving import bootstrap
from agent_serving.cli.main import application
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.plugins.tools import load_tools
from tests.cli.conftest import clean_environment

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
PRINTED = "http://127.0.0.1:8080"
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
CURLS = [block for block in BLOCKS if "curl" in block]
COMMANDS = set(getattr(typer.main.get_command(application()), "commands", {}))
END = "echo; echo --- the end of a block ---"


async def run_blocks(url: str) -> list[str]:
    """What each block with curl writes, all run in one shell, only the address changed."""
    script = "".join(f"{block}\n{END}\n" for block in CURLS).replace(PRINTED, url)
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-eu",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
    )
    written, _ = await asyncio.wait_for(shell.communicate(script.encode()), 120)
    assert shell.returncode == 0, written.decode()
    return written.decode().split("\n--- the end of a block ---\n")[:-1]


async def test_the_curl_lines_work_as_printed(tmp_path: Path, engine_url: str) -> None:
    settings = Settings(data_dir=tmp_path, engines=(engine_url,))
    async with (
        bootstrap.build(settings) as running,
        serving(running.app, "127.0.0.1", 0) as url,
    ):
        opened, stream, steps, fork = await run_blocks(url)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            session = (await http.get(f"/v1/sessions/{opened.strip()}")).json()
    assert session["agent"]["name"] == "helper"
    assert session["turn_count"] == 1
    types = re.findall(r"^event: (.+)$", stream, re.MULTILINE)
    assert "step.started" in types
    assert types[-1] in ("turn.completed", "turn.incomplete", "turn.failed")
    rows = json.loads(steps)["data"]
    assert rows[0]["kind"] == "model"
    assert rows[0]["usage"]["input_tokens"] > 0
    assert json.loads(fork)["forked_from"]["session_id"] == session["id"]


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    assert BLOCKS[0] == "make demo\nmake test\n"
    for target, runs in (("demo", "agent-serving demo"), ("test", "-m pytest")):
        planned = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert runs in planned.stdout


def test_continuous_integration_runs_exactly_the_second_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == "make test"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "Makefile"])
def test_every_command_that_is_named_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make (\w+)|`make (\w+)`", text)) <= {
        pair for name in known for pair in ((name, ""), ("", name))
    }
    named = set(re.findall(r"[`/]agent-serving ([a-z][a-z-]*)", text))
    for block in re.findall(r"```\w+\n(.*?)```", text, re.DOTALL):
        named |= set(re.findall(r"^agent-serving ([a-z][a-z-]*)", block, re.MULTILINE))
    assert named <= COMMANDS


def test_the_tool_in_the_contributors_guide_can_be_loaded(tmp_path: Path) -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "word_count.py").write_text(code)
    tool = load_tools([tmp_path])["word_count"]
    assert tool.function("one two three") == 3
    assert tool.spec.effect == "pure"
