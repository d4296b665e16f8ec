"""Makes `synchronous` from `asynchronous`: the same program without its awaits.

    python -m agent_serving.client.generate

Needs ruff, which orders and formats what it writes. `waiting.py` is written by hand in both.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent / "asynchronous"
TARGET = Path(__file__).parent / "synchronous"
BY_HAND = "waiting.py"
# Order of imports, and loops that a program without awaits writes shorter.
SIMPLIFY = ["check", "--fix", "--unsafe-fixes", "--select", "I,UP028,C416"]

NOTE = "# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.\n"

WORDS = {
    "aclose": "close",
    "aclosing": "closing",
    "aiter_bytes": "iter_bytes",
    "anext": "next",
    "aread": "read",
    "asynchronous": "synchronous",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "with an event loop": "without an event loop",
}
RULES = [
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsyncGenerator\[(.+?), None\]", r"Generator[\1, None, None]"),
    (r"\bAsyncGenerator\b", "Generator"),
    (r"\bAsync([A-Z]\w+)", r"\1"),
    (r" `synchronous` is made from it\.", ""),
    *((rf"(?<!\w){re.escape(word)}(?!\w)", other) for word, other in WORDS.items()),
]


def written() -> Iterator[tuple[Path, str]]:
    """Each file to be, with its text."""
    for path in sorted(SOURCE.glob("*.py")):
        if path.name != BY_HAND:
            yield TARGET / path.name, _formatted(synchronous(path.read_text()), path.name)


def synchronous(text: str) -> str:
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    docstring, rest = text.split('"""\n', 1)
    return f'{docstring}"""\n\n{NOTE}{rest}'


def _formatted(text: str, name: str) -> str:
    for command in (SIMPLIFY, ["format"]):
        line = [sys.executable, "-m", "ruff", *command, "--quiet"]
        line += ["--stdin-filename", str(TARGET / name), "-"]
        text = subprocess.run(line, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603  # no words of others
    return text


def main() -> None:
    for path, text in written():
        path.write_text(text)


if __name__ == "__main__":
    main()
