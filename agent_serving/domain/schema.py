"""Schemas from outside: accepted or refused when they are registered, enforced when they are
used. The engine gets a copy that it can express (`relaxed`); nothing acts on a value before the
whole schema holds for it (`problem`)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, assert_never

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from agent_serving.domain.errors import SchemaRejected
from agent_serving.domain.pattern import MAX_LENGTH, MAX_STATES, Pattern, cost, expressible
from agent_serving.domain.relax import relaxed
from agent_serving.domain.schema_walk import every, member
from agent_serving.domain.tidy import MAX_DEPTH, MAX_NODES, closed
from agent_serving.domain.validation import answer_problem, error_path, problem, shortened
from agent_serving.domain.values import (
    ChoiceOutput,
    EbnfOutput,
    JsonSchema,
    JsonSchemaOutput,
    Output,
    RegexOutput,
)

__all__ = ["answer_problem", "check", "check_output", "closed", "problem", "relaxed"]

MAX_BYTES = 64 * 1024
MAX_ENUM = 1000
MAX_WRITTEN = 100_000
"""Characters of the shortest value that a schema allows: more than a reply can hold."""

MAX_PATTERN_STATES = 10 * MAX_STATES
"""All patterns of a schema together."""

_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
    ("minimum", "maximum"),
)


def check(schema: JsonSchema, *, param: str | None) -> None:
    """Whether a schema can be used. Raises SchemaRejected, with the JSON path in it: not valid
    JSON Schema (draft 2020-12), references that loop or lead outside, too deep, too large, no
    value can fit, or its grammar would be too large for the engine to compile in time."""
    _check_size(schema, param)
    plain = closed(schema, param=param, root="any")
    # Formats off: the meta-schema would compile patterns as Python's.
    try:
        Draft202012Validator.check_schema(plain, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        path = error_path(error)
        raise SchemaRejected(
            f"Not valid JSON Schema: {shortened(error.message)}", path=path, param=param
        ) from None
    for part, path in every(plain):
        for reason, place in _faults(part, path):
            raise SchemaRejected(reason, path=place, param=param)
    _check_cost(plain, param)


def _check_size(schema: JsonSchema, param: str | None) -> None:
    try:
        size = len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode())
    except RecursionError:
        raise SchemaRejected(
            f"The schema is nested deeper than {MAX_DEPTH} levels.", path="$", param=param
        ) from None
    except (TypeError, ValueError) as error:
        raise SchemaRejected(f"Not JSON: {error}.", path="$", param=param) from None
    if size > MAX_BYTES:
        raise SchemaRejected(
            f"The schema has {size} bytes; at most {MAX_BYTES} are allowed.", path="$", param=param
        )


def _faults(schema: JsonSchema, path: str) -> Iterator[tuple[str, str]]:
    if "enum" in schema:
        count = len(schema["enum"])
        if not 0 < count <= MAX_ENUM:
            yield f"An enum has 1 to {MAX_ENUM} values, not {count}.", member(path, "enum")
    for low, high in _BOUNDS:
        if schema.get(low, -math.inf) > schema.get(high, math.inf):
            yield f"{low} is greater than {high}: no value can fit.", member(path, low)
    if "pattern" in schema:
        yield from _pattern_faults(schema["pattern"], member(path, "pattern"))
    patterns = schema.get("patternProperties", {})
    for pattern in patterns:
        yield from _pattern_faults(pattern, member(member(path, "patternProperties"), pattern))
    if "unevaluatedProperties" in schema and any(
        "patternProperties" in part for part, _ in every(schema)
    ):
        # The validator would match these patterns with Python's `re`, which can hang.
        yield (
            "unevaluatedProperties cannot be used with patternProperties;"
            " use additionalProperties.",
            member(path, "unevaluatedProperties"),
        )


def _pattern_faults(pattern: str, path: str) -> Iterator[tuple[str, str]]:
    if len(pattern) > MAX_LENGTH:
        yield f"A pattern has at most {MAX_LENGTH} characters.", path
        return
    try:
        Pattern(pattern)
    except ValueError as error:
        yield (
            f"The pattern cannot be matched in bounded time: {error}."
            " Look-around and back-references are not supported.",
            path,
        )


def _check_cost(schema: JsonSchema, param: str | None) -> None:
    least = _least(schema)
    if least > MAX_WRITTEN:
        raise SchemaRejected(
            f"The shortest value that fits has about {least} characters; at most {MAX_WRITTEN}"
            " can be written. Lower minItems and minLength.",
            path="$",
            param=param,
        )
    grammar = relaxed(schema)
    if sum(1 for _ in every(grammar)) > MAX_NODES:
        raise SchemaRejected(
            f"The schema's grammar has more than {MAX_NODES} parts: combine fewer alternatives.",
            path="$",
            param=param,
        )
    states = 0
    for part, path in every(schema):
        if "pattern" in part and (inner := expressible(part["pattern"])) is not None:
            states += cost(inner) or 0
        if states > MAX_PATTERN_STATES:
            raise SchemaRejected(
                f"The patterns of the schema have more than {MAX_PATTERN_STATES} states together:"
                " the engine would take too long to compile them. Lower their repetitions.",
                path=path,
                param=param,
            )


def _least(schema: Any) -> int:
    """About how many characters the shortest value has."""
    if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
        return 1
    sizes = [1, int(schema.get("minLength", 0))]
    items = int(schema.get("minItems", 0))
    sizes.append(items * max(2, _least(schema.get("items", True))))
    properties = schema.get("properties", {})
    required = [name for name in schema.get("required", []) if name in properties]
    sizes.append(sum(len(name) + _least(properties[name]) for name in required))
    sizes.append(int(schema.get("minProperties", 0)) * 4)
    sizes += [_least(part) for part in schema.get("allOf", [])]
    for key in ("anyOf", "oneOf"):
        sizes.append(min((_least(part) for part in schema.get(key, [])), default=0))
    return max(sizes)


def check_output(output: Output, *, param: str) -> None:
    """Whether a final answer can be constrained like this. Raises SchemaRejected."""
    match output:
        case JsonSchemaOutput():
            check(output.schema_, param=param)
        case RegexOutput():
            for reason, path in _pattern_faults(output.pattern, "$.pattern"):
                raise SchemaRejected(reason, path=path, param=param)
            states = cost(output.pattern)
            if states is None or states > MAX_STATES:
                raise SchemaRejected(
                    "The engine's grammar cannot hold this expression: it has no look-around, word"
                    " boundary, back-reference, named group, flag or inner anchor, and at most"
                    f" {MAX_STATES} states with repetitions written out.",
                    path="$.pattern",
                    param=param,
                )
        case EbnfOutput():
            _check_grammar(output.grammar, param)
        case ChoiceOutput():
            for index, choice in enumerate(output.choices):
                if not choice or choice in output.choices[:index]:
                    raise SchemaRejected(
                        "Each choice is a text of its own, and none is empty.",
                        path=f"$.choices[{index}]",
                        param=param,
                    )
        case _:
            assert_never(output)


def _check_grammar(grammar: str, param: str) -> None:
    if not re.search(r"^[ \t]*root[ \t]*::=", grammar, re.MULTILINE):
        raise SchemaRejected(
            "The grammar has no rule `root ::= …`. The engine reads GBNF (xgrammar's EBNF); a Lark"
            " grammar (`start: …`) has to be rewritten.",
            path="$.grammar",
            param=param,
        )
    for match in re.finditer(r"\{\s*\d*\s*,?\s*(\d+)\s*\}", grammar):
        if len(match[1]) > 4 or int(match[1]) > MAX_STATES:
            raise SchemaRejected(
                f"The repetition {match[0]} is too large: at most {MAX_STATES}.",
                path="$.grammar",
                param=param,
            )
