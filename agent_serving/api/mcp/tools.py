"""The agents of a tenant as tools: `run_<agent>`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp_types as types

from agent_serving.api.context import Api
from agent_serving.domain.values import Agent

PREFIX = "run_"
PAGE = 100

_INPUT = {
    "type": "object",
    "properties": {
        "input": {"type": "string", "minLength": 1, "description": "What to say to the agent."},
        "session_id": {
            "type": "string",
            "description": "Of an earlier answer, to go on from there; a new conversation without.",
        },
    },
    "required": ["input"],
    "additionalProperties": False,
}


def input_schema(_tool: str) -> Mapping[str, Any]:
    """The same for all: the SDK, which wants it for each call, need not look through the list."""
    return _INPUT


async def agent_page(api: Api, cursor: str | None) -> types.ListToolsResult:
    """The cursor is the id of the last agent of the page before."""
    listing = await api.service.agents.list(
        api.tenant, limit=PAGE, after=cursor, before=None, descending=False
    )
    agents = [Agent.model_validate_json(row) for row in listing.rows]
    return types.ListToolsResult(
        tools=[_tool(agent) for agent in agents],
        next_cursor=agents[-1].id if listing.more and agents else None,
        ttl_ms=0,
        cache_scope="private",
    )


def _tool(agent: Agent) -> types.Tool:
    about = " ".join(agent.instructions.split())[:500]
    return types.Tool(
        name=PREFIX + agent.name,
        description=f"Run the agent {agent.name}. {about}".strip(),
        input_schema=_INPUT,
        annotations=types.ToolAnnotations(read_only_hint=False, idempotent_hint=False),
    )
