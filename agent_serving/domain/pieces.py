"""What a reply is made of while it streams: pieces, and the items they add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent_serving.domain.values import MessageItem, ReasoningItem, ReplyItem, ToolCallItem

Kind = Literal["message", "reasoning", "tool_call"]
Status = Literal["completed", "incomplete"]


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """The item at `index` of the reply begins; `name` and `call_id` are a tool call's."""

    index: int
    item_id: str
    kind: Kind
    name: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    item_id: str
    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemDone:
    """Comes as soon as the item's end is known: a complete call may start now."""

    item: ReplyItem


Piece = ItemAdded | TextDelta | ReasoningDelta | ArgumentsDelta | ItemDone


class Items:
    """The items of a reply as they are written: at most one is open, the last."""

    def __init__(self, item_id: Callable[[int], str], call_id: Callable[[int], str]) -> None:
        self._item_id = item_id
        self._call_id = call_id
        self.done: list[ReplyItem] = []
        self.open: ItemAdded | None = None
        self._pieces: list[Piece] = []
        self._text: list[str] = []
        self._sent = 0

    def add(self, kind: Kind, name: str = "") -> None:
        assert self.open is None
        index = len(self.done)
        if kind == "tool_call":
            call_id = self._call_id(index)
            self.open = ItemAdded(index, self._item_id(index), kind, name, call_id)
        else:
            self.open = ItemAdded(index, self._item_id(index), kind)
        self._pieces.append(self.open)

    def write(self, text: str) -> None:
        self._text.append(text)

    def end(self, status: Status) -> None:
        """Ends the open item, if there is one."""
        if self.open is None:
            return
        self._flush()
        item = _item(self.open, "".join(self._text), status)
        self.done.append(item)
        self._pieces.append(ItemDone(item))
        self.open, self._text, self._sent = None, [], 0

    def take(self) -> list[Piece]:
        """What is new since the last time."""
        self._flush()
        pieces, self._pieces = self._pieces, []
        return pieces

    def _flush(self) -> None:
        text = "".join(self._text[self._sent :])
        if self.open is None or not text:
            return
        self._sent = len(self._text)
        item_id = self.open.item_id
        match self.open.kind:
            case "message":
                self._pieces.append(TextDelta(item_id, text))
            case "reasoning":
                self._pieces.append(ReasoningDelta(item_id, text))
            case "tool_call":
                self._pieces.append(ArgumentsDelta(item_id, self.open.call_id or "", text))


def _item(added: ItemAdded, text: str, status: Status) -> ReplyItem:
    match added.kind:
        case "message":
            return MessageItem(id=added.item_id, role="assistant", text=text, status=status)
        case "reasoning":
            return ReasoningItem(id=added.item_id, text=text, status=status)
        case "tool_call":
            return ToolCallItem(
                id=added.item_id,
                call_id=added.call_id or "",
                name=added.name or "",
                arguments=text,
                status=status,
            )
