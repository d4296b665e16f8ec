"""Content is data: no tokenizer may read a control token out of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_serving.domain.dialect import ZERO_WIDTH_SPACE, Dialect

GRAMMARS = Path(__file__).parents[2] / "grammars"
DIALECTS = {
    path.stem: Dialect.model_validate(tomllib.loads(path.read_text()))
    for path in GRAMMARS.glob("*.toml")
}
QWEN = DIALECTS["qwen"]


def spellings(dialect: Dialect) -> list[str]:
    reasoning = [dialect.reasoning.begin, dialect.reasoning.end] if dialect.reasoning else []
    return [*dialect.turn_ends, *dialect.control, *reasoning, "<|anything_else|>"]


@pytest.mark.parametrize("name", DIALECTS)
@given(data=st.data())
def test_no_control_spelling_survives_in_content(name: str, data: st.DataObject) -> None:
    dialect = DIALECTS[name]
    known = spellings(dialect)
    parts = st.sampled_from([*known, "<|", "|>", "<", ">", "im_end"]) | st.text(max_size=4)
    text = "".join(data.draw(st.lists(parts, max_size=8))).replace(ZERO_WIDTH_SPACE, "")
    broken = dialect.break_controls(text)
    assert not any(spelling in broken for spelling in known)
    assert broken.replace(ZERO_WIDTH_SPACE, "") == text
    assert dialect.break_controls(broken) == broken


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize(
    "text", ["", "a <| b |> c", "x < y", "if (a || b) {}", "<b>bold</b>", "{}"]
)
def test_ordinary_text_is_left_as_it_is(name: str, text: str) -> None:
    assert DIALECTS[name].break_controls(text) == text


def test_spellings_that_overlap_are_each_broken() -> None:
    dialect = QWEN.model_copy(update={"control": ("abab", "baba")})
    broken = dialect.break_controls("ababab")
    assert "abab" not in broken
    assert "baba" not in broken


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"begin": "<tool_call>"}, "begin"),
        ({"trigger": "<call>"}, "trigger"),
        ({"accepts": ["no name"]}, "accepts"),
        ({"ends": "x"}, "ends"),
    ],
)
def test_a_call_syntax_that_cannot_work_is_refused(changes: dict[str, str], field: str) -> None:
    content = QWEN.model_dump()
    content["tool_call"] |= changes
    with pytest.raises(ValidationError, match=field):
        Dialect.model_validate(content)


def test_a_match_that_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(ValidationError, match="match"):
        Dialect.model_validate(QWEN.model_dump() | {"match": ["("]})


def test_a_call_is_rendered_as_the_dialect_writes_it() -> None:
    assert QWEN.tool_call.render("add", '{"a": 1}') == (
        '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'
    )
    assert DIALECTS["llama3"].tool_call.render("add", "{}") == '{"name": "add", "parameters": {}}'
