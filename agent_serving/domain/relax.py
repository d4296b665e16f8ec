"""The copy of a schema that the engine's grammar can express.

Measured with xgrammar 0.2.7 (SGLang 0.5.23): it answers 400 to `not`, `if`, `contains`,
`multipleOf`, `uniqueItems`, `dependent*`, unknown formats, two of format, pattern and length
together, empty enums and false schemas; it silently ignores what stands beside `anyOf`, all but
one of `allOf`, and required members that are not among the properties. What is left out here is
enforced by validation, before anything acts on the value.
"""

from __future__ import annotations

import math
from typing import Any

from agent_serving.domain.pattern import expressible
from agent_serving.domain.schema_walk import every
from agent_serving.domain.tidy import closed
from agent_serving.domain.values import JsonSchema

FORMATS = frozenset(
    {
        *["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "json-pointer"],
        *["relative-json-pointer", "time", "uri", "uri-reference", "uri-template", "uuid"],
    }
)
_MAX_COPIED = 50
"""Schemas beside an `anyOf` that are copied into each of its branches; more are not worth it."""

_INT64 = 2**63 - 1
_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def relaxed(schema: JsonSchema) -> JsonSchema:
    """A schema that allows at least what `schema` allows of the values that models write: each
    object's members in the order of its properties, and none that are not named, unless
    `additionalProperties` asks for them. Raises SchemaRejected as `closed` does."""
    result = _relaxed(closed(schema, root="any"))
    return result if isinstance(result, dict) else {}


def _relaxed(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    schema = _without_all_of(schema)
    branches = next((schema[key] for key in ("anyOf", "oneOf") if schema.get(key)), None)
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
    plain = _keywords(rest)
    if not branches:
        return plain
    if not plain:
        return _any_of([_relaxed(branch) for branch in branches])
    if sum(1 for _ in every(plain)) > _MAX_COPIED:
        return plain
    return _any_of([_relaxed(_merged(rest, branch)) for branch in branches])


def _any_of(branches: list[Any]) -> JsonSchema:
    distinct: list[Any] = []
    for branch in branches:
        if branch is not False and branch not in distinct:
            distinct.append(branch)
    if len(distinct) == 1:
        return distinct[0] if isinstance(distinct[0], dict) else {}
    return {"anyOf": distinct} if distinct else {}


def _keywords(schema: JsonSchema) -> JsonSchema:
    types = _types(schema)
    if "const" in schema:
        return {"const": schema["const"]}
    if "enum" in schema:
        fitting = [value for value in schema["enum"] if not types or _is(value, types)]
        return {"enum": fitting or schema["enum"]}
    if not types:
        return {}
    result: JsonSchema = {"type": schema["type"]}
    if "object" in types:
        result |= _object(schema)
    if "array" in types:
        result |= _array(schema)
    if "string" in types:
        result |= _string(schema)
    if {"integer", "number"} & types:
        result |= _number(schema, whole="number" not in types)
    return result


def _object(schema: JsonSchema) -> JsonSchema:
    result: JsonSchema = {}
    others = schema.get("additionalProperties")
    if "patternProperties" in schema:
        others = True
    named = {
        name: _relaxed(inner)
        for name, inner in schema.get("properties", {}).items()
        if inner is not False
    }
    required = [name for name in schema.get("required", []) if isinstance(name, str)]
    for name in required:
        named.setdefault(name, _relaxed(others) if isinstance(others, dict) else {})
    if named or "properties" in schema:
        result["properties"] = named
    if required:
        result["required"] = list(dict.fromkeys(required))
    if others is not None:
        result["additionalProperties"] = _relaxed(others)
    return result


def _array(schema: JsonSchema) -> JsonSchema:
    result: JsonSchema = {}
    if schema.get("prefixItems"):
        result["prefixItems"] = [
            {} if isinstance(inner := _relaxed(item), bool) else inner
            for item in schema["prefixItems"]
        ]
    if "items" in schema:
        result["items"] = _relaxed(schema["items"])
    return result | {key: schema[key] for key in ("minItems", "maxItems") if key in schema}


def _string(schema: JsonSchema) -> JsonSchema:
    """One of format, pattern and length: the engine refuses two."""
    if schema.get("format") in FORMATS:
        return {"format": schema["format"]}
    if "pattern" in schema and (pattern := expressible(schema["pattern"])) is not None:
        return {"pattern": pattern}
    return {key: schema[key] for key in ("minLength", "maxLength") if key in schema}


def _number(schema: JsonSchema, *, whole: bool) -> JsonSchema:
    bounds: JsonSchema = {
        key: schema[key]
        for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
        if key in schema and abs(schema[key]) <= _INT64 and "e" not in repr(schema[key])
    }
    if not whole:
        return bounds
    lows = [math.ceil(bounds[key]) for key in ("minimum",) if key in bounds]
    lows += [math.floor(bounds[key]) + 1 for key in ("exclusiveMinimum",) if key in bounds]
    highs = [math.floor(bounds[key]) for key in ("maximum",) if key in bounds]
    highs += [math.ceil(bounds[key]) - 1 for key in ("exclusiveMaximum",) if key in bounds]
    result: JsonSchema = {}
    if lows:
        result["minimum"] = max(lows)
    if highs:
        result["maximum"] = min(highs)
    return result


def _without_all_of(schema: JsonSchema) -> JsonSchema:
    while schema.get("allOf"):
        parts = schema["allOf"]
        schema = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            schema = _merged(schema, part)
    return schema


def _merged(first: JsonSchema, second: Any) -> JsonSchema:
    """About what both say; where they cannot be combined, what the first says."""
    if not isinstance(second, dict):
        return first
    result = dict(first)
    for key, value in second.items():
        if key not in first:
            result[key] = value
            continue
        match key:
            case "properties":
                result[key] = dict(first[key])
                for name, inner in value.items():
                    mine = first[key].get(name)
                    result[key][name] = _merged(mine, inner) if isinstance(mine, dict) else inner
            case "required" | "allOf":
                result[key] = [*first[key], *(one for one in value if one not in first[key])]
            case "minimum" | "exclusiveMinimum" | "minLength" | "minItems":
                result[key] = max(first[key], value)
            case "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems":
                result[key] = min(first[key], value)
            case "enum":
                result[key] = [one for one in first[key] if one in value] or first[key]
            case "type":
                common = sorted(_types(first) & _types(second))
                result[key] = (common[0] if len(common) == 1 else common) or first[key]
    return result


def _types(schema: JsonSchema) -> frozenset[str]:
    value = schema.get("type", [])
    return frozenset([value] if isinstance(value, str) else value)


def _is(value: Any, types: frozenset[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, float) and value.is_integer() and "integer" in types:
        return True
    return any(isinstance(value, _TYPES[name]) for name in types)
