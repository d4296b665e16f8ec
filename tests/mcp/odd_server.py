"""An MCP server with every vice, on the official SDK: python odd_server.py WITNESS [PORT]"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

WITNESS = Path(sys.argv[1])
server = MCPServer(
    "odd", cache_hints={"tools/list": CacheHint(ttl_ms=int(os.environ.get("ODD_TTL", "0")))}
)

READS = ToolAnnotations(read_only_hint=True)
REPEATS = ToolAnnotations(idempotent_hint=True)


def note(line: str) -> int:
    """Leave a line; how many there are now."""
    with WITNESS.open("a") as file:
        file.write(line + "\n")
    return len(WITNESS.read_text().splitlines())


@server.tool(annotations=READS)
def zebra(text: str) -> str:
    """Say it back."""
    return text


@server.tool(name="about.me", annotations=READS)
def about_me(context: Context[Any, Any]) -> dict[str, Any]:
    """Tell what came with the request."""
    meta = dict(context.request_context.meta or {})
    return {
        "meta": meta,
        "environment": {key: os.environ[key] for key in ("ODD", "PATH") if key in os.environ},
        "headers": dict(context.headers or {}),
        "process": os.getpid(),
    }


@server.tool(annotations=READS)
def fail() -> str:
    """Fail."""
    raise ToolError(f"no good: {os.environ.get('ODD', '')}")


@server.tool()
async def hang() -> str:
    """Never come back."""
    note("hang")
    await asyncio.sleep(3600)
    return "?"


@server.tool(annotations=READS)
def long(characters: int) -> str:
    """Say a lot."""
    return "x" * characters


@server.tool()
def die_once() -> str:
    """Die."""
    note("die_once")
    os._exit(3)


@server.tool(annotations=REPEATS)
def die_then_answer() -> str:
    """Die the first time."""
    if note("die_then_answer") == 1:
        os._exit(3)
    return "alive"


@server.tool(annotations=READS)
def talk() -> str:
    """Write to the log."""
    sys.stderr.write(f"the key is {os.environ.get('ODD', '')}\n")
    sys.stderr.flush()
    return "written"


def _bad(tool: str) -> None:
    """A schema that Python's types would not give."""
    registered = server._tool_manager._tools[tool]
    registered.parameters = {
        "type": "object",
        "properties": {"text": {"type": "string", "pattern": "(?=x)y"}},
    }


@server.tool()
def bad_schema(text: str) -> str:
    """Cannot be served."""
    return text


@server.tool(name="a" * 80)
def too_long() -> str:
    """Has too long a name."""
    return ""


@server.tool(name="about_me")
def same_name() -> str:
    """Would be called as another is."""
    return ""


_bad("bad_schema")
if "ODD_OUTPUT" in os.environ:
    promised = server._tool_manager._tools["zebra"].fn_metadata.output_schema
    assert promised is not None
    promised["properties"]["result"]["pattern"] = os.environ["ODD_OUTPUT"]

if __name__ == "__main__":
    if len(sys.argv) > 2:
        asyncio.run(
            server.run_streamable_http_async(
                host="127.0.0.1", port=int(sys.argv[2]), stateless_http=False
            )
        )
    else:
        server.run("stdio")
