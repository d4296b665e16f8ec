"""The files of docker/, read."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose
import yaml

ROOT = Path(__file__).parent.parent.parent
DOCKER = ROOT / "docker"
DOCKERFILE = DOCKER / "Dockerfile"
COMPOSE = DOCKER / "compose.yaml"
BIN = Path(sys.executable).parent

# The package's own command always exits with 0.
CLIENT = Path(compose.__file__).with_name("docker-compose")

Json = dict[str, Any]


def dashboard() -> Json:
    found: Json = json.loads((DOCKER / "grafana/dashboards/agent-serving.json").read_text())
    return found


def queries() -> list[str]:
    """With the dashboard's own variables filled in."""
    return [
        target["expr"].replace("$__rate_interval", "1m")
        for panel in dashboard()["panels"]
        for target in panel["targets"]
    ]


def compose_config(file: Path = COMPOSE) -> subprocess.CompletedProcess[str]:
    """What Docker Compose itself makes of the file, all profiles on, as JSON."""
    command = [str(CLIENT), "--file", str(file), "--profile", "*", "config", "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def services() -> dict[str, Json]:
    told = compose_config()
    assert told.returncode == 0, told.stderr
    found: dict[str, Json] = json.loads(told.stdout)["services"]
    return found


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage of the Dockerfile."""
    text = DOCKERFILE.read_text().replace("\\\n", " ")
    found: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            found[shlex.split(rest)[-1]] = []
        elif name.isupper() and found:
            found[list(found)[-1]].append((name, rest.strip()))
    return found


def exec_form(stage: str, instruction: str) -> list[str]:
    """The words of a stage's CMD."""
    [text] = [rest for name, rest in stages()[stage] if name == instruction]
    words: list[str] = json.loads(text)
    return words


def plain(path: str) -> Any:
    return yaml.safe_load((DOCKER / path).read_text())
