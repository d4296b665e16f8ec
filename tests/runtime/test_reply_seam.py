"""A reply in two attempts is the reply in one, wherever the first ends."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.partial import Partial
from agent_serving.domain.pieces import Piece, ReasoningDelta, TextDelta
from agent_serving.domain.values import Timings, Usage
from agent_serving.plugins.grammars import load_dialects
from agent_serving.plugins.locations import shipped
from agent_serving.ports import Chunk, Finished, Spelled
from agent_serving.runtime.reply import Reply, Torn
from tests.domain.test_partial import step

DIALECTS = load_dialects([shipped("grammars")])
SPELLINGS = ["<think>", "</think>", "<tool_call>", "<|im_end|>", "\n", " ", "a", "é", "中", "🌍"]
TEXTS = st.lists(st.sampled_from(SPELLINGS) | st.text(max_size=3), max_size=14).map("".join)
DONE = Finished("stop", Usage(), Timings())


class StillClock:
    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def reply(dialect: Dialect, attempt: int, partial: Partial | None = None) -> Reply:
    return Reply(dialect, step(), attempt, StillClock(), calls=False, partial=partial)


def said(pieces: list[Piece]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for piece in pieces:
        if isinstance(piece, TextDelta | ReasoningDelta):
            texts[piece.item_id] = texts.get(piece.item_id, "") + piece.text
    return texts


def bytewise(into: Reply, data: bytes) -> list[Piece]:
    """A token is a byte; text comes when a character is whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    return [
        piece for byte in data for piece in into.take(Chunk(decoder.decode(bytes([byte])), (byte,)))
    ]


@given(TEXTS, st.data(), st.sampled_from(sorted(DIALECTS)))
def test_a_reply_that_goes_on_is_the_one_that_nobody_cut(text: str, data: Any, name: str) -> None:
    dialect, spelled = DIALECTS[name], text.encode()
    cut = data.draw(st.integers(0, len(spelled)))
    whole, first = reply(dialect, 1), reply(dialect, 1)
    deltas = bytewise(whole, spelled) + whole.take(DONE)
    seen = bytewise(first, spelled[:cut])
    left = Partial(first.head(), tuple(first.tokens), "".join(first.text), since=1)
    second = reply(dialect, 2, left)
    known = spelled[:cut].decode(errors="ignore")
    seen += second.respell(Spelled(len(known.encode()), known))
    assert second.base == len(known.encode())
    seen += bytewise(second, spelled[second.base :]) + second.take(DONE)
    assert bytes(second.tokens) == bytes(whole.tokens) == spelled
    assert second.items == whole.items
    assert said(seen) == said(deltas)
    assert "".join(second.text) == text


def test_text_that_came_out_late_comes_with_the_seam() -> None:
    first = reply(DIALECTS["qwen"], 1)
    first.take(Chunk("He", (1, 2, 3)))
    second = reply(DIALECTS["qwen"], 2, Partial(first.head(), tuple(first.tokens), "He", since=1))
    assert list(said(second.respell(Spelled(3, "Hel"))).values()) == ["l"]


def test_text_that_was_told_and_is_not_spelled_has_no_seam() -> None:
    second = reply(
        DIALECTS["qwen"], 2, Partial(reply(DIALECTS["qwen"], 1).head(), (1, 2), "He", since=1)
    )
    with pytest.raises(Torn):
        second.respell(Spelled(2, "Ha"))
