"""Tools of MCP servers: programs of their own, over stdio or streamable HTTP."""

from agent_serving.adapters.tools.mcp.runner import McpToolRunner

__all__ = ["McpToolRunner"]
