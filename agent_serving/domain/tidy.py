"""Schemas as they are found in the world, made into JSON Schema that stands alone."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import unquote

from agent_serving.domain.errors import SchemaRejected
from agent_serving.domain.schema_walk import ANNOTATIONS, LISTS, MAPS, SINGLE, member
from agent_serving.domain.values import JsonSchema

MAX_DEPTH = 32
MAX_NODES = 2000

_TYPES = {
    "object": ("object", "dict", "dictionary", "map", "mapping", "hashmap", "record", "struct"),
    "array": ("array", "list", "arraylist", "tuple", "set", "frozenset", "sequence"),
    "string": ("string", "str", "text", "char", "character"),
    "number": ("number", "float", "double", "decimal", "real"),
    "integer": ("integer", "int", "long", "short", "byte", "bigint"),
    "boolean": ("boolean", "bool"),
    "null": ("null", "none", "nonetype", "nil"),
}
_SPELLINGS = {spelling: name for name, spellings in _TYPES.items() for spelling in spellings}
_ANYTHING = frozenset({"any", "object | any", "unknown", "mixed", "*"})
_DROPPED = frozenset(
    {"$anchor", "$defs", "$dynamicAnchor", "$id", "$schema", "$vocabulary", "definitions", "id"}
)
_KEEPS_NULL = frozenset({"const", "default", "examples"})


def closed(
    schema: JsonSchema, *, param: str | None = None, root: Literal["object", "any"] = "object"
) -> JsonSchema:
    """A copy that stands alone (local `$ref`s are written out) and is spelled as JSON Schema:
    types as programming languages name them (dict, float, tuple, list, any …), a missing
    `type: object`, drafts 4 to 7's tuples, exclusive bounds and dependencies.
    With `root="object"` it describes an object, as a tool's parameters must.

    Raises SchemaRejected: references that loop, lead outside or nowhere; a type that is none;
    more than 2 000 schemas or 32 levels once everything is written out.
    """
    tidy = _Tidy(schema, param)
    tidied = tidy.schema(schema, "$", 0, ())
    result: JsonSchema = tidied if isinstance(tidied, dict) else {} if tidied else {"not": {}}
    if root == "object" and not result:
        return {"type": "object", "properties": {}}
    if root == "object":
        if not {"type", "enum", "const", "anyOf", "oneOf", "allOf"} & result.keys():
            result["type"] = "object"
        if result.get("type", "object") != "object":
            raise SchemaRejected(
                f"The parameters of a tool must be an object, not {result['type']!r}."
                " Put the value into a property.",
                path="$.type",
                param=param,
            )
    return result


class _Tidy:
    def __init__(self, document: JsonSchema, param: str | None) -> None:
        self._document = document
        self._param = param
        self._nodes = 0

    def _reject(self, message: str, path: str) -> SchemaRejected:
        return SchemaRejected(message, path=path, param=self._param)

    def schema(self, value: Any, path: str, depth: int, refs: tuple[str, ...]) -> Any:
        if isinstance(value, bool):
            return value
        if not isinstance(value, dict):
            raise self._reject(f"A schema is an object or a boolean, not {_shown(value)}.", path)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._reject(
                f"The schema has more than {MAX_NODES} parts with its references written out."
                " Split the tool, or leave parts of the schema open.",
                path,
            )
        if depth > MAX_DEPTH:
            raise self._reject(f"The schema is nested deeper than {MAX_DEPTH} levels.", path)
        if "$ref" in value:
            return self._referenced(value, path, depth, refs)
        for key in ("$dynamicRef", "$recursiveRef"):
            if key in value:
                raise self._reject(f"{key} cannot be written out; use $ref.", member(path, key))
        return self._members(value, path, depth, refs)

    def _referenced(self, value: JsonSchema, path: str, depth: int, refs: tuple[str, ...]) -> Any:
        reference = value["$ref"]
        place = member(path, "$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise self._reject(
                f"$ref {_shown(reference)} leads outside of this schema; references are not"
                " fetched. Put what it names into $defs.",
                place,
            )
        if reference in refs:
            raise self._reject(
                f"$ref {reference!r} leads back to itself; a recursive schema cannot be written"
                " out. Bound its depth by hand.",
                place,
            )
        target = self._target(reference, place)
        result = self.schema(target, path, depth + 1, (*refs, reference))
        siblings = {key: inner for key, inner in value.items() if key != "$ref"}
        notes = {key: inner for key, inner in siblings.items() if key in ANNOTATIONS}
        if siblings.keys() - notes.keys() - _DROPPED:
            return {"allOf": [result], **self._members(siblings, path, depth, refs)}
        return {**result, **notes} if isinstance(result, dict) else result

    def _target(self, reference: str, place: str) -> Any:
        current: Any = self._document
        for step in reference[1:].split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(current, dict) and key in current:
                current = current[key]
            elif isinstance(current, list) and key.isdecimal() and int(key) < len(current):
                current = current[int(key)]
            else:
                raise self._reject(f"$ref {reference!r} names nothing in this schema.", place)
        if reference not in ("#", "#/") and not reference.startswith("#/"):
            raise self._reject(f"$ref {reference!r}: use a JSON pointer (#/$defs/…).", place)
        return current

    def _members(self, value: JsonSchema, path: str, depth: int, refs: tuple[str, ...]) -> Any:
        result: JsonSchema = {}
        for key, inner in value.items():
            place = member(path, key)
            if key in _DROPPED or (inner is None and key not in _KEEPS_NULL):
                continue
            if key == "items" and isinstance(inner, list):
                key, place = "prefixItems", path + ".items"
            if key == "type":
                if (name := self._type(inner, place)) is not None:
                    result["type"] = name
            elif key in SINGLE and isinstance(inner, dict | bool):
                result[key] = self.schema(inner, place, depth + 1, refs)
            elif key in LISTS and isinstance(inner, list):
                result[key] = [
                    self.schema(one, member(place, index), depth + 1, refs)
                    for index, one in enumerate(inner)
                ]
            elif key in MAPS and isinstance(inner, dict):
                result[key] = {
                    name: self.schema(one, member(place, name), depth + 1, refs)
                    for name, one in inner.items()
                }
            elif key == "dependencies" and isinstance(inner, dict):
                self._dependencies(result, inner, place, depth, refs)
            else:
                result[key] = inner
        return _repaired(result)

    def _dependencies(
        self, result: JsonSchema, value: JsonSchema, path: str, depth: int, refs: tuple[str, ...]
    ) -> None:
        for name, inner in value.items():
            if isinstance(inner, list):
                result.setdefault("dependentRequired", {})[name] = inner
            else:
                one = self.schema(inner, member(path, name), depth + 1, refs)
                result.setdefault("dependentSchemas", {})[name] = one

    def _type(self, value: Any, path: str) -> str | list[str] | None:
        if isinstance(value, list):
            names = [self._type(one, member(path, index)) for index, one in enumerate(value)]
            plain = [name for name in names if isinstance(name, str)]
            return list(dict.fromkeys(plain)) if len(plain) == len(names) and plain else None
        spelling = value.strip().lower() if isinstance(value, str) else ""
        if spelling in _ANYTHING:
            return None
        name = _SPELLINGS.get(spelling.partition("[")[0].partition("<")[0].strip())
        if name is None:
            raise self._reject(
                f"{_shown(value)} is no type. Types: {', '.join(_TYPES)}.",
                path,
            )
        return name


def _repaired(schema: JsonSchema) -> JsonSchema:
    """What older drafts and hand-written schemas say differently."""
    for bound in ("Minimum", "Maximum"):
        if isinstance(exclusive := schema.get(f"exclusive{bound}"), bool):
            del schema[f"exclusive{bound}"]
            if exclusive and bound.lower() in schema:
                schema[f"exclusive{bound}"] = schema.pop(bound.lower())
    properties = schema.get("properties")
    if isinstance(properties, dict):
        schema.setdefault("type", "object")
        marked = [
            name
            for name, inner in properties.items()
            if isinstance(inner, dict) and inner.get("required") is True
        ]
        if marked:
            listed = schema.get("required")
            others = listed if isinstance(listed, list) else []
            schema["required"] = list(dict.fromkeys([*others, *marked]))
        for inner in properties.values():
            if isinstance(inner, dict) and isinstance(inner.get("required"), bool):
                del inner["required"]
    return schema


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
