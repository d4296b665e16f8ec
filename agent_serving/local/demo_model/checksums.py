"""The checksums beside a model's files, in the form of `sha256sum`."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from agent_serving.local.errors import LocalEngineError

NAME = "SHA256SUMS"


def write(directory: Path) -> None:
    lines = [
        f"{_digest(path)}  {path.name}\n"
        for path in sorted(directory.iterdir())
        if path.is_file() and path.name != NAME
    ]
    (directory / NAME).write_text("".join(lines))


def verify(directory: Path) -> None:
    """Raises LocalEngineError: a file is missing or is not the one that was written."""
    try:
        lines = (directory / NAME).read_text().splitlines()
    except OSError as error:
        raise LocalEngineError(
            f"The model in {directory} has no readable {NAME} ({error.strerror}). {_REMEDY}"
        ) from error
    for line in lines:
        digest, _, name = line.partition("  ")
        path = directory / name
        if not path.is_file() or _digest(path) != digest:
            what = "is damaged" if path.is_file() else "is missing"
            raise LocalEngineError(f"{path} of the model {what}. {_REMEDY}")


_REMEDY = "Install agent-serving again, or name a model of yours with --model DIR."


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
