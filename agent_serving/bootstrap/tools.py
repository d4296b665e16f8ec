"""What this deployment can run for a model: functions here, and MCP servers."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack

from agent_serving.adapters.tools.composed import ComposedToolRunner
from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.adapters.tools.mcp import McpToolRunner
from agent_serving.adapters.tools.redaction import hidden_in_logs
from agent_serving.config import Settings
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.secrets import load_secrets
from agent_serving.plugins.tools import load_tools
from agent_serving.ports import ToolRunner, ToolServers


async def opened_tools(
    settings: Settings, stack: AsyncExitStack
) -> tuple[ToolRunner, ToolServers | None]:
    """Until the stack is left their secrets are hidden in logs, and the servers connected."""
    loaded = load_tools([shipped("tools"), *settings.tools])
    secrets = load_secrets(settings.tool_secrets, settings.secrets_file, os.environ)
    stack.enter_context(hidden_in_logs(secrets))
    functions = FunctionToolRunner(
        [tool.function for tool in loaded.values()],
        settings=settings.settings_of_tools(),
        secrets=secrets,
        concurrency=settings.tool_concurrency,
    )
    if not settings.mcp_servers:
        return functions, None
    wanted = {name: server.secret_names for name, server in settings.mcp_servers.items()}
    known = load_secrets(wanted, settings.secrets_file, os.environ, setting="mcp_servers")
    stack.enter_context(hidden_in_logs(known))
    servers = McpToolRunner(settings.mcp_servers, secrets=known)
    stack.push_async_callback(servers.aclose)
    await servers.start()
    return ComposedToolRunner(functions, servers), servers
