"""Death at a definite point: who comes by while it is ordered dies of SIGKILL, once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Literal

from tests.chaos.diary import Diary

Point = Literal[
    "accept", "first token", "mid-stream", "commit", "in a tool", "behind a tool", "waiting",
    "adoption",
]  # fmt: skip


class Doom:
    """Orders are files, so that they reach every process, and only one of them can take each."""

    def __init__(self, folder: Path) -> None:
        self._orders = folder / "orders"
        self._orders.mkdir(exist_ok=True)
        self._diary = Diary(folder / "diary")

    def order(self, point: Point, *, session: str = "", then: Point | None = None) -> None:
        """The first process that comes by, with this session where one is named, dies; `then` is
        ordered for the same session in that moment."""
        made = self._orders / f"{point}.new"
        made.write_text(json.dumps({"session": session, "then": then}))
        made.rename(self._orders / point)

    def outstanding(self) -> list[str]:
        return sorted(path.name for path in self._orders.iterdir())

    def withdraw(self) -> None:
        for path in self._orders.iterdir():
            path.unlink()

    def met(self, point: Point, session: str) -> None:
        """Does not return where death was ordered."""
        path = self._orders / point
        try:
            order = json.loads(path.read_text())
            if order["session"] not in ("", session):
                return
            path.unlink()
        except FileNotFoundError:
            return
        if order["then"]:
            self.order(order["then"], session=session)
        self._diary.write("death", point=point, session=session)
        with contextlib.suppress(ProcessLookupError):
            os.kill(os.getpid(), signal.SIGKILL)
