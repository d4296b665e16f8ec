"""Held-out conversations through a running service: REST, real tools, greedy, exact turns."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
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
Call = tuple[str, Any]
"""A tool's name and the arguments."""
MIX = Mix(0.5, 0.3, 0.2)
KINDS = (
    "single",
    "parallel",
    "chain of 2",
    "chain of 3",
    "chain of 4",
    "follow_up",
    "error",
    "missing",
    "refusal",
    "small talk",
    "unseen tool",
)
LONGEST = 10_000
"""Characters of a conversation, about 2 500 tokens: training goes no further."""
ENOUGH = 40
"""Turns of a kind, so that two wrong ones do not pull it below 95 %."""


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

    def json(self) -> Json:
        return {"turns": self.tally.table(), "not_completed": len(self.failed)}


def conversations(generator: Generator, seed: int, count: int) -> list[Conversation]:
    """The evaluation set. The same seed gives the same one; `generator` is one that holds out.

    To the first `count` come the next ones with a turn of a kind that has been rare so far, until
    no kind has fewer than `ENOUGH` turns (of small sets, in proportion).
    """
    fitting = (one for one in generator.stream(seed, MIX) if len(text(one)) <= LONGEST)
    chosen = list(islice(fitting, count))
    seen = Counter(turn.kind for one in chosen for turn in one.turns)
    enough = min(ENOUGH, count // 12)
    while rare := {kind for kind in KINDS if seen[kind] < enough}:
        one = next(fitting)
        if rare & {turn.kind for turn in one.turns}:
            chosen.append(one)
            seen.update(turn.kind for turn in one.turns)
    return chosen


async def evaluate(
    service: Service,
    given: Sequence[Conversation],
    *,
    at_once: int = 4,
    on_done: Callable[[int], None] = lambda done: None,
) -> Report:
    """Plays the conversations, some at once, greedily and with the constraint."""
    report, gate, done = Report(), asyncio.Semaphore(at_once), 0

    async def one(conversation: Conversation) -> None:
        nonlocal done
        async with gate:
            await _play(service, conversation, report)
        done += 1
        on_done(done)

    await asyncio.gather(*(one(conversation) for conversation in given))
    return report


async def _play(service: Service, conversation: Conversation, report: Report) -> None:
    session = await service.post("/v1/sessions", {"agent": agent(conversation)})
    path = f"/v1/sessions/{session['id']}"
    for turn in conversation.turns:
        answered = await service.post(f"{path}/turns", {"input": turn.user, "mode": "wait"})
        tokens = await _prompt_tokens(service, f"{path}/turns/{answered['id']}/steps")
        actual = said(answered["items"])
        expected = wanted(turn, answered["items"])
        is_right = answered["status"] == "completed" and actual == expected
        report.tally.add(turn.kind, tokens, is_right=is_right)
        if not is_right:
            report.wrong.append(Wrong(turn.kind, turn.user, expected, actual))
        if answered["status"] != "completed":
            report.failed.append(f"{turn.kind}: {await ended(service, path, answered)}")


async def ended(service: Service, session: str, turn: Json) -> str:
    """Why a turn is not completed. One that waits for the caller is cancelled, as another can
    follow only then."""
    if turn["status"] == "waiting":
        await service.post(f"{session}/turns/{turn['id']}/cancel")
        return "waits for a tool of the caller's"
    return f"{turn['status']}, {turn.get('error') or turn.get('incomplete_details')}"


async def _prompt_tokens(service: Service, path: str) -> int:
    steps = await service.list(path)
    sizes = [step["usage"]["input_tokens"] for step in steps if step["kind"] == "model"]
    return max(sizes, default=0)


def agent(conversation: Conversation) -> Json:
    tools: list[Any] = [
        tool.name if tool.name in NAMES else _strange(tool) for tool in conversation.tools
    ]
    return greedy_agent(tools) | {"instructions": conversation.instructions}


def greedy_agent(tools: Sequence[Any]) -> Json:
    return {
        "name": "evaluation",
        "tools": list(tools),
        "sampling": {"temperature": 0, "max_output_tokens": 400},
        "limits": {"max_steps": 8},
    }


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
            lines.append(f"{item['name']} {_canonical(read_arguments(item))}")
        elif item["type"] == "message" and item["role"] == "assistant":
            lines.append(item["text"])
    return lines


def calls_of(items: Sequence[Json]) -> list[list[Call]]:
    """The calls of a turn, step by step: what goes out together stands before any result."""
    steps: list[list[Call]] = []
    before = ""
    for item in items:
        if item["type"] == "tool_call":
            if before != "tool_call":
                steps.append([])
            steps[-1].append((item["name"], read_arguments(item)))
        before = item["type"]
    return steps


def read_arguments(call: Json) -> Any:
    """Of a call that was cut off: its text."""
    try:
        return json.loads(call["arguments"])
    except ValueError:
        return call["arguments"]


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
        if call.name == "current_time" and _is_clock(then) and _is_clock(now):
            for intent in dict.fromkeys(CLOCK):
                answer = answer.replace(answers.clock(intent, then), answers.clock(intent, now))
    return answer


def _is_clock(result: str) -> bool:
    """A model that calls another tool is shown something else."""
    return result.startswith('{"time"')
