"""What the pages show works as it is shown: files are loaded, programs and commands are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from agent_serving.cli.main import application
from agent_serving.config import load
from tests.docker.test_dashboard import shown, wanted
from tests.pages.page import DOCS, ROOT, Block, blocks
from tests.pages.reader import Reader, matches
from tests.pages.script import scripted

HOWTO = "howto/"
PRODUCTION = "howto/production.md"
PAGES = [
    "index.md",
    "tutorial.md",
    *(f"{HOWTO}{path.name}" for path in sorted((DOCS / HOWTO).glob("*.md"))),
]

NOT_RUN = {
    "index.md": {"make demo": "tests/e2e/test_readme.py looks at the two commands"},
    "tutorial.md": {
        "python3 -m venv .venv": "installs from the index",
        "agent-serving up --tools tools --agents agents": "the test starts what it starts",
        ". .venv/bin/activate": "the test's environment is active",
    },
    "howto/from-openai-agents-sdk.md": {
        "from agents import Agent, Runner, SQLiteSession, function_tool": "theirs",
    },
    "howto/from-langgraph.md": {"from langchain.agents import create_agent": "theirs"},
    PRODUCTION: {
        "python3 -m sglang.launch_server --model-path /models/my-model --host 10.0.0.7 "
        "--port 30000 \\": "needs a GPU",
        "appendonly yes": "lines of redis.conf",
        "agent-serving serve --config agent-serving.toml": "needs those machines",
        "agent-serving keys create --config agent-serving.toml --tenant acme --scope run": "too",
        "systemctl restart agent-serving": "needs a machine that runs it",
        "redis-cli -u rediss://:password@redis.internal:6379/0 --rdb sessions.rdb": "as above",
    },
}
"""By page, the first lines of the blocks that no test runs, each with the reason."""


def runs(block: Block) -> bool:
    return block.first_line not in NOT_RUN.get(block.page, {})


def named(page: str, name: str) -> str:
    [block] = [block for block in blocks(page) if block.name == name]
    return block.code


@pytest.mark.parametrize("page", [page for page in PAGES if page != PRODUCTION])
def test_who_does_what_a_page_says_gets_what_it_shows(page: str, tmp_path: Path) -> None:
    Reader(tmp_path / "here", scripted).follow(filter(runs, blocks(page)))


@pytest.mark.parametrize("page", NOT_RUN)
def test_what_is_not_run_is_on_the_page_and_can_be_read(page: str) -> None:
    known = {block.first_line: block for block in blocks(page)}
    assert known.keys() >= NOT_RUN[page].keys()
    for line in NOT_RUN[page]:
        if known[line].language == "python":
            compile(known[line].code, known[line].place, "exec")


def test_of_the_page_on_production_only_files_are_not_in_that_list() -> None:
    rest = [block for block in filter(runs, blocks(PRODUCTION)) if block.name is None]
    assert rest == []


CALL = re.compile(r"agent-serving ((?:(?:agents|keys|engine|demo-model) )?[a-z]+)([^|\n]*)")


def asked(page: str) -> Iterator[tuple[str, str]]:
    """The program's calls on a page: the command's name, and what stands behind it."""
    code = [line for block in blocks(page) for line in block.code.splitlines()]
    inline = re.findall(r"`(agent-serving [^`\n]+)`", (DOCS / page).read_text())
    for line in (*code, *inline):
        if found := re.match(rf"(?:.* \| )?{CALL.pattern}", line):
            yield found[1], found[2]


@pytest.mark.parametrize("page", PAGES)
def test_each_command_that_a_page_calls_has_the_flags_that_it_is_given(page: str) -> None:
    for name, rest in asked(page):
        command: Any = typer.main.get_command(application())
        for word in name.split():
            command = command.commands[word]
        known = {flag for option in command.params for flag in option.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, name


def test_the_settings_for_production_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "agent-serving.toml"
    file.write_text(named(PRODUCTION, "agent-serving.toml"))
    settings = load(file=file).settings
    assert settings.grace_seconds < 40  # what is left to who kills
    assert settings.tenant_limits["*"].open_sessions == 10_000


def test_the_engine_s_flags_are_those_of_the_compose_file() -> None:
    [command] = [b.code for b in blocks(PRODUCTION) if "sglang.launch_server" in b.code]
    compose = (ROOT / "docker" / "compose.yaml").read_text()
    flags = re.findall(r"--[a-z-]+", command)
    assert len(flags) >= 8
    assert [flag for flag in flags if f"- {flag}" not in compose] == []


async def test_the_alerts_are_about_metrics_and_labels_that_there_are(tmp_path: Path) -> None:
    later = {"agent_serving_tools_doubted_total"}
    [group] = yaml.safe_load(named(PRODUCTION, "alerts.yml"))["groups"]
    service = await shown(tmp_path)
    for rule in group["rules"]:
        metrics = wanted(rule["expr"])
        assert metrics, rule
        for name, labels in metrics.items():
            assert name in service or name in later, rule
            assert labels - {"error_type", "instance"} <= service.get(name, set()), rule


def test_anything_may_stand_for_an_ellipsis_and_nothing_else_for_the_rest() -> None:
    assert matches("in … ms\n", "in 3 ms\n")
    assert not matches("in … ms\n", "in 3 s\n")
    assert not matches("a.c\n", "abc\n")
