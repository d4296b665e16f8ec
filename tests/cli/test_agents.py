"""A folder of agent files, applied to a running service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from agent_serving import bootstrap
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.testing import ScriptedEngine
from tests.cli.conftest import Start, scripted_service

SHAPES = "from pydantic import BaseModel\n\nclass Receipt(BaseModel):\n    total: int\n"


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "shapes.py").write_text(SHAPES)
    return folder


async def run(start: Start, *arguments: str, **environment: str) -> tuple[int, str]:
    process = start("agents", *arguments, **environment)
    shown, _ = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, shown


def words(shown: str) -> Sequence[Sequence[str]]:
    return [line.split() for line in shown.splitlines()]


async def test_what_was_created_and_changed_is_told(start: Start, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "agents",
        support='instructions = "Help."\ntools = ["calculator"]',
        till='output = "shapes:Receipt"',
        theirs='tenant = "acme"',
    )
    async with scripted_service(tmp_path / "data") as url:
        first = await run(start, "apply", str(folder), "--url", url)
        (folder / "support.toml").write_text('instructions = "Help well."')
        second = await run(start, "apply", str(folder), "--url", url)
        listed = await run(start, "list", "--url", url)
        shown = await run(start, "show", "till", "--url", url)
        old = await run(start, "show", "support@1", "--json", "--url", url)
    skipped = ["skipped", "theirs", "(tenant", "acme)"]
    assert first[0] == second[0] == 0
    assert words(first[1]) == [["created", "support@1"], skipped, ["created", "till@1"]]
    assert words(second[1]) == [["changed", "support@2"], skipped, ["unchanged", "till@1"]]
    assert ["support", "2", "scripted", "text"] in words(listed[1])
    assert ["till", "1", "scripted", "json_schema"] in words(listed[1])
    assert "till@1 (agent_" in shown[1]
    assert '"total"' in shown[1]
    assert json.loads(old[1])["instructions"] == "Help."


async def test_a_refusal_names_the_file_and_the_line(start: Start, tmp_path: Path) -> None:
    folder = write(tmp_path / "agents", support='\n\ntools = ["calculator", "nothing"]')
    async with scripted_service(tmp_path / "data") as url:
        code, shown = await run(start, "apply", str(folder), "--url", url)
        listed = await run(start, "list", "--json", "--url", url)
    assert code == 1
    assert f"{folder / 'support.toml'}:3: " in shown
    assert "unknown_tool: There is no tool 'nothing' here" in shown
    assert json.loads(listed[1]) == []


async def test_nothing_is_sent_where_a_file_cannot_be_read(start: Start, tmp_path: Path) -> None:
    folder = write(tmp_path / "agents", support="", broken="tools = [")
    code, shown = await run(start, "apply", str(folder), "--url", "http://127.0.0.1:9")
    assert code == 1
    assert str(folder / "broken.toml") in shown
    empty = tmp_path / "empty"
    empty.mkdir()
    code, shown = await run(start, "apply", str(empty), "--url", "http://127.0.0.1:9")
    assert (code, "There is no agent file" in shown) == (1, True)


async def test_a_tenant_s_files_are_applied_with_its_key(start: Start, tmp_path: Path) -> None:
    folder = write(tmp_path / "agents", support="", theirs='tenant = "acme"')
    settings = Settings(data_dir=tmp_path / "data", require_keys=True)
    async with (
        bootstrap.build(settings, engine=ScriptedEngine()) as running,
        serving(running.app, "127.0.0.1", 0) as url,
        bootstrap.key_desk(settings) as desk,
    ):
        _, admin = await desk.create("acme", ["admin"], actor="cli:test")
        _, user = await desk.create("acme", ["run"], actor="cli:test")
        apply = ("apply", str(folder), "--url", url, "--tenant", "acme")
        refused = await run(start, *apply, AGENT_SERVING_API_KEY=user)
        done = await run(start, *apply, AGENT_SERVING_API_KEY=admin)
        agent = await running.service.agents.find("acme", "theirs")
    assert refused[0] == 1
    assert "scope `admin`" in refused[1]
    assert words(done[1]) == [["skipped", "support", "(no", "tenant)"], ["created", "theirs@1"]]
    assert agent.version == 1
