"""The help teaches: every command says what it does, with an example."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from agent_serving import __version__
from agent_serving.cli.main import application
from agent_serving.config import TABLES, Settings, flag_of
from tests.cli.conftest import COMMAND, clean_environment


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    found = getattr(group, "commands", {})
    for name, command in found.items():
        yield from (
            commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]
        )


ALL = sorted(commands(typer.main.get_command(application())))


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=clean_environment(**environment), capture_output=True, text=True
    )


def test_all_the_commands_are_there() -> None:
    assert {" ".join(path) for path in ALL} == {
        "demo",
        "up",
        "chat",
        "serve",
        "compare",
        "config",
        "cost",
        "soak",
        "trace",
        "version",
        "agents apply",
        "agents list",
        "agents show",
        "engine install",
        "engine start",
        "engine status",
        "demo-model card",
        "keys create",
        "keys list",
        "keys revoke",
        "keys audit",
        "demo-model train",
        "demo-model export",
        "demo-model evaluate",
    }


def test_without_arguments_the_help_is_shown() -> None:
    bare, asked = run(), run("--help")
    assert asked.returncode == 0
    assert "Usage: agent-serving" in asked.stdout.replace("-c", "agent-serving")
    assert (bare.stdout + bare.stderr).split() == asked.stdout.split()


def help_of(*path: str) -> str:
    shown = CliRunner().invoke(application(), [*path, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    return " ".join(shown.stdout.split())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_command_says_what_it_does_with_an_example(path: tuple[str, ...]) -> None:
    begin = "AGENT_SERVING_PORT=9000 " if path == ("config",) else ""
    assert f"Example: {begin}agent-serving {' '.join(path)}" in help_of(*path)


def test_each_setting_has_a_flag_somewhere() -> None:
    known = help_of("up") + help_of("serve")
    missing = [k for k in Settings.model_fields if k not in TABLES and flag_of(k) not in known]
    assert missing == []


def test_the_version_is_told() -> None:
    assert run("version").stdout.startswith(f"agent-serving {__version__} ")


def test_an_error_is_one_line_and_not_a_traceback() -> None:
    refused = run("config", "--port", "99999")
    assert refused.returncode == 1
    assert refused.stderr.startswith("agent-serving: port (from flag --port): ")
    assert "Traceback" not in refused.stderr


def test_no_escape_codes_are_written_where_no_terminal_is() -> None:
    assert "\x1b" not in run("demo", "--help").stdout
