"""The text of a conversation: what the chat template writes, in the dialect that is served."""

from __future__ import annotations

import json
import tomllib
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2.sandbox
import pytest

from agent_serving.domain.dialect import Dialect
from agent_serving.local.demo_model import rendering
from agent_serving.local.demo_model.conversations import Generator, Mix
from agent_serving.local.demo_model.scene import Call, Conversation, Step
from agent_serving.local.demo_model.toolbox import Toolbox

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "agent_serving" / "local" / "demo_model" / "chat_template.jinja"


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return list(islice(Generator(Toolbox()).stream(9, Mix(0.6, 0.3, 0.1)), 60))


def _dialect() -> Dialect:
    return Dialect.model_validate(tomllib.loads((ROOT / "grammars" / "qwen.toml").read_text()))


def _rendered(messages: list[dict[str, Any]], tools: list[dict[str, Any]], **more: Any) -> str:
    """As transformers sets its templates up."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(TEMPLATE.read_text())
    return template.render(messages=messages, tools=tools, **more)


def _tools(conversation: Conversation) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "defer_loading": None,
            "function": {
                "name": tool.name,
                "description": "what it does",
                "parameters": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in tool.parameters},
                },
            },
        }
        for tool in conversation.tools
    ]


def _asked(step: Step) -> list[dict[str, Any]]:
    calls = [
        {"function": {"name": call.name, "arguments": dict(call.arguments)}} for call in step.calls
    ]
    answers = [{"role": "tool", "content": result} for result in step.results]
    return [{"role": "assistant", "content": "", "tool_calls": calls}, *answers]


def _messages(conversation: Conversation) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if conversation.instructions:
        messages.append({"role": "system", "content": conversation.instructions})
    for turn in conversation.turns:
        messages.append({"role": "user", "content": turn.user})
        for step in turn.steps:
            messages += _asked(step)
        messages.append({"role": "assistant", "content": turn.answer})
    return messages


def test_the_template_writes_the_text_that_was_learned(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        written = _rendered(_messages(conversation), _tools(conversation))
        assert written == rendering.text(conversation)


def test_a_message_is_rendered_the_same_whatever_stands_before_it() -> None:
    answer = {"role": "tool", "content": "84"}
    short = _rendered([{"role": "user", "content": "a"}, answer], [], add_generation_prompt=True)
    longer = _rendered([{"role": "tool", "content": "b"}, answer], [], add_generation_prompt=True)
    assert short.split("<|im_end|>")[1:] == longer.split("<|im_end|>")[1:]


def test_without_instructions_and_tools_there_is_no_system_message() -> None:
    assert rendering.opening("", ()) == _rendered([], [])


def test_a_call_is_written_as_the_dialect_prescribes() -> None:
    call = Call("convert_units", {"value": 5, "from_unit": "miles", "to_unit": "km"})
    arguments = '{"value": 5, "from_unit": "miles", "to_unit": "km"}'
    assert call.text() == _dialect().tool_call.render("convert_units", arguments)


def test_what_is_learned_is_replies_with_their_end(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        pieces = list(rendering.pieces(conversation))
        learned = [piece for piece in pieces if piece.learned]
        assert len(learned) == sum(len(turn.steps) + 1 for turn in conversation.turns)
        assert all(piece.text.endswith("<|im_end|>") for piece in learned)
        assert all(
            piece.text.endswith(rendering.ASSISTANT) for piece in pieces[:-1] if not piece.learned
        )
