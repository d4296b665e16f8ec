"""What the model said and did, as OpenAI's items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never

from agent_serving.api.openai.ids import approval_id
from agent_serving.api.openai.parts import Part, asked_about
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.domain.values import (
    Agent,
    Approval,
    Item,
    MessageItem,
    ReasoningItem,
    ReplyItem,
    ToolCall,
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


def may_ask(agent: Agent, name: str | None) -> bool:
    """Whether a call of the tool waits for an approval, unless it is refused at once. It is told
    when that is known."""
    spec = agent.tool(name or "")
    return spec is not None and spec.requires_approval


def output_text(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def reasoning_text(text: str) -> Json:
    return {"type": "reasoning_text", "text": text}


def output_item(
    item: ReplyItem,
    agent: Agent,
    result: ToolResultItem | None,
    *,
    over: bool,
    asked: bool = False,
) -> Json:
    """`over`: nothing can come behind it any more. `asked`: somebody was asked about the call."""
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
            return served_call(item, agent, result, over=over, asked=asked)
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


def approval_request(call: ToolCall, agent: Agent) -> Json:
    asked = {"id": approval_id(call.call_id), "type": "mcp_approval_request"}
    return {**asked, **_named(call.name, agent), "arguments": call.arguments}


def served_call(
    item: ToolCallItem,
    agent: Agent,
    result: ToolResultItem | None,
    *,
    over: bool,
    asked: bool = False,
) -> Json:
    call: Json = {
        "id": item.id,
        "type": "mcp_call",
        **_named(item.name, agent),
        "arguments": item.arguments,
        "approval_request_id": approval_id(item.call_id) if asked else None,
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


def _named(name: str, agent: Agent) -> Json:
    spec = agent.tool(name)
    remote = None if spec is None else spec.remote
    if remote is None:
        return {"server_label": SERVER_LABEL, "name": name}
    return {"server_label": remote.server, "name": remote.name}


def output_of(part: Part, agent: Agent) -> list[Json]:
    """In the order in which it is told: a call that may need an approval when it is asked for, and
    when the call begins or is refused."""
    over = part.status not in ("queued", "in_progress")
    told: list[Json] = []
    begun: set[str] = set()
    for step in part.steps:
        if isinstance(step, ModelStep):
            told += [
                output_item(item, agent, _result(part.turn, step.id, item), over=over)
                for item in step.items
                if not (isinstance(item, ToolCallItem) and may_ask(agent, item.name))
            ]
            told += [approval_request(one.call, agent) for one in asked_about(part.turn, step)]
        elif may_ask(agent, step.call.name) and step.call.call_id not in begun:
            # Once, where it began: also a call whose first claim was given up.
            begun.add(step.call.call_id)
            item = _call_item(part.turn, step)
            result = _result(part.turn, step.model_step_id, item)
            asked = part.turn.approval(step.model_step_id, item.call_id) is not None
            told.append(served_call(item, agent, result, over=over, asked=asked))
    return told


def _call_item(turn: Turn, answer: ToolStep) -> ToolCallItem:
    """The call that the step answers, as the reply has it."""
    [reply] = [step for step in turn.model_steps if step.id == answer.model_step_id]
    calls = [item for item in reply.items if isinstance(item, ToolCallItem)]
    return next(item for item in calls if item.call_id == answer.call.call_id)


def _result(turn: Turn, model_step_id: str, item: ReplyItem) -> ToolResultItem | None:
    if not isinstance(item, ToolCallItem):
        return None
    answer = turn.answers(model_step_id).get(item.call_id)
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


def approval_response(asked: Approval) -> Json:
    request = approval_id(asked.call.call_id)
    return {
        "id": f"{request}_answer",
        "type": "mcp_approval_response",
        "approval_request_id": request,
        "approve": bool(asked.approved),
        "reason": None,
    }


def input_of(part: Part, history: tuple[Item, ...], agent: Agent) -> list[Json]:
    """What the response answers: in front of the first turn the session's history too."""
    turn = part.turn
    if part.before is not None:
        first = turn.steps.index(part.steps[0]) if part.steps else len(turn.steps)
        begun = turn.steps.index(part.before.steps[0])
        steers = [i.item for i in turn.interjections if begun < i.after <= first]
        results = [step.item for step in part.before.handed if step.item is not None]
        given = [asked for asked in part.before.asked if asked.approved is not None]
        answers = [*map(call_output, results), *map(approval_response, given)]
        return [*answers, *map(input_message, steers)]
    before = remembered(history, agent) if turn.index == 0 else []
    return [*before, *map(input_message, turn.input)]


def remembered(history: tuple[Item, ...], agent: Agent) -> list[Json]:
    """What was said elsewhere. A call there was the caller's, unless the tool is one of ours."""
    served = {tool.name for tool in agent.tools if tool.executor == "server"}
    return list(_told(history, agent, served, {}))


def transcript(session: Session) -> list[Json]:
    """All that was said, in the order in which the model saw it."""
    agent, said = session.agent, [item for turn in session.turns for item in turn.items]
    names = {item.name for item in said if isinstance(item, ToolCallItem)}
    served = {name for name in names if runs_here(agent, name)}
    asked = {one.call.call_id: one for turn in session.turns for one in turn.approvals}
    told = [*remembered(session.history, agent), *_told(said, agent, served, asked)]
    return [*told, *map(input_message, session.added)]


def _is_open(asked: Approval | None) -> bool:
    return asked is not None and asked.approved is None


def _told(
    items: Sequence[Item],
    agent: Agent,
    served: set[str],
    asked: Mapping[str, Approval],
) -> Iterator[Json]:
    """`asked`: what somebody was asked about, by call."""
    results = {item.call_id: item for item in items if isinstance(item, ToolResultItem)}
    for item in items:
        match item:
            case MessageItem():
                yield input_message(item)
            case ReasoningItem():
                yield reasoning_item(item)
            case ToolCallItem(call_id=call_id) if _is_open(asked.get(call_id)):
                yield approval_request(item.call, agent)
            case ToolCallItem(name=name, call_id=call_id) if name in served:
                result = results.get(call_id)
                yield served_call(item, agent, result, over=True, asked=call_id in asked)
            case ToolCallItem():
                yield function_call(item)
            case ToolResultItem(name=name) if name in served:
                continue  # it is shown with its call
            case ToolResultItem():
                yield call_output(item)
            case _:
                assert_never(item)
