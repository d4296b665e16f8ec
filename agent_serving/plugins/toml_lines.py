"""Where in a TOML file a value stands: the standard library's reader does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def line_of(text: str, field: str | None) -> int:
    """The line, from 1, on which `field` (`tools[1].name`) begins; of a field that is not there the
    line of what should have it, 1 where that is the file itself. `text` is TOML."""
    path = _existing(tomllib.loads(text), _parts(field or ""))
    lines = text.splitlines(keepends=True)
    begin = 1
    for end in range(1, len(lines) + 1) if path else ():
        # What can be read up to here is whole statements; the next one begins behind it.
        try:
            content = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if _existing(content, path) == path:
            return begin
        begin = end + 1
    return 1


def _parts(field: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _PART.findall(field)]


def _existing(content: Any, path: Sequence[str | int]) -> list[str | int]:
    found: list[str | int] = []
    for part in path:
        match content:
            case dict() if part in content:
                content = content[part]
            case list() if isinstance(part, int) and part < len(content):
                content = content[part]
            case _:
                break
        found.append(part)
    return found
