"""Where in a request something is wrong: `inputs[0].call_id`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Part = str | int


def dotted(parts: Sequence[Part]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def in_body(body: Any, loc: Sequence[Part], *, missing: bool) -> list[Part]:
    """A pydantic location without what is not part of the body: the tags of unions. With
    `missing` the last part names a field that is not there."""
    found: list[Part] = []
    value = body
    for part in loc:
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if isinstance(part, int) and part < len(value):
                value = value[part]
            case _:
                continue
        found.append(part)
    return [*found, loc[-1]] if missing and loc else found
