"""Durable, token-exact, tool-using agent sessions on SGLang."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_serving.client import AgentServing, AsyncAgentServing
    from agent_serving.domain.errors import ToolError
    from agent_serving.domain.tool import ToolContext, tool

__all__ = ["AgentServing", "AsyncAgentServing", "ToolContext", "ToolError", "tool"]
__version__ = "0.1.0"

_HOMES = {
    "AgentServing": "agent_serving.client",
    "AsyncAgentServing": "agent_serving.client",
    "ToolContext": "agent_serving.domain.tool",
    "ToolError": "agent_serving.domain.errors",
    "tool": "agent_serving.domain.tool",
}


def __getattr__(name: str) -> Any:
    """What is exported is imported when it is first asked for: whoever wants the client does not
    wait for the tools, and the other way round."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
