"""What was said, as the conventions write it in spans: JSON, each text cut to a bound."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, assert_never

from agent_serving.domain import span_names as n
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.span import Attributes
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.domain.values import (
    MessageItem,
    ReasoningItem,
    ReplyItem,
    ToolCallItem,
)

LONGEST_TEXT = 8192
"""Characters."""


class Capture(StrEnum):
    """OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT."""

    NO_CONTENT = "NO_CONTENT"
    SPAN_ONLY = "SPAN_ONLY"
    EVENT_ONLY = "EVENT_ONLY"
    SPAN_AND_EVENT = "SPAN_AND_EVENT"

    @property
    def on_span(self) -> bool:
        return self in (Capture.SPAN_ONLY, Capture.SPAN_AND_EVENT)

    @property
    def in_event(self) -> bool:
        return self in (Capture.EVENT_ONLY, Capture.SPAN_AND_EVENT)


def turn_content(session: Session, turn: Turn) -> Attributes:
    said: dict[str, str] = {n.INPUT_MESSAGES: _json(map(_said, turn.input))}
    if session.agent.instructions:
        said[n.SYSTEM_INSTRUCTIONS] = _json([_text(session.agent.instructions)])
    last = turn.last_model_step
    if last is not None and not last.calls and last.items:
        said[n.OUTPUT_MESSAGES] = _json([_reply(last)])
    return said


def chat_content(turn: Turn, step: ModelStep) -> Attributes:
    """What this step added: what the model had not seen before, and what it replied. The whole
    transcript would be told again in every step."""
    said = {n.INPUT_MESSAGES: _json(_heard(turn, step))}
    if step.items:
        said[n.OUTPUT_MESSAGES] = _json([_reply(step)])
    return said


def tool_content(step: ToolStep) -> Attributes:
    said = {n.TOOL_CALL_ARGUMENTS: _cut(step.call.arguments)}
    if step.result is not None:
        said[n.TOOL_CALL_RESULT] = _cut(step.result.output)
    return said


def _heard(turn: Turn, step: ModelStep) -> Iterator[dict[str, Any]]:
    before = [s for s in turn.model_steps if s.index < step.index]
    since = before[-1].index if before else -1
    if before:
        answers = turn.answers(before[-1].id)
        for call in before[-1].calls:
            answer = answers.get(call.call_id)
            if answer is not None and answer.result is not None:
                yield _result(call.call_id, answer.result.output)
    else:
        yield from map(_said, turn.input)
    for interjection in turn.interjections:
        if since < interjection.after <= step.index:
            yield _said(interjection.item)


def _reply(step: ModelStep) -> dict[str, Any]:
    return {
        "role": "assistant",
        "parts": [_part(item) for item in step.items],
        "finish_reason": step.finish or "error",
    }


def _part(item: ReplyItem) -> dict[str, Any]:
    match item:
        case MessageItem():
            return _text(item.text)
        case ReasoningItem():
            return {"type": "reasoning", "content": _cut(item.text)}
        case ToolCallItem():
            return {
                "type": "tool_call",
                "id": item.call_id,
                "name": item.name,
                "arguments": _cut(item.arguments),
            }
        case _:
            assert_never(item)


def _said(item: MessageItem) -> dict[str, Any]:
    return {"role": item.role, "parts": [_text(item.text)]}


def _result(call_id: str, output: str) -> dict[str, Any]:
    part = {"type": "tool_call_response", "id": call_id, "response": _cut(output)}
    return {"role": "tool", "parts": [part]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": _cut(text)}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _json(messages: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(messages), ensure_ascii=False)
