"""Google-style docstrings, as far as a tool needs them: prose, and a line per argument."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_SECTION = re.compile(r"(Args|Arguments|Parameters|Raises):\s*$")
_ENTRY = re.compile(r"\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Docstring:
    """`arguments` maps a parameter to its description, joined to one line."""

    description: str
    arguments: dict[str, str]


def parse_docstring(text: str) -> Docstring:
    """The description is everything outside of `Args:` and `Raises:`."""
    prose: list[str] = []
    sections: dict[str, list[str]] = {}
    current = prose
    for line in inspect.cleandoc(text).splitlines():
        if heading := _SECTION.match(line):
            current = sections.setdefault(heading[1], [])
            continue
        if line and not line[0].isspace():
            current = prose
        current.append(line)
    entries = [
        line
        for heading, lines in sections.items()
        if heading != "Raises"
        for line in inspect.cleandoc("\n" + "\n".join(lines)).splitlines()
    ]
    return Docstring("\n".join(prose).strip(), _arguments(entries))


def _arguments(lines: list[str]) -> dict[str, str]:
    arguments: dict[str, str] = {}
    name = None
    for line in lines:
        entry = None if line[:1].isspace() else _ENTRY.match(line)
        if entry:
            name = entry["name"]
            arguments[name] = entry["text"].strip()
        elif name and line.strip():
            arguments[name] = f"{arguments[name]} {line.strip()}".strip()
    return arguments
