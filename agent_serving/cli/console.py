"""What a person sees: colour and a moving line on a terminal, plain lines in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

PLAIN_WIDTH = 118
PLAIN_SECONDS = 10.0
"""Between two lines of progress where no line can be overwritten."""

_ELAPSED = re.compile(r"^\[ *\d+ s\] ")


def console(*, stderr: bool = False) -> Console:
    """Rich honours NO_COLOR; where nobody looks, lines are not folded to 80 columns."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=PLAIN_WIDTH)


def program() -> str:
    """How this program is to be called from here: its path where it is not on PATH."""
    called = Path(sys.argv[0])
    if called.name != "agent-serving" or shutil.which(called.name):
        return "agent-serving"
    return os.path.relpath(called)


@contextmanager
def progress(out: Console, title: str) -> Iterator[Callable[[str], None]]:
    """What a long task says while it runs. On a terminal one line that is overwritten; else a
    line when there is news, but not more than one in ten seconds."""
    if out.is_terminal:
        with out.status(title) as status:
            yield lambda message: status.update(f"{title} [dim]{escape(message)}[/dim]")
        return
    yield _Lines(out, title).say


class _Lines:
    def __init__(self, out: Console, title: str) -> None:
        self._out = out
        self._title = title
        self._said = -PLAIN_SECONDS
        self._last = ""

    def say(self, message: str) -> None:
        now, news = time.monotonic(), _ELAPSED.sub("", message)
        if news == self._last or now - self._said < PLAIN_SECONDS:
            return
        self._said, self._last = now, news
        self._out.print(f"{self._title} {message}", markup=False, soft_wrap=True)
