"""Durable, token-exact, tool-using agent sessions on SGLang."""

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool import ToolContext, tool

__all__ = ["ToolContext", "ToolError", "tool"]
__version__ = "0.1.0"
