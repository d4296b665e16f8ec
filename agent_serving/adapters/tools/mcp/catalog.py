"""From what a server lists to what can be served here."""

from __future__ import annotations

from collections.abc import Iterable

from mcp_types import Tool, ToolAnnotations

from agent_serving.domain import schema
from agent_serving.domain.errors import SchemaRejected
from agent_serving.domain.mcp import MAX_NAME, McpServer, asks, effect_of, served_name
from agent_serving.domain.values import RemoteTool, ToolSpec
from agent_serving.ports import LeftOut

MAX_DESCRIPTION = 8192


def catalog(
    name: str, server: McpServer, tools: Iterable[Tool]
) -> tuple[list[ToolSpec], list[LeftOut]]:
    """The specs of the tools that the deployment allows, sorted by the server's names, and what
    had to be left out. Takes up to a second of computing for a large schema."""
    specs: list[ToolSpec] = []
    left_out: list[LeftOut] = []
    names: set[str] = set()
    for tool in sorted(tools, key=lambda tool: tool.name):
        if not server.allows(tool.name):
            continue
        served = served_name(name, tool.name)
        if len(served) > MAX_NAME:
            why = f"its name {served} has more than {MAX_NAME} characters."
            left_out.append(LeftOut(tool.name, why))
        elif served in names:
            left_out.append(LeftOut(tool.name, f"another tool is called {served} here."))
        else:
            try:
                specs.append(_spec(served, name, server, tool))
                names.add(served)
            except SchemaRejected as error:
                left_out.append(LeftOut(tool.name, error.message))
    return specs, left_out


def _spec(served: str, name: str, server: McpServer, tool: Tool) -> ToolSpec:
    """Raises SchemaRejected."""
    hints = tool.annotations or ToolAnnotations()
    schema.check(tool.input_schema, param=None)
    return ToolSpec(
        name=served,
        description=(tool.description or tool.title or "")[:MAX_DESCRIPTION],
        parameters=schema.closed(tool.input_schema),
        effect=effect_of(read_only=hints.read_only_hint, idempotent=hints.idempotent_hint),
        timeout_seconds=server.timeout_seconds,
        requires_approval=asks(server.require_approval, tool.name),
        remote=RemoteTool(server=name, name=tool.name),
    )
