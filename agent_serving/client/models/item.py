"""The transcript's items."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, TypeAdapter

from agent_serving.client.models.shape import Model


class MessageItem(Model):
    type: Literal["message"]
    id: str
    turn_id: str | None = None
    role: str
    text: str
    status: str = "completed"


class ReasoningItem(Model):
    type: Literal["reasoning"]
    id: str
    turn_id: str | None = None
    text: str
    status: str = "completed"


class ToolCallItem(Model):
    """`arguments` is JSON text, as the model wrote it."""

    type: Literal["tool_call"]
    id: str
    turn_id: str | None = None
    call_id: str
    name: str
    arguments: str
    status: str = "completed"


class ToolResultItem(Model):
    """`outcome` is ok, error, timeout, invalid, limit, cancelled or abandoned."""

    type: Literal["tool_result"]
    id: str
    turn_id: str | None = None
    call_id: str
    name: str
    output: str
    outcome: str


class OtherItem(Model):
    """Of a type that this client does not know."""

    type: str
    id: str
    turn_id: str | None = None


_KNOWN = ("message", "reasoning", "tool_call", "tool_result")


def _kind(item: Any) -> str:
    kind = item.get("type") if isinstance(item, dict) else item.type
    return kind if kind in _KNOWN else "other"


Item = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[ReasoningItem, Tag("reasoning")]
    | Annotated[ToolCallItem, Tag("tool_call")]
    | Annotated[ToolResultItem, Tag("tool_result")]
    | Annotated[OtherItem, Tag("other")],
    Discriminator(_kind),
]


def read_item(row: Any) -> Item:
    """Raises pydantic's ValidationError."""
    return _adapter().validate_python(row)


@cache
def _adapter() -> TypeAdapter[Item]:
    return TypeAdapter(Item)
