from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.api.location import dotted, in_body
from agent_serving.api.strict_json import check, nesting
from agent_serving.domain.errors import InvalidRequest

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def depth(value: Any) -> int:
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case _:
            return 0


@given(JSON, st.booleans())
def test_the_nesting_is_that_of_the_value(value: Any, ascii_only: bool) -> None:
    assert nesting(json.dumps(value, ensure_ascii=ascii_only).encode()) == depth(value)


@given(JSON, st.booleans())
def test_ordinary_json_passes(value: Any, ascii_only: bool) -> None:
    check(json.dumps(value, ensure_ascii=ascii_only).encode(), max_depth=1000)


@given(JSON, TEXT, TEXT, st.sampled_from(["\x00", "\ud800", "\udbff", "\udc00", "\udfff"]))
def test_what_no_tokenizer_can_read_is_found_wherever_it_is(
    value: Any, before: str, after: str, bad: str
) -> None:
    # A pair of surrogates is one character.
    text = f"{before}x{bad}x{after}"
    for body in ([value, {"key": [text]}], {"key": {text: value}}):
        with pytest.raises(InvalidRequest) as refused:
            check(json.dumps(body).encode(), max_depth=1000)
        assert refused.value.param in ("[1].key[0]", "key")


@given(st.binary(max_size=200))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    try:
        check(body, max_depth=8)
    except InvalidRequest:
        return
    assert json.loads(body) is not ...


def test_a_long_string_of_escapes_is_read_in_one_go() -> None:
    check(json.dumps({"a": '\\"[{' * 200_000}).encode(), max_depth=1)


def test_places_are_written_as_in_code() -> None:
    assert dotted(["inputs", 0, "call_id"]) == "inputs[0].call_id"
    assert dotted([]) == ""


def test_tags_of_unions_are_not_places() -> None:
    body = {"inputs": [{"type": "steer"}]}
    loc: list[str | int] = ["inputs", 0, "steer", "content"]
    assert in_body(body, loc, missing=True) == ["inputs", 0, "content"]
    assert in_body(body, ["inputs", 0, "steer", "type"], missing=False) == ["inputs", 0, "type"]
