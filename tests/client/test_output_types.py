"""From Python's types to the service's `output`, and back."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import outlines
import pytest
from outlines.types import CFG, Choice, JsonSchema, Regex
from pydantic import BaseModel, Field

from agent_serving.client.output_type import shape_of


class Size(IntEnum):
    SMALL = 1


class Partial(TypedDict):
    x: int
    y: NotRequired[str]


class Inner(BaseModel):
    word: str = Field(description="One word.")


class Outer(BaseModel):
    inner: list[Inner]


def test_free_text_asks_for_nothing() -> None:
    for output_type in (None, str):
        shape = shape_of(output_type)
        assert (shape.body, shape.parse("any")) == (None, "any")


@pytest.mark.parametrize(
    ("output_type", "body", "text", "value"),
    [
        (Literal["a", "b"], {"type": "choice", "choices": ["a", "b"]}, "b", "b"),
        (Choice(["a", "b"]), {"type": "choice", "choices": ["a", "b"]}, "b", "b"),
        (Regex("[0-9]+"), {"type": "regex", "pattern": "[0-9]+"}, "12", "12"),
        (CFG('root ::= "x"'), {"type": "ebnf", "grammar": 'root ::= "x"'}, "x", "x"),
        (
            JsonSchema({"type": "integer"}),
            {"type": "json_schema", "schema": {"type": "integer"}},
            "12",
            12,
        ),
        ({"type": "regex", "pattern": "x"}, {"type": "regex", "pattern": "x"}, "x", "x"),
    ],
    ids=str,
)
def test_a_type_is_the_output_that_says_the_same(
    output_type: Any, body: dict[str, Any], text: str, value: object
) -> None:
    shape = shape_of(output_type)
    assert shape.body == body
    assert shape.parse(text) == value


def test_what_outlines_builds_of_its_types_is_a_regex() -> None:
    shape = shape_of(outlines.types.dsl.Sequence([Regex("[0-9]{3}"), Regex("-")]))
    assert shape.body is not None
    assert shape.body["type"] == "regex"
    assert "[0-9]{3}" in shape.body["pattern"]


def test_the_models_schema_is_closed_and_without_titles() -> None:
    shape = shape_of(Outer)
    assert shape.body is not None
    inner = shape.body["schema"]["$defs"]["Inner"]
    assert inner == {
        "type": "object",
        "properties": {"word": {"type": "string", "description": "One word."}},
        "required": ["word"],
        "additionalProperties": False,
    }
    assert shape.parse('{"inner": [{"word": "x"}]}') == Outer(inner=[Inner(word="x")])


@pytest.mark.parametrize(
    ("output_type", "text", "value"),
    [
        (Size, "1", Size.SMALL),
        (Partial, '{"x": 1}', {"x": 1}),
        (Annotated[int, Field(ge=3)], "3", 3),
        (bool | None, "null", None),
        (dict[str, float], '{"a": 1.5}', {"a": 1.5}),
    ],
    ids=str,
)
def test_any_type_that_json_can_express_is_read_back(
    output_type: Any, text: str, value: object
) -> None:
    shape = shape_of(output_type)
    assert shape.body is not None
    assert shape.body["type"] == "json_schema"
    assert shape.parse(text) == value


def test_what_may_be_left_out_is_not_required() -> None:
    shape = shape_of(Partial)
    assert shape.body is not None
    assert shape.body["schema"]["required"] == ["x"]
