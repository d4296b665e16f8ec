"""What the model said and did, as OpenAI's items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from agent_serving.api.openai.parts import Part
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import (
    Agent,
    Item,
    MessageItem,
    ReasoningItem,
    ReplyItem,
    ToolCallItem,
    ToolResultItem,
)

Json = dict[str, Any]

SERVER_LABEL = "agent_serving"
"""Calls of the service's own tools are told as those of a server of tools are, so that no client
tries to run them."""


def runs_here(agent: Agent, name: str | None) -> bool:
    """A tool that nobody has is nobody's to run, so its calls are not handed out."""
    spec = agent.tool(name or "")
    return spec is None or spec.executor == "server"


def output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning_text(text: str) -> Json:
    return {"type": "reasoning_text", "text": text}


def output_item(
    item: ReplyItem, agent: Agent, result: ToolResultItem | None, *, over: bool
) -> Json:
    """`over`: nothing can come behind it any more."""
    match item:
        case MessageItem():
            content = [output_text(item.text)] if item.text else []
            return {
                "id": item.id,
                "type": "message",
                "role": "assistant",
                "status": item.status,
                "content": content,
            }
        case ReasoningItem():
            return reasoning_item(item)
        case ToolCallItem() if runs_here(agent, item.name):
            return served_call(item, agent, result, over=over)
        case ToolCallItem():
            return function_call(item)
        case _:
            assert_never(item)


def reasoning_item(item: ReasoningItem) -> Json:
    return {
        "id": item.id,
        "type": "reasoning",
        "summary": [],
        "content": [reasoning_text(item.text)] if item.text else [],
        "status": item.status,
    }


def function_call(item: ToolCallItem) -> Json:
    return {
        "id": item.id,
        "type": "function_call",
        "call_id": item.call_id,
        "name": item.name,
        "arguments": item.arguments,
        "status": item.status,
    }


def served_call(
    item: ToolCallItem, agent: Agent, result: ToolResultItem | None, *, over: bool
) -> Json:
    spec = agent.tool(item.name)
    remote = None if spec is None else spec.remote
    call: Json = {
        "id": item.id,
        "type": "mcp_call",
        "server_label": SERVER_LABEL if remote is None else remote.server,
        "name": item.name if remote is None else remote.name,
        "arguments": item.arguments,
        "approval_request_id": None,
        "output": None,
        "error": None,
    }
    if result is None:
        return call | {"status": "incomplete" if over else "in_progress"}
    if result.outcome == "ok":
        return call | {"status": "completed", "output": result.output}
    content = [{"type": "text", "text": result.output}]
    error = {"type": "mcp_tool_execution_error", "content": content}
    return call | {"status": "failed", "error": error}


def output_of(part: Part, agent: Agent) -> list[Json]:
    over = part.status not in ("queued", "in_progress")
    return [
        output_item(item, agent, _result(part.turn, step, item), over=over)
        for step in part.model_steps
        for item in step.items
    ]


def _result(turn: Turn, step: ModelStep, item: ReplyItem) -> ToolResultItem | None:
    if not isinstance(item, ToolCallItem):
        return None
    answer = turn.answers(step.id).get(item.call_id)
    return None if answer is None else answer.item


# --- what went in ---------------------------------------------------------------------------


def input_message(item: MessageItem) -> Json:
    kind = "input_text" if item.role == "user" else "output_text"
    content = output_text(item.text) if kind == "output_text" else {"type": kind, "text": item.text}
    return {
        "id": item.id,
        "type": "message",
        "role": item.role,
        "status": item.status,
        "content": [content],
    }


def call_output(item: ToolResultItem) -> Json:
    return {
        "id": item.id,
        "type": "function_call_output",
        "call_id": item.call_id,
        "output": item.output,
        "status": "completed",
    }


def input_of(part: Part, history: tuple[Item, ...], agent: Agent) -> list[Json]:
    """What the response answers: in front of the first turn the session's history too."""
    turn = part.turn
    if part.before is not None:
        first = turn.steps.index(part.steps[0]) if part.steps else len(turn.steps)
        begun = turn.steps.index(part.before.steps[0])
        steers = [i.item for i in turn.interjections if begun < i.after <= first]
        results = [step.item for step in part.before.handed if step.item is not None]
        return [*map(call_output, results), *map(input_message, steers)]
    before = remembered(history, agent) if turn.index == 0 else []
    return [*before, *map(input_message, turn.input)]


def remembered(history: tuple[Item, ...], agent: Agent) -> list[Json]:
    """What was said elsewhere. A call there was the caller's, unless the tool is one of ours."""
    served = {tool.name for tool in agent.tools if tool.executor == "server"}
    return list(_told(history, agent, served))


def transcript(session: Session) -> list[Json]:
    """All that was said, in the order in which the model saw it."""
    agent, said = session.agent, [item for turn in session.turns for item in turn.items]
    names = {item.name for item in said if isinstance(item, ToolCallItem)}
    served = {name for name in names if runs_here(agent, name)}
    told = [*remembered(session.history, agent), *_told(said, agent, served)]
    return [*told, *map(input_message, session.added)]


def _told(items: Sequence[Item], agent: Agent, served: set[str]) -> Iterator[Json]:
    results = {item.call_id: item for item in items if isinstance(item, ToolResultItem)}
    for item in items:
        match item:
            case MessageItem():
                yield input_message(item)
            case ReasoningItem():
                yield reasoning_item(item)
            case ToolCallItem(name=name) if name in served:
                yield served_call(item, agent, results.get(item.call_id), over=True)
            case ToolCallItem():
                yield function_call(item)
            case ToolResultItem(name=name) if name in served:
                continue  # it is shown with its call
            case ToolResultItem():
                yield call_output(item)
            case _:
                assert_never(item)
