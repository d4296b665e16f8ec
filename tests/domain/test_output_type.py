"""A Python type as an output, in the words of the REST API."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import enum
import subprocess
import sys
import typing
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from outlines import types
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from agent_serving.api.bodies import AgentBody
from agent_serving.domain.errors import InvalidRequest, SchemaRejected
from agent_serving.domain.output_type import output_body, output_from_type
from agent_serving.domain.schema import check_output
from agent_serving.domain.values import ChoiceOutput, EbnfOutput, JsonSchemaOutput, RegexOutput

ASCII = st.characters(max_codepoint=127)
NUMBER = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


class Model(BaseModel):
    x: int


@dataclasses.dataclass
class Record:
    x: int


class Typed(TypedDict):
    x: int


class Answer(enum.Enum):
    YES = "yes"
    NO = "no"


class Tree(BaseModel):
    children: list[Tree]


@pytest.mark.parametrize("form_of", [Model, Record, Typed, types.JsonSchema(NUMBER)])
def test_structured_types_become_json_schema(form_of: Any) -> None:
    output = output_from_type(form_of)
    assert isinstance(output, JsonSchemaOutput)
    assert list(output.schema_["properties"]) == ["x"]


@pytest.mark.parametrize(
    "form_of",
    [Literal["yes", "no"], Answer, types.Choice(["yes", "no"]), types.either("yes", "no")],
)
def test_types_of_given_texts_become_choices(form_of: Any) -> None:
    assert output_from_type(form_of) == ChoiceOutput(choices=("yes", "no"))


@pytest.mark.parametrize("form_of", [int, bool, datetime.date, list[int], types.Regex("[0-9]")])
def test_other_types_become_regular_expressions(form_of: Any) -> None:
    assert isinstance(output_from_type(form_of), RegexOutput)


def test_any_dict_is_any_object() -> None:
    assert output_from_type(dict) == JsonSchemaOutput(schema_={"type": "object"})


def test_a_grammar_for_the_engine_is_kept_and_one_for_lark_refused() -> None:
    grammar = 'root ::= "a" | "b"'
    assert output_from_type(types.CFG(grammar)) == EbnfOutput(grammar=grammar)
    with pytest.raises(InvalidRequest, match="Lark"):
        output_from_type(types.CFG('start: "a" | "b"'))


def test_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="No output can be made of"):
        output_from_type(object())
    with pytest.raises(SchemaRejected, match="leads back to itself"):
        output_from_type(Tree)


class Other(BaseModel):
    y: str


@pytest.mark.parametrize(
    ("form_of", "value"),
    [
        (list[Model], [{"x": 1}]),
        (Model | None, None),
        (Model | Other, {"y": "a"}),
        (Model | str, "a"),
        (dict[str, Record], {"a": {"x": 1}}),
        (tuple[Model, Typed], [{"x": 1}, {"x": 2}]),
    ],
)
def test_what_has_a_structure_in_it_is_json_that_reads_back(form_of: Any, value: Any) -> None:
    output = output_from_type(form_of)
    assert isinstance(output, JsonSchemaOutput)
    check_output(output, param="output")
    Draft202012Validator(output.schema_).validate(value)
    TypeAdapter(form_of).validate_python(value)


READERS: list[tuple[Any, Callable[[str], object]]] = [
    (int, int),
    (float, float),
    (list[int], ast.literal_eval),
    (bool, ast.literal_eval),
    (types.integer, int),
    ("Age: " + types.integer, lambda text: int(text.removeprefix("Age: "))),
]


@given(st.data(), st.sampled_from(READERS))
def test_what_matches_the_pattern_of_a_plain_type_reads_back_as_one(
    data: st.DataObject, case: tuple[Any, Callable[[str], object]]
) -> None:
    form_of, read = case
    output = output_from_type(form_of)
    assert isinstance(output, RegexOutput)
    read(data.draw(st.from_regex(output.pattern, fullmatch=True, alphabet=ASCII)))


@pytest.mark.parametrize(
    "form_of", [Model, list[Model], Answer, int, types.CFG('root ::= "a"'), Literal["a"], dict]
)
def test_it_is_a_body_that_the_api_takes(form_of: Any) -> None:
    body = output_body(form_of)
    taken = AgentBody.model_validate({"name": "a", "output": body})
    assert taken.output == output_from_type(form_of)


def test_a_typed_dict_that_pydantic_cannot_read_is_refused_with_what_to_write() -> None:
    Old = typing.TypedDict("Old", {"x": int})  # noqa: UP013  # a class would be rewritten by ruff
    if sys.version_info < (3, 12):
        with pytest.raises(InvalidRequest, match=r"typing_extensions\.TypedDict"):
            output_from_type(Old)
    else:
        assert isinstance(output_from_type(Old), JsonSchemaOutput)


def test_a_model_needs_no_outlines_and_another_type_says_that_it_does() -> None:
    code = """
import sys
sys.modules["outlines"] = None
from pydantic import BaseModel
from agent_serving.domain.output_type import output_body
class Model(BaseModel):
    x: int
print(output_body(Model)["type"])
try:
    output_body(int)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kind, told = done.stdout.splitlines()
    assert kind == "json_schema"
    assert "pip install outlines" in told
