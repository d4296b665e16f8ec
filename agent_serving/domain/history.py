"""What was said before a session began, as messages for its opening."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from agent_serving.domain.values import (
    Item,
    Message,
    MessageItem,
    ReasoningItem,
    ToolCallItem,
    ToolResultItem,
)


def messages_of(items: Iterable[Item]) -> tuple[Message, ...]:
    """An assistant's text and the calls behind it are one message. Reasoning is left out, as chat
    templates do with that of earlier turns."""
    messages: list[Message] = []
    for item in items:
        match item:
            case MessageItem():
                messages.append(Message(role=item.role, content=item.text))
            case ToolCallItem():
                if not messages or messages[-1].role != "assistant":
                    messages.append(Message(role="assistant", content=""))
                said = messages[-1]
                messages[-1] = said.but(calls=(*said.calls, item.call))
            case ToolResultItem():
                messages.append(
                    Message(role="tool", content=item.output, name=item.name, call_id=item.call_id)
                )
            case ReasoningItem():
                continue
            case _:
                assert_never(item)
    return tuple(messages)
