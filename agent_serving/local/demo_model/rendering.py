"""A conversation as text: what the chat template writes and what the model is to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent_serving.local.demo_model.scene import Conversation, OfferedTool, Turn

ASSISTANT = "<|im_start|>assistant\n"
END = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Piece:
    """`learned`: the model writes it. `turn` counts from 0, -1 before the first."""

    text: str
    learned: bool
    turn: int


def opening(instructions: str, tools: Sequence[OfferedTool]) -> str:
    if not instructions and not tools:
        return ""
    lines = [f"{tool.name}({', '.join(tool.parameters)})" for tool in tools]
    listed = "\n".join(["Tools:", *lines]) if tools else ""
    both = "\n\n".join(part for part in (instructions, listed) if part)
    return f"<|im_start|>system\n{both}{END}\n"


def user(text: str) -> str:
    return f"<|im_start|>user\n{text}{END}\n"


def result(text: str) -> str:
    return user(f"<tool_response>\n{text}\n</tool_response>")


def replies(turn: Turn) -> list[str]:
    """What the model writes in a turn, step by step, without the end-of-turn token."""
    calls = ["\n".join(call.text() for call in step.calls) for step in turn.steps]
    return [*calls, turn.answer]


def pieces(conversation: Conversation) -> Iterator[Piece]:
    """The text in order. Each learned piece ends in the end-of-turn token."""
    before = opening(conversation.instructions, conversation.tools)
    for number, turn in enumerate(conversation.turns):
        before += user(turn.user)
        for position, reply in enumerate(replies(turn)):
            yield Piece(before + ASSISTANT, False, number)
            yield Piece(reply + END, True, number)
            before = "\n"
            if position < len(turn.steps):
                before += "".join(result(text) for text in turn.steps[position].results)
    yield Piece(before, False, len(conversation.turns))


def text(conversation: Conversation) -> str:
    return "".join(piece.text for piece in pieces(conversation))
