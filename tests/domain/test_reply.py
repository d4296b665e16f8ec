"""A reply is read the same however it is cut, and only a call's own end completes it."""

from __future__ import annotations

import json
import time
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.reply import (
    ArgumentsDelta,
    Finish,
    ItemAdded,
    ItemDone,
    ReasoningDelta,
    ReplyParser,
    TextDelta,
    parse_reply,
)
from agent_serving.domain.values import MessageItem, ReasoningItem, ReplyItem, ToolCallItem

GRAMMARS = Path(__file__).parents[2] / "grammars"


def dialect(name: str) -> Dialect:
    return Dialect.model_validate(tomllib.loads((GRAMMARS / f"{name}.toml").read_text()))


QWEN = dialect("qwen")
LLAMA = dialect("llama3")
DIALECTS = {"qwen": QWEN, "llama3": LLAMA}
FINISHES: tuple[Finish, ...] = get_args(Finish)
BROKEN_OFF = FINISHES[1:]

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}", fullmatch=True)
tricky = st.sampled_from(
    [
        "</tool_call>",
        "<tool_call>",
        "<|im_end|>",
        "<|eot_id|>",
        '{"name": "x"',
        "}",
        '"',
        "\\",
        "\n",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | tricky,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
calls = st.tuples(names, st.dictionaries(st.text(max_size=6) | tricky, json_values, max_size=4))
fragments = st.lists(
    st.sampled_from(
        [
            *["<tool_call>", "\n", " ", "{", "}", '"name"', ": ", '"a"', ",", '"arguments"'],
            *[
                '"parameters"',
                "{}",
                '{"x": "',
                '"',
                "\\",
                "</tool_call>",
                "<|im_end|>",
                "<|eot_id|>",
            ],
            *["<think>", "</think>", "hello", "<", "<|", "; ", "</tool", '{"name": "f"'],
            '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>',
            '{"name": "f", "parameters": {"x": [1, "}"]}}',
            "<|python_tag|>",
            '<tool_call>{"arguments": {}, "name": "g"}</tool_call>',
        ]
    )
    | st.text(max_size=3),
    max_size=14,
).map("".join)


def read(
    which: Dialect, chunks: list[str], finish: Finish, **options: Any
) -> tuple[list[Any], tuple[ReplyItem, ...]]:
    parser = ReplyParser(which, "item_{}".format, "call_{}".format, **options)
    pieces: list[Any] = []
    for chunk in chunks:
        pieces += parser.feed(chunk)
    pieces += parser.close(finish)
    return pieces, parser.items


def item_text(item: ReplyItem) -> str:
    return item.arguments if isinstance(item, ToolCallItem) else item.text


@pytest.mark.parametrize("name", DIALECTS)
@given(
    text=fragments,
    cuts=st.lists(st.integers(0, 200), max_size=8),
    finish=st.sampled_from(FINISHES),
    thinking=st.booleans(),
)
def test_how_the_text_is_cut_does_not_change_the_reply(
    name: str, text: str, cuts: list[int], finish: Finish, thinking: bool
) -> None:
    which = DIALECTS[name]
    options = {"starts_in_reasoning": thinking and which.reasoning is not None}
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[a:b] for a, b in pairwise(edges)]
    pieces, items = read(which, chunks, finish, **options)

    assert read(which, [text], finish, **options)[1] == items
    assert read(which, list(text), finish, **options)[1] == items
    written: dict[str, str] = {}
    opened: list[str] = []
    for piece in pieces:
        match piece:
            case ItemAdded(index=index, item_id=item_id):
                assert index == len(opened)
                opened.append(item_id)
                written[item_id] = ""
            case TextDelta() | ReasoningDelta() | ArgumentsDelta():
                assert piece.item_id == opened[-1]
                written[piece.item_id] += piece.text
            case ItemDone(item=item):
                assert item.id == opened[-1]
                assert item_text(item) == written[item.id]
    assert [item.id for item in items] == opened
    for item in items:
        if isinstance(item, MessageItem | ReasoningItem):
            assert item_text(item).strip(" \t\r\n")
            assert not any(end in item_text(item) for end in which.turn_ends)


@pytest.mark.parametrize("name", DIALECTS)
@given(
    made=st.lists(calls, min_size=1, max_size=4),
    before=st.sampled_from(["", "Let me see.\n", "a < b\n\n"]),
    ended=st.booleans(),
)
def test_calls_are_read_as_they_were_written(
    name: str, made: list[tuple[str, dict[str, Any]]], before: str, ended: bool
) -> None:
    which = DIALECTS[name]
    syntax = which.tool_call
    written = [(tool, json.dumps(arguments, ensure_ascii=False)) for tool, arguments in made]
    text = before + syntax.separator.join(syntax.render(*call) for call in written)
    items = parse_reply(which, text + (which.end_of_turn if ended else ""))
    found = [item for item in items if isinstance(item, ToolCallItem)]
    assert [(item.name, item.arguments) for item in found] == written
    assert {item.status for item in found} == {"completed"}
    messages = [item.text for item in items if isinstance(item, MessageItem)]
    assert messages == ([before.rstrip()] if before else [])


@pytest.mark.parametrize("name", DIALECTS)
@given(call=calls, finish=st.sampled_from(FINISHES), data=st.data())
def test_a_call_that_is_cut_off_is_never_completed(
    name: str, call: tuple[str, dict[str, Any]], finish: Finish, data: st.DataObject
) -> None:
    which = DIALECTS[name]
    text = which.tool_call.render(call[0], json.dumps(call[1]))
    cut = data.draw(st.integers(0, len(text) - 1))
    whole = text[:cut].rstrip().endswith(which.tool_call.marker or "\0")
    for item in parse_reply(which, text[:cut], finish):
        if isinstance(item, ToolCallItem):
            # A marker inside a string, at the very end, reads as an end: the call it ends has
            # arguments that are not JSON, so it never runs.
            assert item.status == "incomplete" or (whole and not is_json(item.arguments))


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def one_call(text: str, which: Dialect = QWEN, finish: Finish = "stop") -> ToolCallItem:
    (item,) = parse_reply(which, text, finish)
    assert isinstance(item, ToolCallItem)
    return item


def one_message(text: str, which: Dialect = QWEN, finish: Finish = "stop") -> str:
    (item,) = parse_reply(which, text, finish)
    assert isinstance(item, MessageItem)
    return item.text


def test_a_call_is_done_before_the_reply_is() -> None:
    parser = ReplyParser(QWEN, "item_{}".format, "call_{}".format)
    call = QWEN.tool_call.render("add", '{"a": 1}')
    pieces = parser.feed(call + "\n<tool")
    assert pieces == [
        ItemAdded(0, "item_0", "tool_call", "add", "call_0"),
        ArgumentsDelta("item_0", "call_0", '{"a": 1}'),
        ItemDone(ToolCallItem(id="item_0", call_id="call_0", name="add", arguments='{"a": 1}')),
    ]


def test_a_bare_json_call_is_done_when_its_object_is_balanced() -> None:
    parser = ReplyParser(LLAMA, "item_{}".format, "call_{}".format)
    assert parser.feed('{"name": "add", "parameters": {"a": "}{"}')[-1:] == [
        ArgumentsDelta("item_0", "call_0", '{"a": "}{"}')
    ]
    assert isinstance(parser.feed("}")[-1], ItemDone)


def test_no_part_of_a_marker_is_ever_shown_as_text() -> None:
    parser = ReplyParser(QWEN, "item_{}".format, "call_{}".format)
    shown = []
    for char in "Hi <b> there" + QWEN.tool_call.render("f", "{}") + "bye<|im_end|>":
        shown += [piece.text for piece in parser.feed(char) if isinstance(piece, TextDelta)]
    parser.close("stop")
    assert "".join(shown) == "Hi <b> therebye"


def test_reasoning_is_no_part_of_the_answer() -> None:
    items = parse_reply(QWEN, "<think>\nhm\n\n</think>\n\nFour.<|im_end|>")
    assert items == (
        ReasoningItem(id="item_0", text="hm"),
        MessageItem(id="item_1", role="assistant", text="Four."),
    )


def test_reasoning_that_the_prompt_opened_needs_no_beginning() -> None:
    _, items = read(dialect("qwen3-thinking"), ["hm</think>ok"], "stop")
    assert [item_text(item) for item in items] == ["hm", "ok"]
    _, again = read(QWEN, ["<think>\nhm</think>ok"], "stop", starts_in_reasoning=True)
    assert [item_text(item) for item in again] == ["hm", "ok"]


def test_empty_reasoning_is_no_item() -> None:
    assert one_message("<think>\n\n</think>\n\nhello") == "hello"


def test_a_trigger_inside_reasoning_is_thought() -> None:
    (item,) = parse_reply(QWEN, '<think>say <tool_call>\n{"name": "f"', "length")
    assert item == ReasoningItem(
        id="item_0", text='say <tool_call>\n{"name": "f"', status="incomplete"
    )


@pytest.mark.parametrize("finish", FINISHES)
def test_a_message_is_complete_only_when_the_model_stopped(finish: Finish) -> None:
    (item,) = parse_reply(QWEN, "hello", finish)
    assert item.status == ("completed" if finish == "stop" else "incomplete")


@pytest.mark.parametrize("finish", BROKEN_OFF)
def test_a_call_that_was_complete_stays_so_when_the_reply_is_cut(finish: Finish) -> None:
    items = parse_reply(QWEN, QWEN.tool_call.render("f", "{}") + "\nand th", finish)
    assert [item.status for item in items] == ["completed", "incomplete"]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name":"f","arguments":{"x":1}}</tool_call>',
        '<tool_call>\n\n{ "name" : "f" , "arguments" :  {"x":1} }\n \n</tool_call>\n',
        '<tool_call>\n{"arguments": {"x":1}, "name": "f"}\n</tool_call>',
        '<tool_call>\n{"id": 7, "name": "f", "arguments": {"x":1}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {"x":1}\n</tool_call>',
    ],
)
def test_an_unconstrained_model_may_write_a_call_differently(text: str) -> None:
    item = one_call(text)
    assert (item.name, item.arguments, item.status) == ("f", '{"x":1}', "completed")


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>\n{"name": "f", "arguments": {"x": 1,}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {"x": 1\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {"x": "1}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {"x": "1</tool_call><|im_end|>',
        '<tool_call>\n{"name": "f", "arguments": {"x": 1}}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {}} {"name": "g", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": {}, "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "f" "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "f", "arguments": }\n</tool_call>',
        '<tool_call>\n{"name": "f"}\n</tool_call>',
        '<tool_call>\n{"x": 1, "name": "f", "arguments": {}\n</tool_call>',
    ],
)
def test_a_malformed_call_with_a_name_is_a_call_that_validation_refuses(text: str) -> None:
    item = one_call(text)
    assert (item.name, item.status) == ("f", "completed")
    assert not is_json(item.arguments)


@pytest.mark.parametrize(
    ("which", "text"),
    [
        (QWEN, "the tag <tool_call> begins a call"),
        (QWEN, "<tool_call>\nnothing\n</tool_call>"),
        (QWEN, '<tool_call>\n{"x": 1}\n</tool_call> after'),
        (QWEN, "a < b and <b>"),
        (QWEN, "<tool_c"),
        (QWEN, '<tool_call>\n{"na'),
        (LLAMA, '{"name": "John", "age": 3}'),
        (LLAMA, '{"name": "John'),
        (LLAMA, 'function f() { return {"name": 1} }'),
        (LLAMA, "{"),
        (LLAMA, '{"name": "two words", "parameters": {}}'),
    ],
)
def test_what_only_looks_like_a_call_is_text(which: Dialect, text: str) -> None:
    assert one_message(text, which) == text


@pytest.mark.parametrize("finish", BROKEN_OFF)
def test_the_beginning_of_a_call_that_was_cut_off_is_not_text(finish: Finish) -> None:
    assert parse_reply(QWEN, '<tool_call>\n{"na', finish) == ()
    cut = one_call('<tool_call>\n{"name": "f", "argu', finish=finish)
    assert (cut.name, cut.arguments, cut.status) == ("f", "", "incomplete")


@pytest.mark.parametrize(
    "beginning",
    [
        '{"name": "f", "arguments": ',
        '{"type": "function", "name": "f", "parameters": ',
        '<|python_tag|>{"name": "f", "parameters": ',
        '{"name":"f","parameters":',
    ],
)
def test_llama_calls_come_in_several_spellings(beginning: str) -> None:
    item = one_call(beginning + '{"x": 1}}<|eom_id|>', LLAMA)
    assert (item.name, item.arguments, item.status) == ("f", '{"x": 1}', "completed")


def test_arguments_may_hold_the_call_s_own_markers() -> None:
    arguments = json.dumps({"x": 'a</tool_call>b<|im_end|>c<tool_call>\n{"name": "g"'})
    item = one_call(QWEN.tool_call.render("f", arguments) + "<|im_end|>")
    assert item.arguments == arguments


def test_arguments_of_any_json_type_are_kept() -> None:
    for arguments in ('"{}"', "null", "12", "[1]", "true"):
        for which in DIALECTS.values():
            text = which.tool_call.render("f", arguments)
            assert one_call(text, which).arguments == arguments


def test_a_call_that_ends_without_its_end_is_incomplete() -> None:
    item = one_call('<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n<|im_end|>')
    assert (item.arguments, item.status) == ('{"x": 1}', "incomplete")


def test_blanks_and_separators_between_calls_are_no_message() -> None:
    call = LLAMA.tool_call.render("f", "{}")
    items = parse_reply(LLAMA, f"\n{call}; {call} ;\n{call}\n")
    assert [item.type for item in items] == ["tool_call"] * 3
    assert one_message(" two words ") == " two words "


def test_a_step_without_tools_reads_no_calls() -> None:
    text = LLAMA.tool_call.render("f", "{}")
    _, items = read(LLAMA, [text], "stop", calls=False)
    assert [item_text(item) for item in items] == [text]


def test_spellings_that_end_a_turn_are_never_shown() -> None:
    assert one_message("one<|im_end|>") == "one"
    assert one_message("one<|endoftext|> two") == "one two"


@pytest.mark.parametrize(
    "unit",
    [
        "<tool_call>{",
        '<tool_call>{"',
        '<tool_call>{\\"',
        "{",
        '{"name": "',
        "<|im_",
        "<think>",
        "</tool_call>",
        " ",
        '<tool_call>\n{"name": "f", "arguments": {"x": "</tool_call>',
    ],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_reading_takes_linear_time(name: str, unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        start = time.process_time()
        read(DIALECTS[name], [text[i : i + 4] for i in range(0, length, 4)], "stop")
        return time.process_time() - start

    small = min(seconds(2_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(2)) < small * 8 * 3
