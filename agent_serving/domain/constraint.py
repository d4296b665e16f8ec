"""What a reply must look like, in the words of the engine's grammars."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import InvalidRequest, UnknownTool
from agent_serving.domain.relax import relaxed
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

Format = dict[str, Any]

# One blank between the parts of a JSON value is what models write; without a bound a weak one
# fills its reply with them.
_BLANKS = 1
MOST_CALLS = 8
"""In a reply that is nothing but calls: a weak model that must call finds no end by itself."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """`value` is canonical: equal constraints are equal strings, so that the engine, which caches
    compiled grammars by the exact string, compiles each once."""

    kind: Literal["json_schema", "regex", "ebnf", "structural_tag"]
    value: str


def step_constraint(
    dialect: Dialect, tools: Sequence[ToolSpec], choice: ToolChoice, output: Output | None
) -> Constraint | None:
    """What one reply may be, None where anything goes.

    auto       text with calls in it; with an `output`: either calls, or an answer of that form
    required   1 to `MOST_CALLS` calls, nothing else (a model that reasons may do so first)
    a tool     the same with only this tool
    none       no call: an answer of the form of `output`, or text

    Raises UnknownTool (the named tool is not among `tools`), InvalidRequest (`required` without a
    tool).
    """
    form: Format
    match choice:
        case NamedTool(name=name):
            named = [tool for tool in tools if tool.name == name]
            if not named:
                raise UnknownTool(
                    f"tool_choice names {name!r}, which is not a tool of this agent."
                    f" Its tools: {', '.join(tool.name for tool in tools) or 'none'}.",
                    param="tool_choice",
                )
            form = _calls(dialect, named)
        case "required":
            if not tools:
                raise InvalidRequest(
                    'tool_choice "required" needs an agent that has a tool.', param="tool_choice"
                )
            form = _calls(dialect, tools)
        case "auto" if tools:
            if output is None:
                form = _free_calls(dialect, tools)
            else:
                form = {"type": "or", "elements": [_calls(dialect, tools), _answer(output)]}
        case "none" if tools and output is None:
            form = {"type": "any_text", "excludes": [dialect.tool_call.trigger]}
        case "auto" | "none":
            return _answer_alone(dialect, output)
        case _:
            assert_never(choice)
    return _structural_tag(_after_reasoning(dialect, form))


def _answer_alone(dialect: Dialect, output: Output | None) -> Constraint | None:
    """Plain kinds where they suffice: every grammar backend has them."""
    if output is None:
        return None
    form = _answer(output)
    framed = _after_reasoning(dialect, form)
    if framed is not form:
        return _structural_tag(framed)
    match output:
        case JsonSchemaOutput():
            return Constraint("json_schema", canonical(form["json_schema"]))
        case RegexOutput():
            return Constraint("regex", output.pattern)
        case EbnfOutput():
            return Constraint("ebnf", output.grammar)
        case ChoiceOutput():
            return _structural_tag(form)
        case _:
            assert_never(output)


def _structural_tag(form: Format) -> Constraint:
    return Constraint("structural_tag", canonical({"type": "structural_tag", "format": form}))


def _tags(dialect: Dialect, tools: Sequence[ToolSpec]) -> list[Format]:
    return [
        {
            "type": "tag",
            "begin": dialect.tool_call.opening(tool.name),
            "content": _json(tool.parameters),
            "end": dialect.tool_call.end,
        }
        for tool in tools
    ]


def _free_calls(dialect: Dialect, tools: Sequence[ToolSpec]) -> Format:
    return {
        "type": "triggered_tags",
        "triggers": [dialect.tool_call.trigger],
        "tags": _tags(dialect, tools),
        "at_least_one": False,
        "stop_after_first": False,
    }


def _calls(dialect: Dialect, tools: Sequence[ToolSpec]) -> Format:
    """1 to `MOST_CALLS` calls. Unlike `triggered_tags` this leaves no room for text behind one."""
    tags = _tags(dialect, tools)
    call: Format = tags[0] if len(tags) == 1 else {"type": "or", "elements": tags}
    separator = {"type": "const_string", "value": dialect.tool_call.separator}
    further = {"type": "sequence", "elements": [separator, call]}
    return {
        "type": "sequence",
        "elements": [
            call,
            {"type": "repeat", "min": 0, "max": MOST_CALLS - 1, "content": further},
        ],
    }


def _answer(output: Output) -> Format:
    match output:
        case JsonSchemaOutput():
            return _json(output.schema_)
        case RegexOutput():
            return {"type": "regex", "pattern": output.pattern}
        case EbnfOutput():
            return {"type": "grammar", "grammar": output.grammar}
        case ChoiceOutput():
            choices = [{"type": "const_string", "value": choice} for choice in output.choices]
            return choices[0] if len(choices) == 1 else {"type": "or", "elements": choices}
        case _:
            assert_never(output)


def _json(schema: dict[str, Any]) -> Format:
    return {
        "type": "json_schema",
        "json_schema": relaxed(schema),
        "max_whitespace_cnt": _BLANKS,
    }


def _after_reasoning(dialect: Dialect, form: Format) -> Format:
    """The same, behind free reasoning where the dialect's models reason. Thought is outside of
    the constraint: a trigger in it is text."""
    reasoning = dialect.reasoning
    if reasoning is None or not (reasoning.before_constraint or reasoning.opened_by_prompt):
        return form
    thought: Format = {
        "type": "tag",
        "begin": "" if reasoning.opened_by_prompt else reasoning.begin,
        "content": {"type": "any_text"},
        "end": reasoning.end,
    }
    gap = {"type": "regex", "pattern": r"\n{0,2}"}
    lead: Format = {"type": "sequence", "elements": [thought, gap]}
    if not reasoning.opened_by_prompt:
        lead = {"type": "optional", "content": lead}
    return {"type": "sequence", "elements": [lead, form]}


def canonical(value: Any) -> str:
    """JSON without blanks, keys sorted; but members of `properties` keep their order, because
    the grammar prescribes it: sorted, it would make models write arguments in an order that is
    not the schema's."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sorted(value: Any, *, ordered: bool = False) -> Any:
    match value:
        case dict():
            keys = value if ordered else sorted(value)
            return {
                key: _sorted(value[key], ordered=key == "properties" and not ordered)
                for key in keys
            }
        case list() | tuple():
            return [_sorted(item) for item in value]
        case _:
            return value
