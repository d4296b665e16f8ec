"""What a Python type means as an output: for files of agents, and for programs that ask by REST."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

from pydantic import BaseModel, PydanticUserError, TypeAdapter

from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.tidy import closed
from agent_serving.domain.values import (
    ChoiceOutput,
    EbnfOutput,
    JsonSchemaOutput,
    Output,
    RegexOutput,
)


def output_body(form: Any) -> dict[str, Any]:
    """The type as `output` in the body of a request. Raises as `output_from_type` does."""
    return output_from_type(form).model_dump(mode="json", by_alias=True)


def output_from_type(form: Any) -> Output:
    """The output that a Python type stands for.

    A pydantic model, a dataclass or a TypedDict (from `typing_extensions` before Python 3.12) is a
    JSON schema, and so is a list, tuple, dict or union that has one in it: the answer is JSON that
    pydantic reads back. All else is translated by Outlines: a function is the JSON schema of its
    parameters, a Literal, Enum or `Choice` of texts a choice, `CFG` EBNF, and any other type or
    term that Outlines knows (`int`, `list[int]`, `Regex(…)`) a regex.

    Raises InvalidRequest: the type is not known, or its `CFG` is written for Lark, or Outlines is
    needed and not installed; SchemaRejected: its schema cannot stand alone.
    """
    try:
        if form is dict:
            return JsonSchemaOutput(schema_={"type": "object"})
        if _is_structured(form):
            return _json(TypeAdapter(form).json_schema())
        return _by_outlines(form)
    except ImportError as error:
        raise InvalidRequest(
            f"{form!r} is translated by Outlines, which is not installed: `pip install outlines`, "
            "or give a pydantic model.",
            param="output",
        ) from error
    # What pydantic and Outlines raise for forms that they cannot translate: no class of error of
    # theirs holds it all, and anything else is a defect here.
    except (TypeError, ValueError, RecursionError, NotImplementedError, PydanticUserError) as error:
        reason = str(error).partition(" Please open an issue")[0].partition("\n\nFor further")[0]
        raise InvalidRequest(
            f"No output can be made of {form!r}: {reason}", param="output"
        ) from error


def _is_structured(form: Any) -> bool:
    """Whether a model, a dataclass or a TypedDict is in it."""
    if isinstance(form, type) and not typing.get_args(form):
        return (
            issubclass(form, BaseModel)
            or dataclasses.is_dataclass(form)
            or typing.is_typeddict(form)
            or hasattr(form, "__required_keys__")  # a TypedDict of typing_extensions
        )
    return any(map(_is_structured, typing.get_args(form)))


def _by_outlines(form: Any) -> Output:
    # Here, not above: it takes a second to import, and most processes never need it.
    from outlines.types import dsl

    if isinstance(form, dsl.Choice):
        form = dsl.either(*map(dsl.python_types_to_terms, form.items))
    term: Any = dsl.python_types_to_terms(form)
    if isinstance(term, dsl.JsonSchema):
        return _json(json.loads(term.schema))
    if isinstance(term, dsl.CFG):
        return _ebnf(term.definition)
    if isinstance(term, dsl.Regex):
        return RegexOutput(pattern=term.pattern)
    terms: list[Any] = term.terms if isinstance(term, dsl.Alternatives) else [term]
    if all(isinstance(one, dsl.String) for one in terms):
        return ChoiceOutput(choices=tuple(dict.fromkeys(one.value for one in terms)))
    return RegexOutput(pattern=dsl.to_regex(term))


def _json(schema: dict[str, Any]) -> JsonSchemaOutput:
    return JsonSchemaOutput(schema_=closed(schema, root="any"))


def _ebnf(definition: str) -> EbnfOutput:
    if "::=" not in definition:
        raise InvalidRequest(
            "This grammar is written for Lark (`start: …`). SGLang's engine reads GBNF"
            " (`root ::= …`), so it has to be rewritten.",
            param="output",
        )
    return EbnfOutput(grammar=definition)
