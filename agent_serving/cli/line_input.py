"""Lines that a person types, or that come through a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from types import ModuleType

from rich.console import Console

# The standard library's: arrow keys, history and search are all that a chat needs, and whoever
# installs only the client gets no further package.
readline: ModuleType | None = None
with contextlib.suppress(ImportError):  # not in every Python
    import readline

NEW_LINE = r'"\e\C-m": "\C-v\C-j"'
"""Alt-Enter puts a line break into the line. GNU readline keeps those of a pasted text, too."""


class LineInput:
    """`interactive` where both ends are a terminal: there are prompts and a history then."""

    def __init__(self, out: Console) -> None:
        self.interactive = out.is_terminal and sys.stdin.isatty()
        self._coloured = self.interactive and readline is not None and not out.no_color
        if self.interactive and readline is not None:
            readline.set_auto_history(False)
            readline.parse_and_bind(NEW_LINE)

    def read(self, prompt: str, *, style: str = "1;36") -> str:
        """What was typed; a line that ends in a backslash goes on in the next one. Raises EOFError,
        KeyboardInterrupt."""
        text = self._line(prompt, style)
        while text.endswith("\\"):
            text = f"{text[:-1]}\n{self._line('…', style)}"
        return text

    def remember(self, texts: Iterable[str]) -> None:
        """What the arrow keys bring back."""
        if self.interactive and readline is not None:
            for text in texts:
                readline.add_history(text)

    def _line(self, prompt: str, style: str) -> str:
        if not self.interactive:
            return input()
        if self._coloured:
            # Between \1 and \2 is what takes no room on the line.
            prompt = f"\1\x1b[{style}m\2{prompt}\1\x1b[0m\2"
        return input(f"{prompt} ")
