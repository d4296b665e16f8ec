"""Agents, offered to MCP clients at /mcp."""

from agent_serving.api.mcp.endpoint import install

__all__ = ["install"]
