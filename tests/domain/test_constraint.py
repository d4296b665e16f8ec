"""A step's constraint says what the reply may be, in one canonical string."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agent_serving.domain.constraint import (
    MOST_CALLS,
    canonical,
    step_constraint,
)
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import InvalidRequest, UnknownTool
from agent_serving.domain.values import (
    ChoiceOutput,
    EbnfOutput,
    JsonSchemaOutput,
    NamedTool,
    Output,
    RegexOutput,
    ToolChoice,
    ToolSpec,
)

GRAMMARS = Path(__file__).parents[2] / "grammars"


def dialect(name: str) -> Dialect:
    return Dialect.model_validate(tomllib.loads((GRAMMARS / f"{name}.toml").read_text()))


QWEN = dialect("qwen")
NUMBER = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
ADD = ToolSpec(name="add", parameters=NUMBER)
SAY = ToolSpec(name="say", parameters=NUMBER)
ANSWER = JsonSchemaOutput(schema_=NUMBER)


def form(
    tools: list[ToolSpec], choice: ToolChoice, output: Output | None = None, which: Dialect = QWEN
) -> Any:
    constraint = step_constraint(which, tools, choice, output)
    assert constraint is not None
    assert constraint.kind == "structural_tag"
    content = json.loads(constraint.value)
    assert content["type"] == "structural_tag"
    return content["format"]


def test_auto_lets_text_and_calls_alternate() -> None:
    assert form([ADD], "auto") == {
        "type": "triggered_tags",
        "triggers": ["<tool_call>"],
        "tags": [
            {
                "type": "tag",
                "begin": '<tool_call>\n{"name": "add", "arguments": ',
                "content": {"type": "json_schema", "json_schema": NUMBER, "max_whitespace_cnt": 1},
                "end": "}\n</tool_call>",
            }
        ],
        "at_least_one": False,
        "stop_after_first": False,
    }


def test_required_asks_for_a_few_calls_and_nothing_else() -> None:
    first, more = form([ADD, SAY], "required", ANSWER)["elements"]
    assert first["type"] == "or"
    assert [tag["type"] for tag in first["elements"]] == ["tag", "tag"]
    assert (more["type"], more["min"], more["max"]) == ("repeat", 0, MOST_CALLS - 1)
    assert more["content"]["elements"] == [{"type": "const_string", "value": "\n"}, first]


def test_a_named_tool_is_the_only_one_that_can_be_called() -> None:
    call, more = form([ADD, SAY], NamedTool(name="say"))["elements"]
    assert call["begin"] == QWEN.tool_call.opening("say")
    assert more["content"]["elements"][1] == call


def test_auto_with_an_output_is_either_calls_or_the_answer() -> None:
    either = form([ADD], "auto", RegexOutput(pattern="[0-9]+"))
    assert either["type"] == "or"
    calls, answer = either["elements"]
    assert calls == form([ADD], "required")
    assert answer == {"type": "regex", "pattern": "[0-9]+"}


def test_none_keeps_the_trigger_out_of_the_text() -> None:
    assert form([ADD], "none") == {"type": "any_text", "excludes": ["<tool_call>"]}


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_without_tools_only_the_output_constrains(choice: ToolChoice) -> None:
    assert step_constraint(QWEN, [], choice, None) is None
    outputs: list[tuple[Output, str, str]] = [
        (ANSWER, "json_schema", canonical(NUMBER)),
        (RegexOutput(pattern="a+"), "regex", "a+"),
        (EbnfOutput(grammar='root ::= "a"'), "ebnf", 'root ::= "a"'),
    ]
    for output, kind, value in outputs:
        constraint = step_constraint(QWEN, [], choice, output)
        assert constraint is not None
        assert (constraint.kind, constraint.value) == (kind, value)
    words = [{"type": "const_string", "value": word} for word in ("yes", "no")]
    assert form([], choice, ChoiceOutput(choices=("yes", "no"))) == {
        "type": "or",
        "elements": words,
    }


@pytest.mark.parametrize("choice", ["auto", "required", "none"])
@pytest.mark.parametrize("output", [None, ANSWER])
def test_a_model_that_reasons_may_do_so_first(choice: ToolChoice, output: Output | None) -> None:
    framed = form([ADD], choice, output, dialect("qwen3"))
    lead, rest = framed["elements"]
    assert lead["type"] == "optional"
    assert lead["content"]["elements"][0]["begin"] == "<think>"
    plain = step_constraint(QWEN, [ADD], choice, output)
    assert plain is not None
    if plain.kind == "structural_tag":
        assert rest == json.loads(plain.value)["format"]


def test_reasoning_that_the_prompt_opened_has_to_end() -> None:
    lead, _ = form([ADD], "required", None, dialect("qwen3-thinking"))["elements"]
    thought, _ = lead["elements"]
    assert (thought["begin"], thought["end"]) == ("", "</think>")


def test_a_choice_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(UnknownTool, match=r"'sub'.*add"):
        step_constraint(QWEN, [ADD], NamedTool(name="sub"), None)
    with pytest.raises(InvalidRequest, match="needs an agent that has a tool"):
        step_constraint(QWEN, [], "required", None)


def test_equal_constraints_are_equal_strings() -> None:
    shuffled = {"required": ["x"], "properties": {"x": {"type": "integer"}}, "type": "object"}
    one = step_constraint(QWEN, [ToolSpec(name="add", parameters=shuffled)], "auto", None)
    assert one == step_constraint(QWEN, [ADD], "auto", None)
    assert one is not None
    assert canonical(json.loads(one.value)) == one.value


def test_arguments_keep_the_order_of_the_schema() -> None:
    schema = {"properties": {"z": {"type": "a", "b": 1}, "properties": {"z": 1, "a": 2}}, "a": 1}
    assert canonical(schema) == (
        '{"a":1,"properties":{"z":{"b":1,"type":"a"},"properties":{"a":2,"z":1}}}'
    )
