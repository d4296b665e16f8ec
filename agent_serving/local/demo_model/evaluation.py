"""Held-out conversations through a running service: REST, real tools, greedy, exact turns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from agent_serving.local.demo_model import answers
from agent_serving.local.demo_model.atoms import CLOCK
from agent_serving.local.demo_model.conversations import Generator, Mix
from agent_serving.local.demo_model.rendering import text
from agent_serving.local.demo_model.scene import Conversation, OfferedTool, Turn
from agent_serving.local.demo_model.tally import Tally
from agent_serving.local.demo_model.toolbox import NAMES

Json = dict[str, Any]
MIX = Mix(0.5, 0.3, 0.2)
LONGEST = 10_000
"""Characters of a conversation, about 2 500 tokens: training goes no further."""


class Service(Protocol):
    """Requests to a service's REST API; paths begin with /v1."""

    async def get(self, path: str) -> Json: ...
    async def post(self, path: str, body: Json | None = None) -> Json: ...
    async def list(self, path: str) -> list[Json]: ...


@dataclass(frozen=True, slots=True)
class Wrong:
    """A turn that was not as expected, for people to read."""

    kind: str
    user: str
    expected: list[str]
    actual: list[str]


@dataclass
class Report:
    tally: Tally = field(default_factory=Tally)
    wrong: list[Wrong] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Turns that the service did not complete, and why."""


def conversations(generator: Generator, seed: int, count: int) -> list[Conversation]:
    """The evaluation set. The same seed gives the same one; `generator` is one that holds out."""
    fitting = (one for one in generator.stream(seed, MIX) if len(text(one)) <= LONGEST)
    return list(islice(fitting, count))


async def evaluate(
    service: Service,
    given: Sequence[Conversation],
    *,
    at_once: int = 4,
    tool_choice: str | None = None,
    on_done: Callable[[int], None] = lambda done: None,
) -> Report:
    """Plays the conversations, some at once. tool_choice None leaves it to the service ("auto",
    with the constraint)."""
    report, gate, done = Report(), asyncio.Semaphore(at_once), 0

    async def one(conversation: Conversation) -> None:
        nonlocal done
        async with gate:
            await _play(service, conversation, tool_choice, report)
        done += 1
        on_done(done)

    await asyncio.gather(*(one(conversation) for conversation in given))
    return report


async def _play(
    service: Service, conversation: Conversation, tool_choice: str | None, report: Report
) -> None:
    session = await service.post("/v1/sessions", {"agent": agent(conversation)})
    path = f"/v1/sessions/{session['id']}"
    for turn in conversation.turns:
        body: Json = {"input": turn.user, "mode": "wait"}
        if tool_choice is not None:
            body["tool_choice"] = tool_choice
        answered = await service.post(f"{path}/turns", body)
        if answered["status"] != "completed":
            report.failed.append(f"{turn.kind}: {answered['status']} {answered.get('error')}")
            report.tally.add(turn.kind, 0, is_right=False)
            break
        tokens = await _prompt_tokens(service, f"{path}/turns/{answered['id']}/steps")
        actual = said(answered["items"])
        expected = wanted(turn, answered["items"])
        report.tally.add(turn.kind, tokens, is_right=actual == expected)
        if actual != expected:
            report.wrong.append(Wrong(turn.kind, turn.user, expected, actual))


async def _prompt_tokens(service: Service, path: str) -> int:
    steps = await service.list(path)
    sizes = [step["usage"]["input_tokens"] for step in steps if step["kind"] == "model"]
    return max(sizes, default=0)


def agent(conversation: Conversation) -> Json:
    tools: list[Any] = [
        tool.name if tool.name in NAMES else _strange(tool) for tool in conversation.tools
    ]
    body: Json = {
        "name": "evaluation",
        "tools": tools,
        "sampling": {"temperature": 0, "max_output_tokens": 400},
        "limits": {"max_steps": 8},
    }
    if conversation.instructions:
        body["instructions"] = conversation.instructions
    return body


def _strange(tool: OfferedTool) -> Json:
    """A tool that only the caller could run: it is offered and never called."""
    properties = {name: {"type": "string"} for name in tool.parameters}
    return {
        "type": "function",
        "name": tool.name,
        "description": "",
        "parameters": {"type": "object", "properties": properties, "additionalProperties": False},
    }


def said(items: Sequence[Json]) -> list[str]:
    """Calls and texts of a turn's items, in order."""
    lines: list[str] = []
    for item in items:
        if item["type"] == "tool_call":
            arguments = item["arguments"]
            read = json.loads(arguments) if isinstance(arguments, str) else arguments
            lines.append(f"{item['name']} {_canonical(read)}")
        elif item["type"] == "message" and item.get("role") == "assistant":
            lines.append(_text(item))
    return lines


def _text(item: Json) -> str:
    return str(item["text"])


def _canonical(arguments: Any) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)


def wanted(turn: Turn, items: Sequence[Json]) -> list[str]:
    """What the turn's calls and answer should be; the time is what the service's clock said."""
    lines = [
        f"{call.name} {_canonical(dict(call.arguments))}"
        for step in turn.steps
        for call in step.calls
    ]
    shown = [str(item["output"]) for item in items if item["type"] == "tool_result"]
    return [*lines, _at_this_time(turn, shown)]


def _at_this_time(turn: Turn, shown: Sequence[str]) -> str:
    calls = [
        (call, result)
        for step in turn.steps
        for call, result in zip(step.calls, step.results, strict=True)
    ]
    answer = turn.answer
    if len(calls) != len(shown):
        return answer
    for (call, then), now in zip(calls, shown, strict=True):
        if call.name == "current_time" and then.startswith("{") and now.startswith("{"):
            for intent in dict.fromkeys(CLOCK):
                answer = answer.replace(answers.clock(intent, then), answers.clock(intent, now))
    return answer
