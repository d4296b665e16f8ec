"""What a page has in its fences: files, programs, commands, and what they print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(?:`([\w./-]+)`:\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """`name` is the file that the block is, as the line above it says; `printed` is the text block
    right below: what the program or the commands write."""

    page: str
    line: int
    language: str
    code: str
    name: str | None
    printed: str | None = None

    @property
    def place(self) -> str:
        return f"docs/{self.page}:{self.line}"

    @property
    def first_line(self) -> str:
        return self.code.partition("\n")[0]


def blocks(page: str) -> list[Block]:
    return list(_read(page, (DOCS / page).read_text()))


def _read(page: str, text: str) -> Iterator[Block]:
    fences = list(_FENCE.finditer(text))
    assert 2 * len(fences) == len(re.findall("^```", text, re.MULTILINE)), f"{page}: odd fences"
    printed: set[int] = set()
    for here, below in zip(fences, [*fences[1:], None], strict=True):
        if here.start() in printed:
            continue
        name, language, code = here.groups()
        shown = None
        if below and below[2] == "text" and text[here.end() : below.start()] == "\n":
            shown = below[3]
            printed.add(below.start())
        yield Block(page, text.count("\n", 0, here.start()) + 1, language, code, name, shown)
