"""The engine's own virtual environment: SGLang and what it imports, apart from the service's.

SGLang pins packages that clash with the service's, so it never shares an environment with it. On a
CPU every package comes from the lock beside this file; on a CUDA machine SGLang's own requirements
choose.
"""

import contextlib
import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agent_serving.local.commands import Progress, run_logged
from agent_serving.local.errors import LocalEngineError

Device = Literal["cpu", "cuda"]

SUPPORTED_PYTHONS = ((3, 11), (3, 12))
CPU_LOCK = Path(__file__).parent / "requirements-cpu.txt"
CUDA_REQUIREMENT = "sglang==0.5.23"
FREE_BYTES: dict[Device, int] = {"cpu": 4 << 30, "cuda": 24 << 30}

# The lines in which pip names the next package: from an index, already there, or from a directory.
PIP_PACKAGE = re.compile(r"(?:Collecting|Requirement already satisfied:|Processing) (\S+)")

# Triton is imported but compiles nothing on a CPU: its CUDA and ROCm tools are 0.5 GB.
UNUSED_ON_CPU = (
    "triton/backends/nvidia/bin",
    "triton/backends/nvidia/lib/cupti",
    "triton/backends/amd/lib",
)
STRIPPED_ON_CPU = "triton/_C/libtriton.so"


@dataclass(frozen=True)
class EngineEnvironment:
    """A finished engine environment: its directory and the device it serves on."""

    directory: Path
    device: Device

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"


@dataclass
class _Reporter:
    """Prefixes each message with the seconds since the start, and repeats it when all is quiet."""

    on_progress: Progress
    started: float = field(default_factory=time.monotonic)
    last: str = ""

    def say(self, message: str) -> None:
        self.last = message
        self.repeat()

    def repeat(self) -> None:
        self.on_progress(f"[{time.monotonic() - self.started:4.0f} s] {self.last}")


def detect_device() -> Device:
    """Return ``cuda`` where an NVIDIA device or its ``nvidia-smi`` is present."""
    return "cuda" if Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") else "cpu"


def ensure_engine(
    home: Path,
    on_progress: Progress,
    *,
    torch_index: str | None = None,
    device: Device | None = None,
    lock: Path = CPU_LOCK,
) -> EngineEnvironment:
    """Return the engine's environment at ``home/engine/env``, installing what is missing.

    A finished install of the same lock, device and Python is reused at once. An interrupted one
    goes on: packages that are in place stay, downloads come from pip's cache. ``torch_index`` is
    the URL of a package index to take torch from. Blocks; two installs of one home wait for each
    other. Raises LocalEngineError.
    """
    chosen = device or detect_device()
    environment = EngineEnvironment(home.absolute() / "engine" / "env", chosen)
    stamp = environment.directory / "installed.sha256"
    wanted = _fingerprint(chosen, lock)
    if _is_finished(environment, stamp, wanted):
        return environment
    _check_python()
    environment.directory.parent.mkdir(parents=True, exist_ok=True)
    report = _Reporter(on_progress)
    with _only_installer(environment.directory.parent, report):
        if _is_finished(environment, stamp, wanted):
            return environment
        _check_disk(environment.directory.parent, FREE_BYTES[chosen])
        stamp.unlink(missing_ok=True)
        _create_environment(environment, report)
        if chosen == "cpu":
            _install_cpu(environment, lock, torch_index, report)
        else:
            options = ["--extra-index-url", torch_index] if torch_index else []
            _pip(environment, [*options, CUDA_REQUIREMENT], "installing SGLang for CUDA", report)
        stamp.write_text(wanted, encoding="ascii")
        report.say("the engine is installed")
    return environment


def _fingerprint(device: Device, lock: Path) -> str:
    content = lock.read_bytes() if device == "cpu" else CUDA_REQUIREMENT.encode()
    python = f"{device} {sys.version_info.major}.{sys.version_info.minor}\n"
    return hashlib.sha256(python.encode() + content).hexdigest()


def _is_finished(environment: EngineEnvironment, stamp: Path, wanted: str) -> bool:
    return (
        environment.python.exists()
        and stamp.exists()
        and stamp.read_text(encoding="ascii") == wanted
    )


def _check_python() -> None:
    if sys.version_info[:2] not in SUPPORTED_PYTHONS:
        here = ".".join(map(str, sys.version_info[:3]))
        raise LocalEngineError(
            f"The local engine needs Python 3.11 or 3.12; {sys.executable} is Python {here}. "
            "Run agent-serving with one of those, or point it at an SGLang server that runs "
            "elsewhere."
        )


