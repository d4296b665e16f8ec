"""The response object: a pure function of a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agent_serving.api.openai.ids import ResponseId, conversation_id
from agent_serving.api.openai.output import Json, output_of
from agent_serving.api.openai.parts import Part, parts_of
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import Agent, JsonSchemaOutput, ToolSpec, Usage

ECHOED: dict[str, Any] = {
    "previous_response_id": None,
    "background": False,
    "store": True,
    "parallel_tool_calls": True,
    "temperature": None,
    "top_p": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "reasoning": None,
    "truncation": "disabled",
    "user": None,
    "safety_identifier": None,
    "service_tier": "default",
    "prompt_cache_key": None,
}
"""Fields that are shown as they were asked for, and what they are where nobody asked."""


def part_of(session: Session, response_id: ResponseId) -> Part | None:
    """None where there is no such response (any more)."""
    turn = session.turn(response_id.turn_id)
    if turn is None or turn.hidden:
        return None
    parts = parts_of(turn)
    return parts[response_id.part - 1] if response_id.part <= len(parts) else None


def response_of(session: Session, part: Part) -> Json:
    """As it stands now."""
    turn, agent = part.turn, session.agent
    status = part.status
    over = status not in ("queued", "in_progress")
    own = ResponseId(session.id, turn.id, part.number)
    echoed = {name: turn.echo.get(name, usual) for name, usual in ECHOED.items()}
    if part.before is not None:
        before = ResponseId(session.id, turn.id, part.before.number)
        echoed["previous_response_id"] = None if turn.echo.get("conversation") else str(before)
    held = {"id": conversation_id(session.id)} if turn.echo.get("conversation") else None
    return {
        "id": str(own),
        "object": "response",
        "created_at": _seconds(part.created_at),
        "completed_at": _seconds(part.ended_at) if status == "completed" else None,
        "status": status,
        "error": _error(turn) if status == "failed" else None,
        "incomplete_details": {"reason": turn.reason} if status == "incomplete" else None,
        "model": turn.echo.get("model", agent.model),
        "instructions": agent.instructions or None,
        "tools": [shown_tool(tool) for tool in agent.tools],
        "tool_choice": _tool_choice(turn),
        "text": turn.echo.get("text") or {"format": _format(turn)},
        "metadata": turn.metadata,
        "conversation": held,
        **echoed,
        "output": output_of(part, agent),
        "usage": usage_of(part.usage) if over else None,
        "agent_serving": {
            "session_id": session.id,
            "turn_id": turn.id,
            "trace_id": turn.trace_id,
            "steps": None,
        },
    }


def opening(response: Json, *, queued: bool) -> Json:
    """The response as it was when nothing had been said yet."""
    return response | {
        "status": "queued" if queued else "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }


def usage_of(usage: Usage) -> Json:
    """Of all model steps of the response: each reads the whole transcript."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def shown_tool(tool: ToolSpec) -> Json:
    """A tool of this deployment is named, one of the caller's is shown whole."""
    client = tool.executor == "client"
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description if client else None,
        "parameters": tool.parameters if client else None,
        "strict": True,
    }


def same_but_for_id(one: Agent, other: Agent) -> bool:
    keys: Sequence[str] = ("sampling", "service_class", "output", "limits")
    return one.opens_as(other) and all(getattr(one, k) == getattr(other, k) for k in keys)


def _error(turn: Turn) -> Json | None:
    error = turn.error
    return None if error is None else {"code": error.code, "message": error.message}


def _tool_choice(turn: Turn) -> Any:
    choice = turn.tool_choice
    return choice if isinstance(choice, str) else choice.model_dump()


def _format(turn: Turn) -> Json:
    if not isinstance(turn.output, JsonSchemaOutput):
        return {"type": "text"}
    schema = turn.output.schema_
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}


def _seconds(time: datetime | None) -> int | None:
    return None if time is None else int(time.timestamp())
