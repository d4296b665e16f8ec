"""The wheel, installed somewhere else, is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "agent_serving"

FOUND = """
import asyncio, json
from pathlib import Path
import agent_serving
from agent_serving.adapters.redis.gateway import Script
from agent_serving.local.install import CPU_LOCK
from agent_serving.local.launch import CPU_PLATFORM, SUPERVISOR
from agent_serving.local.shipped_model import shipped_model
from agent_serving.plugins.grammars import load_dialects, load_outputs
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.tools import load_tools

package = Path(agent_serving.__file__).parent
print(json.dumps({
    "package": str(package),
    "shipped": [str(shipped("tools")), str(shipped("grammars"))],
    "tools": sorted(load_tools([shipped("tools")])),
    "dialects": sorted(load_dialects([shipped("grammars")])),
    "outputs": sorted(load_outputs([shipped("grammars")])),
    "lua": sorted(path.name for path in package.rglob("*.lua")),
    "append": len(Script.named("append").source),
    "local": [path.exists() for path in (CPU_LOCK, CPU_PLATFORM, SUPERVISOR)],
    "model": str(shipped_model().directory),
    "files": sorted(p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # Our environment has the build backend, so nothing is downloaded.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel; what it depends on is borrowed from ours."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    purelib = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    install = [*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    ours = sysconfig.get_path("purelib")
    # Behind its own packages; and as a plain entry, so that our editable install stays out.
    (purelib / "borrowed.pth").write_text(f"{ours}\n")
    return folder / "bin"


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_an_installed_package_finds_all_that_it_ships(elsewhere: Path, tmp_path: Path) -> None:
    told = run([str(elsewhere / "python"), "-c", FOUND], tmp_path)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert Path(found["package"]).is_relative_to(elsewhere.parent)
    assert all(Path(p).is_relative_to(found["package"]) for p in found["shipped"])
    assert {"calculator", "current_time", "fetch_url", "recall"} <= set(found["tools"])
    assert {"qwen", "llama3"} <= set(found["dialects"])
    assert "iso_date" in found["outputs"]
    assert found["lua"] == sorted(path.name for path in PACKAGE.rglob("*.lua"))
    assert found["append"] > 0
    assert found["local"] == [True] * 3
    assert Path(found["model"]).is_relative_to(found["package"])


def test_no_file_of_the_package_is_left_out(elsewhere: Path, tmp_path: Path) -> None:
    installed = set(
        json.loads(run([str(elsewhere / "python"), "-c", FOUND], tmp_path).stdout)["files"]
    )
    tracked = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked - installed == set()


def test_the_command_is_installed(elsewhere: Path, tmp_path: Path) -> None:
    shown = run([str(elsewhere / "agent-serving"), "--help"], tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "Usage: agent-serving" in shown.stdout


def test_nothing_but_the_package_is_in_the_wheel(wheel: Path) -> None:
    names = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True
    ).stdout.splitlines()[1:]
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("agent_serving")} == set()
