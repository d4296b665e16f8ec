"""Keys from the command line, against a running service."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, clean_environment, scripted_service


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


def made(folder: Path, *arguments: str) -> tuple[str, str]:
    """Id and secret."""
    told = run(folder, "keys", "create", *arguments)
    assert told.returncode == 0, told.stderr
    found = re.search(r"^key_\w+", told.stderr, re.MULTILINE)
    assert found is not None, told.stderr
    return found[0], told.stdout.strip()


def test_a_secret_is_shown_once_and_never_again(tmp_path: Path) -> None:
    key_id, secret = made(tmp_path, "--tenant", "acme", "--name", "ci", "--expires", "30d")
    assert re.fullmatch(r"ask_[0-9a-z]{26}_[0-9a-f]{48}", secret)
    listed = run(tmp_path, "keys", "list", "--json")
    [row] = json.loads(listed.stdout)
    assert (row["id"], row["tenant"], row["name"]) == (key_id, "acme", "ci")
    assert (row["scopes"], row["status"]) == (["run"], "active")
    table = run(tmp_path, "keys", "list").stdout
    audit = run(tmp_path, "keys", "audit").stdout
    assert key_id in table
    assert json.loads(audit)["act"] == "create_key"
    for text in (listed.stdout, table, audit):
        assert secret.rpartition("_")[2] not in text
        assert "argon2" not in text
        assert "checksum" not in text


def test_a_revoked_key_is_listed_as_such(tmp_path: Path) -> None:
    key_id, _ = made(tmp_path, "--tenant", "acme", "--scope", "read", "--scope", "metrics")
    assert run(tmp_path, "keys", "revoke", key_id).returncode == 0
    [row] = json.loads(run(tmp_path, "keys", "list", "--json").stdout)
    assert (row["status"], row["scopes"]) == ("revoked", ["metrics", "read"])
    assert json.loads(run(tmp_path, "keys", "list", "--tenant", "other", "--json").stdout) == []
    unknown = run(tmp_path, "keys", "revoke", "key_unknown")
    assert unknown.returncode == 1
    assert "There is no key" in unknown.stderr


@pytest.mark.parametrize(
    "wrong", [("--tenant", "a b"), ("--tenant", "a", "--expires", "soon"), ("--scope", "root")]
)
def test_what_makes_no_key_is_told(wrong: tuple[str, ...], tmp_path: Path) -> None:
    assert run(tmp_path, "keys", "create", *wrong).returncode == 2


async def test_commands_take_the_key_from_the_environment_or_a_flag(tmp_path: Path) -> None:
    data = tmp_path / ".agent-serving"
    async with scripted_service(data, "OK.") as url:
        _, secret = await asyncio.to_thread(made, tmp_path, "--tenant", "acme")
        command = ("cost", "--by", "tenant", "--json", "--url", url)
        refused = await asyncio.to_thread(run, tmp_path, *command)
        assert refused.returncode == 1
        assert "401 unauthenticated" in refused.stderr
        assert "AGENT_SERVING_API_KEY" in refused.stderr
        for more in (("--key", secret), ()):
            told = await asyncio.to_thread(
                run, tmp_path, *command, *more, AGENT_SERVING_API_KEY="" if more else secret
            )
            assert told.returncode == 0, told.stderr
            assert json.loads(told.stdout)["by"] == "tenant"
