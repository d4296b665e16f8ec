"""Whether the constraint ever bends the model: each step of held-out conversations straight at the
engine, greedy, once with the constraint and once without.

Both see the same prompt, the conversation as it should have gone so far. So a turn is right without
the constraint if and only if it would be from the same start in a service that has none, and no
setting has to be there that switches the constraint off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent_serving.domain.constraint import step_constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.values import ToolSpec
from agent_serving.local.demo_model import rendering
from agent_serving.local.demo_model.scene import Conversation
from agent_serving.local.demo_model.tally import Tally

MOST_TOKENS = 400


class Engine(Protocol):
    """Requests to SGLang. Raises what the caller knows of."""

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...


@dataclass
class Bending:
    steps: int = 0
    changed: int = 0
    """Steps whose reply the constraint made another."""
    free: Tally = field(default_factory=Tally)
    bound: Tally = field(default_factory=Tally)
    examples: list[tuple[str, str]] = field(default_factory=list)
    """Without and with the constraint, where they differ."""

    def json(self) -> dict[str, Any]:
        return {
            "steps": self.steps,
            "changed": self.changed,
            "with": self.bound.table(),
            "without": self.free.table(),
        }


async def compare(
    engine: Engine,
    dialect: Dialect,
    specs: dict[str, ToolSpec],
    conversations: Sequence[Conversation],
    *,
    at_once: int = 4,
    on_done: Callable[[int], None] = lambda done: None,
) -> Bending:
    """specs: the shipped tools by name; tools that are none of them have texts as parameters."""
    result, gate, done = Bending(), asyncio.Semaphore(at_once), 0

    async def one(conversation: Conversation) -> None:
        nonlocal done
        async with gate:
            await _play(engine, dialect, specs, conversation, result)
        done += 1
        on_done(done)

    await asyncio.gather(*(one(conversation) for conversation in conversations))
    return result


async def _play(
    engine: Engine,
    dialect: Dialect,
    specs: dict[str, ToolSpec],
    conversation: Conversation,
    result: Bending,
) -> None:
    offered = [
        specs.get(tool.name) or _strange(tool.name, tool.parameters) for tool in conversation.tools
    ]
    constraint = step_constraint(dialect, offered, "auto", None)
    bound: dict[str, str] = {} if constraint is None else {constraint.kind: constraint.value}
    text, right = "", {"free": True, "bound": True}
    parts = list(rendering.pieces(conversation))
    for number, piece in enumerate(parts):
        if piece.learned:
            wanted = piece.text.removesuffix(rendering.END)
            free, forced = await asyncio.gather(
                _reply(engine, text, {}), _reply(engine, text, bound)
            )
            result.steps += 1
            if free != forced:
                result.changed += 1
                result.examples.append((free, forced))
            right["free"] &= free == wanted
            right["bound"] &= forced == wanted
            following = parts[number + 1].turn
            if following != piece.turn:
                kind = conversation.turns[piece.turn].kind
                result.free.add(kind, 0, is_right=right["free"])
                result.bound.add(kind, 0, is_right=right["bound"])
                right = {"free": True, "bound": True}
        text += piece.text


def _strange(name: str, parameters: Sequence[str]) -> ToolSpec:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return ToolSpec(
        name=name,
        parameters={"type": "object", "properties": properties, "additionalProperties": False},
    )


async def _reply(engine: Engine, prompt: str, constraint: dict[str, str]) -> str:
    sampling: dict[str, Any] = {"temperature": 0, "max_new_tokens": MOST_TOKENS, **constraint}
    answer = await engine.post("/generate", {"text": prompt, "sampling_params": sampling})
    text: str = answer["text"]
    return text
