"""The fixtures for users' tests, as a user's pytest has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from agent_serving import pytest_plugin
from agent_serving.domain.errors import ConfigurationError
from agent_serving.scripted_service import ScriptedService

HERE = Path(__file__).parent
PYPROJECT = HERE.parent.parent / "pyproject.toml"


def test_a_users_tests_of_an_agent_with_two_tools_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_orders.py").write_text((HERE / "order_agent.py").read_text())
    command = [sys.executable, "-m", "pytest", "-p", pytest_plugin.__name__, "--durations=0"]
    command += ["-p", "no:cacheprovider", "-W", "error", "--durations-min=0", str(tmp_path)]
    root = str(PYPROJECT.parent)
    environment = os.environ | {"PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout
    pattern = r"([\d.]+)s (?:call|setup) +\S+::test_many_are_quick\[(\d+)\]"
    spent: dict[str, float] = {}
    for seconds, number in re.findall(pattern, done.stdout):
        spent[number] = spent.get(number, 0.0) + float(seconds)
    assert len(spent) == 10
    middle = sorted(spent.values())[5]
    with capsys.disabled():
        print(f"\na user's test of an agent with two tools: {1000 * middle:.0f} ms", end=" ")


def test_pytest_finds_them_where_the_package_is_installed() -> None:
    [line] = re.findall(r"pytest11\]\n(.+)", PYPROJECT.read_text())
    name, value = re.findall(r'([\w-]+) = "(.+)"', line)[0]
    assert EntryPoint(name, value, "pytest11").load() is pytest_plugin


def test_loading_them_loads_no_service() -> None:
    program = (
        "import sys, agent_serving.pytest_plugin; "
        "assert not {'fastapi', 'httpx', 'redis', 'pydantic'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no dialect 'none'"):
        ScriptedService(tmp_path, dialect="none").__enter__()
