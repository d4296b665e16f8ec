"""Whether a value that a model wrote is what a schema asks for, and what to tell it if not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, assert_never

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend

from agent_serving.domain.pattern import Pattern, whole
from agent_serving.domain.schema_walk import member
from agent_serving.domain.values import (
    ChoiceOutput,
    EbnfOutput,
    JsonSchema,
    JsonSchemaOutput,
    Output,
    RegexOutput,
)

_MAX_SHOWN = 300


def problem(schema: JsonSchema, arguments_text: str) -> str | None:
    """What is wrong with the arguments that a model wrote, as a sentence for the model; None
    when the whole schema holds for them. `schema` must have passed `check`."""
    return _json_problem(schema, arguments_text, "arguments", must_be_object=True)


def answer_problem(output: Output, text: str) -> str | None:
    """The same for a final answer. A grammar in EBNF is left to the engine."""
    match output:
        case JsonSchemaOutput():
            return _json_problem(output.schema_, text, "answer", must_be_object=False)
        case RegexOutput():
            fits = whole(output.pattern).found_in(text)
            return None if fits else f"The answer does not match {output.pattern}."
        case ChoiceOutput():
            listed = ", ".join(json.dumps(choice) for choice in output.choices)
            fits = text in output.choices
            return None if fits else f"The answer is none of {shortened(listed)}."
        case EbnfOutput():
            return None
        case _:
            assert_never(output)


def _json_problem(schema: JsonSchema, text: str, what: str, *, must_be_object: bool) -> str | None:
    if not text.strip():
        return f"The {what} must be valid JSON: nothing was written."
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return f"The {what} must be valid JSON: half of a surrogate pair stands alone."
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return f"The {what} must be valid JSON: {shortened(reason)}."
    if must_be_object and not isinstance(value, dict):
        return f"The {what} must be a JSON object, not {shortened(json.dumps(value))}."
    try:
        validator = _VALIDATOR(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        worst = best_match(validator.iter_errors(value))
    except RecursionError:
        return f"The {what} must be valid JSON: nested too deeply."
    return None if worst is None else f"{shortened(worst.message)} (at {error_path(worst)})"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {shortened(json.dumps(twice))} is there twice")
    return result


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shortened(text)} is too large for a number")
    return value


def error_path(error: ValidationError | SchemaError) -> str:
    """Where in the value (or, of a SchemaError, in the schema) the error is."""
    path = "$"
    for key in error.absolute_path:
        path = member(path, key)
    return path


def shortened(text: str) -> str:
    """Fit for a message that a model or a log has to hold."""
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


# jsonschema matches patterns with Python's `re`, which can hang on a pattern of ten characters;
# here every keyword that matches one does it by `Pattern`, in linear time.


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not Pattern(pattern).found_in(value):
        yield ValidationError(f"{shortened(json.dumps(value))} does not match {pattern}")


def _pattern_properties(
    validator: Any, patterns: JsonSchema, value: Any, _: Any
) -> Iterator[ValidationError]:
    for pattern, inner in patterns.items() if isinstance(value, dict) else ():
        names = Pattern(pattern)
        for name, one in value.items():
            if names.found_in(name):
                yield from validator.descend(one, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, others: Any, value: Any, schema: JsonSchema
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    patterns = [Pattern(pattern) for pattern in schema.get("patternProperties", {})]
    known = schema.get("properties", {})
    for name, one in value.items():
        if name in known or any(pattern.found_in(name) for pattern in patterns):
            continue
        if others is False:
            allowed = ", ".join(json.dumps(key) for key in known) or "none"
            yield ValidationError(
                f"the member {json.dumps(name)} is not known; known are: {allowed}"
            )
        else:
            yield from validator.descend(one, others, path=name)


_VALIDATOR: Any = extend(  # type: ignore[no-untyped-call]  # its stub has no types
    Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)