def _check_disk(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise LocalEngineError(
            f"Installing the engine needs {needed / 2**30:.0f} GiB of disk, and {directory} has "
            f"{free / 2**30:.1f} GiB free. Free some space, or choose another data directory."
        )


@contextlib.contextmanager
def _only_installer(directory: Path, report: _Reporter) -> Iterator[None]:
    with (directory / "install.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report.say("waiting for another install of the engine to finish")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _create_environment(environment: EngineEnvironment, report: _Reporter) -> None:
    """Make the environment, or keep one that an interrupted install of this Python left."""
    if _runs_this_python(environment.python):
        report.say("going on with the environment that is there")
        return
    report.say("creating the engine's environment")
    run_logged(
        [sys.executable, "-m", "venv", "--clear", str(environment.directory)],
        what="Creating the engine's virtual environment (on Debian it needs python3-venv)",
        log=_log(environment),
        on_line=lambda line: None,
        on_quiet=report.repeat,
    )


def _runs_this_python(python: Path) -> bool:
    """Whether an environment's interpreter starts, is of our version, and has pip."""
    question = "import sys, pip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(  # noqa: S603 - our own environment's interpreter
            [python, "-I", "-c", question], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _install_cpu(
    environment: EngineEnvironment, lock: Path, torch_index: str | None, report: _Reporter
) -> None:
    requirements = [
        line for line in lock.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    torch = [line for line in requirements if line.startswith("torch==")]
    if torch:
        # First and alone: it is the largest, it may come from another index, and a wrong build
        # shows before the rest is fetched.
        options = ["--index-url", torch_index] if torch_index else []
        _pip(environment, ["--no-deps", *options, *torch], f"installing {torch[0]}", report)
        _check_torch_is_for_cpu(environment, report)
    what = f"installing {len(requirements)} packages"
    _pip(environment, ["--no-deps", "-r", str(lock)], what, report, total=len(requirements))
    _remove_unused(environment, report)


def _pip(
    environment: EngineEnvironment,
    arguments: list[str],
    what: str,
    report: _Reporter,
    total: int | None = None,
) -> None:
    seen = 0

    def follow(line: str) -> None:
        nonlocal seen
        if found := PIP_PACKAGE.match(line):
            seen += 1
            package = Path(found[1]).name
            count = f"{seen} of {total}" if total else str(seen)
            report.say(f"{what}: {count}, {package}")
        elif line.startswith("Installing collected packages"):
            report.say(f"{what}: writing them to disk")

    report.say(what)
    install = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    run_logged(
        [str(environment.python), *install, "--progress-bar", "off", *arguments],
        what=f"The engine's environment ({environment.directory}): {what}",
        log=_log(environment),
        on_line=follow,
        on_quiet=report.repeat,
    )


def _check_torch_is_for_cpu(environment: EngineEnvironment, report: _Reporter) -> None:
    """Raise unless torch is a CPU build; read without importing it, which a wrong build may fail.

    The wrong build is removed again, so that the next try does not take it for the right one.
    """
    version_file = next(environment.directory.glob("lib/python3.*/site-packages/torch/version.py"))
    cuda = re.search(r"^cuda\b.*=\s*(.+)$", version_file.read_text(encoding="utf-8"), re.MULTILINE)
    if cuda is None or cuda[1].strip() == "None":
        return
    run_logged(
        [str(environment.python), "-m", "pip", "uninstall", "--yes", "torch"],
        what="Removing a CUDA build of torch",
        log=_log(environment),
        on_line=lambda line: None,
        on_quiet=report.repeat,
    )
    raise LocalEngineError(
        f"The package index gave a build of torch for CUDA {cuda[1].strip()}, and this machine "
        "has no CUDA device. Pass --torch-index URL with the URL of an index that holds CPU "
        "builds of torch (PyTorch publishes one)."
    )


def _remove_unused(environment: EngineEnvironment, report: _Reporter) -> None:
    for packages in environment.directory.glob("lib/python3.*/site-packages"):
        for name in UNUSED_ON_CPU:
            shutil.rmtree(packages / name, ignore_errors=True)
        library, strip = packages / STRIPPED_ON_CPU, shutil.which("strip")
        if strip and library.exists():
            run_logged(
                [strip, "--strip-unneeded", str(library)],
                what=f"Stripping {library}",
                log=_log(environment),
                on_line=lambda line: None,
                on_quiet=report.repeat,
            )


def _log(environment: EngineEnvironment) -> Path:
    return environment.directory.parent / "install.log"
