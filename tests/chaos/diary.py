"""What happened and when, as all processes of a campaign write it down: one line each, at once."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Diary:
    """An append-only file: a line that was written stays, whoever dies then. `at` is
    CLOCK_MONOTONIC, which the processes of a machine share, and no jump of a clock moves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, kind: str, *, pid: int | None = None, **more: Any) -> None:
        line = {"at": time.monotonic(), "kind": kind, "pid": pid or os.getpid(), **more}
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def lines(self, *kinds: str) -> list[Line]:
        read = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [line for line in read if not kinds or line["kind"] in kinds]

    def since(self, at: float) -> list[Line]:
        return [line for line in self.lines() if line["at"] >= at]


def write_effect(witness: Path, key: str) -> None:
    """An effect upon the world, outside of the service: it cannot be taken back."""
    file = os.open(witness, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, key.encode() + b"\n")
    finally:
        os.close(file)
