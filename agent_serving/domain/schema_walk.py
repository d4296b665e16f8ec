"""Where schemas stand inside a schema (JSON Schema, draft 2020-12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SINGLE = frozenset(
    {
        *["additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"],
        *["propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"],
    }
)
LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
MAPS = frozenset({"dependentSchemas", "patternProperties", "properties"})
ANNOTATIONS = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title"}
    | {"writeOnly"}
)


def member(path: str, key: str | int) -> str:
    """The path of a member: `$.properties.a`, `$.anyOf[0]`, `$.properties["two words"]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if re.fullmatch(r"[$A-Za-z_][$\w-]*", key):
        return f"{path}.{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def subschemas(schema: dict[str, Any], path: str) -> Iterator[tuple[Any, str]]:
    """The schemas directly inside a schema, each with its path."""
    for key, value in schema.items():
        place = member(path, key)
        if key in SINGLE:
            yield value, place
        elif key in LISTS and isinstance(value, list):
            yield from ((inner, member(place, index)) for index, inner in enumerate(value))
        elif key in MAPS and isinstance(value, dict):
            yield from ((inner, member(place, name)) for name, inner in value.items())


def every(schema: Any, path: str = "$") -> Iterator[tuple[dict[str, Any], str]]:
    """All schemas that are objects, the outermost first. `schema` must be closed."""
    stack = [(schema, path)]
    while stack:
        current, place = stack.pop()
        if isinstance(current, dict):
            yield current, place
            stack.extend(subschemas(current, place))
