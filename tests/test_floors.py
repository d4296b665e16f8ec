"""The house rules that a machine can check, and that the check can fail."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "agent_serving"
SOURCES = [*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "tools").glob("*.py"))]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package with its contracts, to break."""
    without_caches = shutil.ignore_patterns("__pycache__")  # others write there meanwhile
    shutil.copytree(PACKAGE, tmp_path / "agent_serving", ignore=without_caches)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def write(house: Path, module: str, line: str) -> None:
    with (house / "agent_serving" / module).open("a") as file:
        file.write(f"\n{line}\n")


def test_every_module_stands_on_its_floor() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("domain/decide.py", "import agent_serving.runtime.turn"),
        ("domain/decide.py", "import asyncio"),
        ("scheduling/routing.py", "import time"),
        ("runtime/turn.py", "import redis"),
        ("runtime/turn.py", "import agent_serving.adapters.clock"),
        ("plugins/tools.py", "import agent_serving.adapters.clock"),
        ("adapters/redis/store.py", "import agent_serving.adapters.sglang.engine"),
        ("attic.py", ""),
        ("adapters/attic.py", ""),
    ],
)
def test_a_module_on_the_wrong_floor_fails_the_check(house: Path, module: str, line: str) -> None:
    write(house, module, line)
    checked = lint_imports(house)
    assert checked.returncode != 0
    name = Path("agent_serving", module).with_suffix("").as_posix().replace("/", ".")
    assert name in checked.stdout


def test_no_file_is_longer_than_350_lines() -> None:
    lengths = {path: sum(map(bool, path.read_text().split("\n"))) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, FUNCTIONS) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
    assert [path for path in SOURCES if path.stem in drawers] == []


def test_importing_the_package_does_nothing_that_can_be_seen() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        # What imports torch is run by the engine's own interpreter.
        if (path.parent / "__init__.py").exists() and "import torch" not in path.read_text()
    ]
    program = (
        "import sys, threading; before = threading.active_count()\n"
        f"for name in {modules!r}: __import__(name)\n"
        "assert threading.active_count() == before, threading.enumerate()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
