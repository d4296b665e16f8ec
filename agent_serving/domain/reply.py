"""Reading a model's reply while it streams, by the rules of its dialect."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

from agent_serving.domain.call_text import Body, BodyReader, CallReader
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.matching import BLANKS, Template, Watch, exact, tolerant
from agent_serving.domain.pieces import (
    ArgumentsDelta,
    ItemAdded,
    ItemDone,
    Items,
    Piece,
    ReasoningDelta,
    TextDelta,
)
from agent_serving.domain.values import ReplyItem, ToolCallItem

__all__ = [
    "ArgumentsDelta",
    "Finish",
    "ItemAdded",
    "ItemDone",
    "Piece",
    "ReasoningDelta",
    "ReplyParser",
    "TextDelta",
    "parse_reply",
]

Finish = Literal["stop", "length", "cancelled", "interrupted"]


class ReplyParser:
    """Turns the text of a reply (special tokens spelled out) into items, as it streams.

    How the text is cut into chunks does not change the items. A call is `completed` only by its
    own end. `item_id` and `call_id` get the item's index in the reply. `starts_in_reasoning` is
    the dialect's `opened_by_prompt` unless given; `calls=False` reads no calls: for a step that
    offers no tools.
    """

    def __init__(
        self,
        dialect: Dialect,
        item_id: Callable[[int], str],
        call_id: Callable[[int], str],
        starts_in_reasoning: bool | None = None,
        *,
        calls: bool = True,
    ) -> None:
        self._dialect = dialect
        self._syntax = dialect.tool_call
        self._templates = _templates(dialect, calls)
        self._items = Items(item_id, call_id)
        self._turn_ends = Watch([exact("turn_end", text) for text in dialect.turn_ends])
        self._unread: deque[str] = deque()
        self._watch = Watch(self._templates)
        self._state: Callable[[str], None] = self._read_text
        self._call: CallReader | None = None
        self._body: BodyReader | None = None
        self._blanks: list[str] = []
        self._sign = ""
        self._first = True
        if starts_in_reasoning is None:
            starts_in_reasoning = bool(dialect.reasoning and dialect.reasoning.opened_by_prompt)
        if starts_in_reasoning:
            self._enter_reasoning()

    @property
    def items(self) -> tuple[ReplyItem, ...]:
        """The items that are done; all of them after `close`."""
        return tuple(self._items.done)

    def feed(self, text: str) -> list[Piece]:
        """What `text` adds to the reply."""
        for char in text:
            self._step(char)
        return self._items.take()

    def close(self, finish: Finish) -> list[Piece]:
        """The reply has ended; what is still open ends with it."""
        for char in self._turn_ends.flush():
            self._plain(char)
        if self._call:
            ended = finish == "stop" and self._call.ended_in_string
            self._items.end("completed" if ended else "incomplete")
        elif self._body:
            self._close_body(self._body, finish)
        elif self._state == self._read_text:
            self._close_text(finish)
        else:
            self._write_reasoning(self._watch.flush())
        if self._sign:
            self._begin_message()
        if self._items.open and self._state == self._read_text:
            self._items.write("".join(self._blanks))
        self._items.end("completed" if finish == "stop" else "incomplete")
        return self._items.take()

    # --- characters ---------------------------------------------------------------------------

    def _step(self, char: str) -> None:
        """Spellings that end a turn are taken out first, in whatever state the reply is."""
        if self._turn_ends.passes(char):
            self._plain(char)
            return
        again = deque(char)
        while again:
            decided = self._turn_ends.step(again.popleft())
            if decided is None:
                continue
            text, match, rest = decided
            again.extendleft(reversed(rest))
            if match is None:
                self._plain(text)
            elif reader := self._call or self._body:
                reader.turn_end(text)

    def _plain(self, char: str) -> None:
        self._unread.append(char)
        while self._unread:
            self._state(self._unread.popleft())

    def _reread(self, text: str) -> None:
        self._unread.extendleft(reversed(text))

    # --- text ---------------------------------------------------------------------------------

    def _enter_text(self) -> None:
        self._call = self._body = None
        self._watch = Watch(self._templates)
        self._blanks, self._sign = [], ""
        self._first = False
        self._state = self._read_text

    def _read_text(self, char: str) -> None:
        decided = self._watch.step(char)
        if decided is None:
            return
        text, match, rest = decided
        self._reread(rest)
        if match is None:
            self._write_text(text)
        elif match.template.kind == "call":
            self._enter_call(match.name)
        elif match.template.kind == "object":
            self._body = BodyReader(self._syntax, self._syntax.marker or "", text)
            self._state = self._read_body
        else:
            self._end_message()
            self._enter_reasoning()

    def _write_text(self, char: str) -> None:
        """Blanks wait for what follows them: before a call they are not part of a message, and
        after a call neither are they nor the separator."""
        if char in BLANKS:
            self._blanks.append(char)
        elif self._items.open:
            self._items.write("".join(self._blanks) + char)
            self._blanks.clear()
        else:
            self._blanks.append(char)
            self._sign += char
            if not self._separates(self._sign):
                self._begin_message()

    def _separates(self, sign: str) -> bool:
        after_call = bool(self._items.done) and isinstance(self._items.done[-1], ToolCallItem)
        return after_call and self._syntax.separator.strip().startswith(sign)

    def _begin_message(self) -> None:
        text = "".join(self._blanks)
        self._items.add("message")
        self._items.write(text if self._first else text.lstrip())
        self._blanks, self._sign = [], ""

    def _end_message(self) -> None:
        self._items.end("completed")
        self._blanks, self._sign = [], ""

    def _close_text(self, finish: Finish) -> None:
        named = next((matcher.name for matcher in self._watch.running if matcher.named), None)
        held = self._watch.flush()
        begun = self._syntax.distinctive and held.startswith(self._syntax.trigger)
        if begun and named:
            self._cut_call(named)
        elif finish == "stop" or not begun:
            self._write_as_text(held)

    def _write_as_text(self, text: str) -> None:
        for char in text:
            self._write_text(char)

    # --- calls --------------------------------------------------------------------------------

    def _enter_call(self, name: str) -> None:
        self._end_message()
        self._items.add("tool_call", name)
        self._call = CallReader(self._syntax, self._items.write)
        self._state = self._read_call

    def _read_call(self, char: str) -> None:
        assert self._call is not None
        ended, again = self._call.step(char)
        self._reread(again)
        if ended:
            self._items.end("completed")
            self._enter_text()

    def _read_body(self, char: str) -> None:
        assert self._body is not None
        body = self._body.step(char)
        if body is not None:
            self._end_body(body)

    def _end_body(self, body: Body) -> None:
        if body.call:
            name, arguments = body.call
            self._end_message()
            self._items.add("tool_call", name)
            self._items.write(arguments)
            self._items.end("completed")
            self._enter_text()
        else:
            blanks, sign, first = self._blanks, self._sign, self._first
            self._enter_text()
            self._blanks, self._sign, self._first = blanks, sign, first
            self._write_as_text(body.raw)
        self._reread(body.again)

    def _close_body(self, reader: BodyReader, finish: Finish) -> None:
        name = reader.name
        body = reader.close()
        if finish == "stop" and (body.call or not name):
            self._end_body(body)
        elif name:
            self._cut_call(name)

    def _cut_call(self, name: str) -> None:
        self._end_message()
        self._items.add("tool_call", name)
        self._items.end("incomplete")

    # --- reasoning ----------------------------------------------------------------------------

    def _enter_reasoning(self) -> None:
        reasoning = self._dialect.reasoning
        assert reasoning is not None, "a reply starts in reasoning only where the dialect has it"
        ends = [exact("end", reasoning.end), exact("reasoning", reasoning.begin)]
        self._watch = Watch(ends)
        self._blanks = []
        self._state = self._read_reasoning

    def _read_reasoning(self, char: str) -> None:
        decided = self._watch.step(char)
        if decided is None:
            return
        text, match, rest = decided
        self._reread(rest)
        if match and match.template.kind == "end":
            self._items.end("completed")
            self._enter_text()
        elif match is None or self._items.open:
            # What the prompt has opened, some models open once more: that is not thought.
            self._write_reasoning(text)

    def _write_reasoning(self, text: str) -> None:
        """Without the blanks around it."""
        for char in text:
            if char in BLANKS:
                self._blanks.append(char)
                continue
            if self._items.open is None:
                self._items.add("reasoning")
                self._blanks.clear()
            self._items.write("".join(self._blanks) + char)
            self._blanks.clear()


def _templates(dialect: Dialect, calls: bool) -> tuple[Template, ...]:
    syntax = dialect.tool_call
    found: list[Template] = []
    if dialect.reasoning:
        found.append(exact("reasoning", dialect.reasoning.begin))
    if calls:
        found += [tolerant("call", begin) for begin in (syntax.begin, *syntax.accepts)]
        opening, brace, _ = syntax.begin.partition("{")
        if syntax.marker and brace and opening.startswith(syntax.trigger):
            found.append(tolerant("object", opening + brace))
    return tuple(found)


def parse_reply(dialect: Dialect, text: str, finish: Finish = "stop") -> tuple[ReplyItem, ...]:
    """The items of a whole reply, with ids `item_N` and `call_N`."""
    parser = ReplyParser(dialect, "item_{}".format, "call_{}".format)
    parser.feed(text)
    parser.close(finish)
    return parser.items
