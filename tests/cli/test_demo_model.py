from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cli.conftest import COMMAND, clean_environment


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "demo-model", *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )


def test_training_without_its_libraries_says_what_to_install(tmp_path: Path) -> None:
    """This environment has no torch; the engine's has one of its own."""
    ended = run("train", str(tmp_path / "run"))
    assert ended.returncode == 1
    assert "pip install 'agent-serving[train]'" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_an_evaluation_without_a_service_says_where_it_looked() -> None:
    ended = run("evaluate", "--url", "http://127.0.0.1:9", "--count", "1")
    assert ended.returncode == 1
    assert "127.0.0.1:9" in ended.stderr
    assert "Traceback" not in ended.stderr
