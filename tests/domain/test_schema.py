"""Schemas are tidied and bounded when they come in, relaxed for the engine, and enforced whole."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.errors import SchemaRejected
from agent_serving.domain.schema import (
    answer_problem,
    check,
    check_output,
    closed,
    problem,
    relaxed,
)
from agent_serving.domain.values import (
    ChoiceOutput,
    EbnfOutput,
    JsonSchemaOutput,
    Output,
    RegexOutput,
)


def holding(schema: Any, **others: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}, "required": ["x"], **others}


def refusal(schema: Any) -> SchemaRejected:
    with pytest.raises(SchemaRejected) as caught:
        check(schema, param="tools[0].parameters")
    assert caught.value.param == "tools[0].parameters"
    return caught.value


# --- tidying ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("dict", "object"),
        ("float", "number"),
        ("tuple", "array"),
        ("list[str]", "array"),
        ("str", "string"),
        ("int", "integer"),
        ("bool", "boolean"),
        ("String", "string"),
        ("HashMap", "object"),
        (["int", "None"], ["integer", "null"]),
    ],
)
def test_types_are_spelled_as_in_json_schema(found: Any, meant: Any) -> None:
    assert closed(holding({"type": found}))["properties"]["x"] == {"type": meant}


@pytest.mark.parametrize("found", ["any", "Any", ["string", "any"]])
def test_any_is_no_type(found: Any) -> None:
    assert closed(holding({"type": found}))["properties"]["x"] == {}


def test_a_missing_object_type_is_added() -> None:
    assert closed({}) == {"type": "object", "properties": {}}
    assert closed({"properties": {"a": {"properties": {}}}}) == {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {}}},
    }


def test_older_drafts_are_understood() -> None:
    tidy = closed(
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "object",
            "properties": {
                "pair": {"type": "array", "items": [{"type": "int"}, {"type": "str"}]},
                "above": {"type": "number", "minimum": 3, "exclusiveMinimum": True},
                "needed": {"type": "string", "required": True},
                "empty": {"type": "string", "enum": None},
            },
            "dependencies": {"pair": ["above"], "above": {"required": ["needed"]}},
        }
    )
    assert tidy["properties"] == {
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        "above": {"type": "number", "exclusiveMinimum": 3},
        "needed": {"type": "string"},
        "empty": {"type": "string"},
    }
    assert tidy["required"] == ["needed"]
    assert tidy["dependentRequired"] == {"pair": ["above"]}
    check(tidy, param=None)


def test_names_and_values_that_look_like_keywords_are_left_alone() -> None:
    schema = {
        "type": "object",
        "properties": {"type": {"type": "string", "enum": ["dict", None]}, "$ref": {}},
        "required": ["type"],
        "default": {"type": "dict", "$ref": "nowhere"},
    }
    assert closed(schema) == schema


def test_local_references_are_written_out() -> None:
    tidy = closed(
        {
            "properties": {
                "a": {"$ref": "#/$defs/A~1B", "description": "here"},
                "b": {"$ref": "#/properties/a"},
                "c": {"$ref": "#/definitions/C", "minimum": 3},
            },
            "$defs": {"A/B": {"type": "int", "description": "there"}},
            "definitions": {"C": {"type": "int"}},
        }
    )
    assert tidy["properties"]["a"] == {"type": "integer", "description": "here"}
    assert tidy["properties"]["b"] == {"type": "integer", "description": "here"}
    assert tidy["properties"]["c"] == {"allOf": [{"type": "integer"}], "minimum": 3}
    assert "$defs" not in tidy


@pytest.mark.parametrize(
    ("schema", "path", "reason"),
    [
        (holding({"$ref": "#"}), "$.properties.x.properties.x.$ref", "leads back to itself"),
        (
            {"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}},
            "$.properties.a.$ref",
            "leads back to itself",
        ),
        (holding({"$ref": "https://example.org/x"}), "$.properties.x.$ref", "leads outside"),
        (holding({"$ref": "#/$defs/gone"}), "$.properties.x.$ref", "names nothing"),
        (holding({"$ref": "#name"}), "$.properties.x.$ref", "JSON pointer"),
        (holding({"$dynamicRef": "#x"}), "$.properties.x.$dynamicRef", "use \\$ref"),
        (holding({"type": "florp"}), "$.properties.x.type", "is no type"),
        (holding({"anyOf": [{}, 3]}), "$.properties.x.anyOf[1]", "object or a boolean"),
        ({"type": "array"}, "$.type", "must be an object"),
    ],
)
def test_what_cannot_stand_alone_is_refused(schema: Any, path: str, reason: str) -> None:
    with pytest.raises(SchemaRejected, match=reason) as caught:
        closed(schema)
    assert caught.value.path == path


def test_references_that_multiply_are_refused_in_time() -> None:
    steps = {
        f"s{n}": {"properties": {k: {"$ref": f"#/$defs/s{n + 1}"} for k in "abcdefgh"}}
        for n in range(8)
    }
    start = time.process_time()
    with pytest.raises(SchemaRejected, match="more than 2000 parts"):
        closed({"$defs": steps | {"s8": {}}, "properties": {"x": {"$ref": "#/$defs/s0"}}})
    assert time.process_time() - start < 1


# --- checking ---------------------------------------------------------------------------------


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "path", "reason"),
    [
        (holding({"type": "string", "minLength": "3"}), "$.properties.x.minLength", "JSON Schema"),
        (holding({"enum": []}), "$.properties.x.enum", "1 to 1000"),
        (holding({"enum": list(range(1001))}), "$.properties.x.enum", "1 to 1000"),
        (holding({"type": "integer", "minimum": 3, "maximum": 2}), "$.properties.x.minimum", "fit"),
        (holding({"type": "string", "pattern": "(?=a)b"}), "$.properties.x.pattern", "look-around"),
        (holding({"type": "string", "pattern": "("}), "$.properties.x.pattern", "unclosed group"),
        (holding({"type": "string", "pattern": "a" * 2049}), "$.properties.x.pattern", "2048"),
        (holding({"type": "string", "minLength": 10**6}), "$", "shortest value"),
        (
            holding({"type": "array", "minItems": 400, "items": nested(0) | {"minLength": 400}}),
            "$",
            "shortest value",
        ),
        (
            holding(
                {"anyOf": [{"pattern": f"[a-z]{{{900 + n}}}", "type": "string"} for n in range(12)]}
            ),
            "$.properties.x.anyOf",
            "states together",
        ),
        (holding({"description": "x" * 70_000}), "$", "bytes"),
        ({"properties": {f"p{n}": {} for n in range(2001)}}, "$.properties.p1999", "2000 parts"),
        (holding({"default": float("nan")}), "$", "Not JSON"),
        (
            holding({"patternProperties": {"a": {}}, "unevaluatedProperties": False}),
            "$.properties.x.unevaluatedProperties",
            "additionalProperties",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_its_path(
    schema: Any, path: str, reason: str
) -> None:
    error = refusal(schema)
    assert reason in error.message
    assert error.path.startswith(path)


@pytest.mark.parametrize("levels", [33, 200, 100_000])
def test_a_schema_that_is_nested_too_deeply_is_refused(levels: int) -> None:
    assert "32 levels" in refusal(nested(levels)).message
    check(nested(30), param=None)


def test_the_largest_schema_that_is_allowed_is_checked_in_time() -> None:
    start = time.process_time()
    check({"properties": {f"p{n}": {"type": "string"} for n in range(1999)}}, param=None)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (JsonSchemaOutput(schema_=holding({"type": "florp"})), "$.properties.x.type"),
        (RegexOutput(pattern="("), "$.pattern"),
        (RegexOutput(pattern="(?=a)"), "$.pattern"),
        (RegexOutput(pattern=r"\bword\b"), "$.pattern"),
        (RegexOutput(pattern="a|^b"), "$.pattern"),
        (RegexOutput(pattern="[a-z]{1,5000}"), "$.pattern"),
        (RegexOutput(pattern="((a{50}){50}){50}"), "$.pattern"),
        (EbnfOutput(grammar='start: "a"'), "$.grammar"),
        (EbnfOutput(grammar='root ::= "a"{1,99999}'), "$.grammar"),
        (ChoiceOutput(choices=("a", "")), "$.choices[1]"),
        (ChoiceOutput(choices=("a", "a")), "$.choices[1]"),
    ],
)
def test_an_output_that_no_reply_can_be_held_to_is_refused(output: Output, path: str) -> None:
    with pytest.raises(SchemaRejected) as caught:
        check_output(output, param="output")
    assert (caught.value.path, caught.value.param) == (path, "output")


@pytest.mark.parametrize(
    "output",
    [
        JsonSchemaOutput(schema_={"type": "array", "items": {"type": "string"}}),
        RegexOutput(pattern=r"^\d{4}-(0[1-9]|1[0-2])$"),
        RegexOutput(pattern='a"b'),
        EbnfOutput(grammar='root ::= item{1,3}\nitem ::= "a"'),
        ChoiceOutput(choices=("a", "b")),
    ],
)
def test_an_output_that_can_be_held_to_is_accepted(output: Output) -> None:
    check_output(output, param="output")


# --- relaxing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "expressed"),
    [
        ({"type": "integer", "not": {"const": 1}}, {"type": "integer"}),
        ({"type": "number", "multipleOf": 0.5}, {"type": "number"}),
        ({"type": "array", "uniqueItems": True, "contains": {}}, {"type": "array"}),
        ({"type": "string", "if": {}, "then": {"minLength": 2}}, {"type": "string"}),
        ({"type": "string", "format": "binary"}, {"type": "string"}),
        (
            {"type": "string", "format": "date", "maxLength": 9},
            {"type": "string", "format": "date"},
        ),
        (
            {"type": "string", "pattern": "^a$", "maxLength": 9},
            {"type": "string", "pattern": "(?:a)"},
        ),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "(?:a).*"}),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": ".*(?:a).*"}),
        ({"type": "string", "pattern": r"\ba", "maxLength": 9}, {"type": "string", "maxLength": 9}),
        ({"type": "string", "pattern": 'a"'}, {"type": "string"}),
        (
            {"type": "integer", "minimum": 0.5, "exclusiveMaximum": 9},
            {"type": "integer", "minimum": 1, "maximum": 8},
        ),
        ({"type": "integer", "maximum": 1e30}, {"type": "integer"}),
        ({"type": "integer", "enum": [1, "a", True]}, {"enum": [1]}),
        ({"type": "object", "minProperties": 1}, {"type": "object"}),
        (
            {"type": "object", "required": ["a"]},
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        ),
        (
            {"type": "object", "patternProperties": {"^a": {}}, "additionalProperties": False},
            {"type": "object", "additionalProperties": True},
        ),
        (
            {"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 3}]},
            {"type": "integer", "minimum": 3},
        ),
        (
            {"oneOf": [{"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        ),
        ({"anyOf": [{"type": "integer"}, False]}, {"type": "integer"}),
        ({"type": "string", "title": "T", "description": "d", "default": ""}, {"type": "string"}),
    ],
)
def test_the_engine_gets_what_its_grammar_can_express(schema: Any, expressed: Any) -> None:
    check(schema, param=None)
    assert relaxed(schema) == expressed


def test_what_stands_beside_alternatives_holds_in_each() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
        "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    assert [branch["required"] for branch in relaxed(schema)["anyOf"]] == [["a"], ["b"]]
    assert all(set(branch["properties"]) == {"a", "b"} for branch in relaxed(schema)["anyOf"])


def test_alternatives_inside_alternatives_do_not_explode() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(10):
        schema = holding(schema, anyOf=[{"required": ["x"]}, {"required": ["y"]}])
    start = time.process_time()
    check(schema, param=None)
    assert time.process_time() - start < 2


simple = st.recursive(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "integer", "minimum": 2, "multipleOf": 2},
            {"type": ["number", "null"], "maximum": 7},
            {"enum": ["a", 1, None]},
            {"type": "string", "pattern": "^[a-c]+$", "maxLength": 4},
            {"type": "boolean", "not": {"const": True}},
        ]
    ),
    lambda inner: (
        st.builds(lambda one: {"type": "array", "items": one, "uniqueItems": True}, inner)
        | st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner)
        | st.builds(lambda one: holding(one, additionalProperties=False), inner)
    ),
    max_leaves=6,
)
values = st.recursive(
    st.sampled_from(["a", "abc", "abcab", "zz", "", 1, 2, 4, 7, 8.5, None, True, False]),
    lambda inner: st.lists(inner, max_size=3) | st.builds(lambda one: {"x": one}, inner),
    max_leaves=6,
)


@given(schema=simple, value=values)
def test_relaxing_forbids_nothing_that_the_schema_allows(schema: Any, value: Any) -> None:
    if jsonschema.Draft202012Validator(schema).is_valid(value):
        assert jsonschema.Draft202012Validator(relaxed(schema)).is_valid(value)


# --- enforcing --------------------------------------------------------------------------------

SCHEMA = closed(
    {
        "type": "dict",
        "properties": {
            "a": {"type": "float", "minimum": 1, "multipleOf": 0.5},
            "b": {"type": "list", "items": {"type": "str", "pattern": "^(a+)+$"}},
            "when": {"type": "string", "format": "date"},
        },
        "required": ["a"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing was written"),
        ("{", "valid JSON"),
        ('{"a": 1} {}', "valid JSON"),
        ("[]", "must be a JSON object"),
        ('"{}"', "must be a JSON object"),
        ('{"a": 1, "a": 2}', '"a" is there twice'),
        ('{"a": 1, "b": [{"c": 1, "c": 2}]}', '"c" is there twice'),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "1" * 5000 + "}", "valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "b": ["\\ud800"]}', "surrogate"),
        ("{}", "'a' is a required property (at $)"),
        ('{"a": "x"}', "(at $.a)"),
        ('{"a": 0}', "less than the minimum of 1 (at $.a)"),
        ('{"a": 1.3}', "multiple of 0.5 (at $.a)"),
        ('{"a": 1, "b": ["aa", "b"]}', "does not match ^(a+)+$ (at $.b[1])"),
        ('{"a": 1, "c": 2}', 'the member "c" is not known; known are: "a", "b", "when"'),
        ('{"a": 1, "when": "tomorrow"}', "(at $.when)"),
    ],
)
def test_the_model_is_told_what_is_wrong_and_where(text: str, reason: str) -> None:
    told = problem(SCHEMA, text)
    assert told is not None
    assert reason in told
    assert len(told) < 500


def test_what_fits_is_no_problem() -> None:
    assert problem(SCHEMA, '{"a": 1.5, "b": ["aaa"], "when": "2026-11-23"}') is None


def test_a_pattern_cannot_hang_the_process() -> None:
    start = time.process_time()
    assert problem(SCHEMA, json.dumps({"a": 1, "b": ["a" * 50_000 + "!"]})) is not None
    assert time.process_time() - start < 1


def test_members_by_pattern_are_enforced() -> None:
    schema = {
        "type": "object",
        "patternProperties": {"^n_": {"type": "integer"}},
        "additionalProperties": {"type": "string"},
    }
    check(schema, param=None)
    assert problem(schema, '{"n_a": 1, "b": "x"}') is None
    assert "$.n_a" in (problem(schema, '{"n_a": "x"}') or "")
    assert "$.b" in (problem(schema, '{"b": 1}') or "")


def answers() -> Iterator[tuple[Output, str, str]]:
    yield JsonSchemaOutput(schema_={"type": "array"}), "[1]", "{}"
    yield RegexOutput(pattern="a|b"), "b", "ab"
    yield RegexOutput(pattern="a.b"), "a\nb", "a\nb\n"
    yield ChoiceOutput(choices=("yes", "no")), "yes", "yes "


@pytest.mark.parametrize(("output", "good", "bad"), list(answers()))
def test_answers_are_held_to_their_output(output: Output, good: str, bad: str) -> None:
    assert answer_problem(output, good) is None
    assert answer_problem(output, bad) is not None


def test_a_grammar_is_left_to_the_engine() -> None:
    assert answer_problem(EbnfOutput(grammar='root ::= "a"'), "b") is None


# The spellings of the schemas that function-calling benchmarks are made of.
UNTIDY = {
    "type": "dict",
    "properties": {
        "numbers": {"type": "array", "items": {"type": "float"}, "description": "Numbers."},
        "precision": {"type": "integer", "description": "Digits.", "default": 2},
        "updates": {"type": "dict", "description": "Anything.", "properties": {}},
        "point": {"type": "tuple", "items": {"type": "float"}},
        "value": {"type": "any"},
    },
    "required": ["numbers"],
}


def test_an_untidy_schema_from_the_world_registers() -> None:
    tidy = closed(UNTIDY)
    check(tidy, param="parameters")
    check(relaxed(tidy), param="parameters")
    assert problem(tidy, '{"numbers": [1.5], "point": [0, 1], "value": null}') is None
    assert "$.numbers[0]" in (problem(tidy, '{"numbers": ["1"]}') or "")
