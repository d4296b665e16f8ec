from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from agent_serving.local import install
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import CPU_LOCK, EngineEnvironment, detect_device, ensure_engine

from .wheels import write_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place pip finds packages: a directory with three small ones."""
    directory = tmp_path / "index"
    directory.mkdir()
    write_wheel(directory, "prefill", "1.0", {"prefill.py": "TOKENS = 1\n"})
    write_wheel(directory, "prefill", "2.0", {"prefill.py": "TOKENS = 2\n"})
    write_wheel(directory, "torch", "2.13.0", {"torch/version.py": "cuda: str | None = '13.0'\n"})
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("empty") / "env"
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    return directory


@pytest.fixture
def begun_home(empty_environment: Path, home: Path) -> Path:
    """A home whose install was interrupted as soon as its environment was made."""
    shutil.copytree(empty_environment, home / "engine" / "env", symlinks=True)
    return home


def lock_of(directory: Path, *requirements: str) -> Path:
    lock = directory / "lock.txt"
    lock.write_text("".join(f"{line}\n" for line in ("# a comment", *requirements)))
    return lock


def imported(environment: EngineEnvironment, expression: str) -> str:
    return subprocess.check_output(
        [environment.python, "-c", f"import prefill; print({expression})"], text=True
    ).strip()


def test_an_install_is_finished_once_and_then_reused_until_its_lock_changes(
    index: Path, home: Path, messages: list[str]
) -> None:
    environment = ensure_engine(
        home, messages.append, device="cpu", lock=lock_of(home.parent, "prefill==1.0")
    )
    assert environment.directory == home / "engine" / "env"
    assert imported(environment, "prefill.TOKENS") == "1"
    assert any("1 of 1, prefill" in message for message in messages)

    messages.clear()
    again = ensure_engine(
        home, messages.append, device="cpu", lock=lock_of(home.parent, "prefill==1.0")
    )
    assert again == environment
    assert messages == []

    ensure_engine(home, messages.append, device="cpu", lock=lock_of(home.parent, "prefill==2.0"))
    assert imported(environment, "prefill.TOKENS") == "2"
    assert any("going on with" in message for message in messages)


def test_an_install_that_was_interrupted_goes_on_with_what_is_there(
    index: Path, begun_home: Path, messages: list[str]
) -> None:
    lock = lock_of(begun_home.parent, "prefill==1.0", "missing==1.0")
    with pytest.raises(LocalEngineError, match="No matching distribution found for missing"):
        ensure_engine(begun_home, messages.append, device="cpu", lock=lock)

    write_wheel(index, "missing", "1.0", {"missing.py": ""})
    messages.clear()
    environment = ensure_engine(begun_home, messages.append, device="cpu", lock=lock)

    assert any("going on with" in message for message in messages)
    assert imported(environment, "prefill.TOKENS") == "1"


def test_a_cuda_build_of_torch_is_refused_and_removed_again(
    index: Path, begun_home: Path, messages: list[str]
) -> None:
    lock = lock_of(begun_home.parent, "torch==2.13.0")
    with pytest.raises(LocalEngineError, match=r"CUDA '13\.0'.*--torch-index URL"):
        ensure_engine(begun_home, messages.append, device="cpu", lock=lock)
    assert not list((begun_home / "engine" / "env").glob("lib/python3.*/site-packages/torch"))

    write_wheel(index, "torch", "2.13.0", {"torch/version.py": "cuda: str | None = None\n"})
    ensure_engine(begun_home, messages.append, device="cpu", lock=lock)


def test_too_little_disk_is_said_before_anything_is_made(
    home: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: usage(100, 99, 1 << 30))
    with pytest.raises(LocalEngineError, match=r"needs 4 GiB of disk.* has 1\.0 GiB free"):
        ensure_engine(home, messages.append, device="cpu")
    assert not (home / "engine" / "env").exists()


def test_an_unsupported_python_is_named(
    home: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "SUPPORTED_PYTHONS", ((3, 9),))
    with pytest.raises(LocalEngineError, match=r"needs Python 3\.11 or 3\.12"):
        ensure_engine(home, messages.append, device="cpu")


def test_the_lock_pins_every_package_to_one_version() -> None:
    lines = [line for line in CPU_LOCK.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line) for line in lines), lines
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines]
    assert len(names) == len(set(names))
    assert {"sglang==0.5.23", "torch==2.13.0", "xgrammar==0.2.7"} <= set(lines)


def test_a_machine_with_an_nvidia_tool_counts_as_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert detect_device() == "cuda"
