"""Calls of MCP tools, and what there is to call."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcp import Client, MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_REQUEST,
    REQUEST_TIMEOUT,
    PaginatedRequestParams,
    Tool,
)

from agent_serving.adapters.tools.mcp.answers import answer_text
from agent_serving.adapters.tools.mcp.catalog import catalog
from agent_serving.adapters.tools.mcp.connection import Connection
from agent_serving.adapters.tools.redaction import SHORTEST, Redactor
from agent_serving.adapters.tools.results import OUTPUT_LIMIT, bounded, error_text
from agent_serving.domain.errors import ConfigurationError, ToolServerUnavailable, UnknownTool
from agent_serving.domain.mcp import McpServer
from agent_serving.domain.tool import ToolContext
from agent_serving.domain.values import Outcome, ToolCall, ToolResult, ToolSpec
from agent_serving.ports import LeftOut, ToolServerState

log = logging.getLogger(__name__)

START_SECONDS = 5.0
MAX_PAGES = 100
MAX_TOOLS = 512
"""Of one server; an agent takes far fewer."""
LEAST_TTL_MS = 5_000
MOST_TTL_MS = 86_400_000
IDEMPOTENCY_KEY = "agent-serving/idempotency-key"
SESSION_GONE = "Session terminated"
"""What the SDK makes of a 404 for a session: the server was started anew, and did nothing."""

Said = tuple[Outcome, str]


class _Server:
    """A server with what it listed last."""

    def __init__(self, name: str, server: McpServer, redact: Redactor) -> None:
        self.name = name
        self.server = server
        self._redact = redact
        self.connection = Connection(name, server, redact, self._list)
        self.specs: list[ToolSpec] = []
        self.left_out: list[LeftOut] = []
        self._fresh_until = 0.0
        self._listing = asyncio.Lock()

    async def fresh(self) -> list[ToolSpec]:
        """Raises ToolServerUnavailable."""
        async with self._listing:
            client = await self.connection.client()
            if time.monotonic() >= self._fresh_until:
                await self._listed(client)
        return self.specs

    async def _listed(self, client: Client) -> None:
        try:
            await self._list(client)
        except (MCPError, ValueError) as error:
            if isinstance(error, MCPError) and _is_lost(error):
                await self.connection.lose(client)
            why = error_text(error, (), self._redact)
            log.warning("the MCP server %s does not list its tools: %s", self.name, why)
            raise ToolServerUnavailable(
                f"The MCP server {self.name!r} does not list its tools; the service's log says "
                "why.",
                retry_after=5.0,
            ) from None

    async def _list(self, client: Client) -> None:
        tools, seconds, cursor = list[Tool](), self.server.tools_seconds, None
        for _ in range(MAX_PAGES):
            page = await client.session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            tools += [tool for tool in page.tools if self.server.allows(tool.name)]
            if "ttl_ms" in page.model_fields_set:
                seconds = min(max(page.ttl_ms, LEAST_TTL_MS), MOST_TTL_MS) / 1000
            cursor = page.next_cursor
            if cursor is None or len(tools) > MAX_TOOLS:
                break
        taken = tools[:MAX_TOOLS]
        specs, left_out = await asyncio.to_thread(catalog, self.name, self.server, taken)
        if len(tools) > MAX_TOOLS:
            why = f"it, and those behind it, are more than {MAX_TOOLS} tools."
            left_out.append(LeftOut(tools[MAX_TOOLS].name, why))
        for gone in left_out:
            if gone not in self.left_out:
                log.warning("%s: the tool %s is left out: %s", self.name, gone.tool, gone.why)
        self.specs, self.left_out = specs, left_out
        self._fresh_until = time.monotonic() + seconds


class McpToolRunner:
    """Runs calls on the deployment's servers, which are connected from `start` to `aclose`.

    Bounded: the time of a call (its spec's timeout, connecting included) and the size of its
    result. What a server does with a call is its own affair. A lost connection is made again; the
    call is then repeated where that is harmless, under the same idempotency key.
    """

    def __init__(
        self,
        servers: Mapping[str, McpServer],
        *,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        output_limit: int = OUTPUT_LIMIT,
        start_seconds: float = START_SECONDS,
    ) -> None:
        """`secrets` has those of each server by their names. `start` waits `start_seconds` for the
        servers, and then goes on without those that are not there yet. Raises ConfigurationError
        for a secret that is too short to be hidden."""
        known = secrets or {}
        self._redact = Redactor(_values(known))
        self._servers = {
            name: _Server(name, server.with_secrets(dict(known.get(name, {}))), self._redact)
            for name, server in sorted(servers.items())
        }
        self._output_limit = output_limit
        self._start_seconds = start_seconds

    async def start(self) -> None:
        """Connects, or has begun to: a server that is down keeps nobody waiting for long."""
        connections = [each.connection for each in self._servers.values()]
        for connection in connections:
            connection.start()
        settled = [asyncio.create_task(connection.settled()) for connection in connections]
        if settled:
            await asyncio.wait(settled, timeout=self._start_seconds)
        for task in settled:
            task.cancel()
        await asyncio.gather(*settled, return_exceptions=True)

    async def aclose(self) -> None:
        """Every process that was started has ended when this returns."""
        await asyncio.gather(*(each.connection.aclose() for each in self._servers.values()))

    # --- what there is ------------------------------------------------------------------------

    def specs(self) -> Sequence[ToolSpec]:
        return [spec for each in self._servers.values() for spec in each.specs]

    def states(self) -> Sequence[ToolServerState]:
        return [
            ToolServerState(
                name=each.name,
                transport="http" if each.server.url else "stdio",
                status=each.connection.status,
                problem=each.connection.problem,
                tools=len(each.specs),
                left_out=tuple(each.left_out),
            )
            for each in self._servers.values()
        ]

    async def offered(self, server: str) -> Sequence[ToolSpec]:
        if server not in self._servers:
            raise UnknownTool(
                f"This deployment has no MCP server {server!r}. It has: "
                f"{', '.join(self._servers) or 'none'}. Servers are named in its configuration "
                "(mcp_servers); an agent cannot bring its own."
            )
        return await self._servers[server].fresh()

    # --- calls --------------------------------------------------------------------------------

    async def run(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> ToolResult:
        try:
            async with asyncio.timeout(spec.timeout_seconds):
                outcome, output = await self._say(spec, call, context)
        except TimeoutError:
            outcome, output = "timeout", _timeout_text(spec)
        return ToolResult(call_id=call.call_id, output=output, outcome=outcome)

    async def _say(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> Said:
        remote = spec.remote
        held = self._servers.get(remote.server) if remote is not None else None
        if remote is None or held is None or not held.server.allows(remote.name):
            return "error", f"{spec.name} is not available here any more. Go on without it."
        arguments = json.loads(call.arguments)
        for last in (False, True):
            try:
                client = await held.connection.client()
            except ToolServerUnavailable as error:
                log.warning("%s was not called: %s", spec.name, error.message)
                return "error", f"{spec.name} is not available now: its server cannot be reached."
            try:
                return await self._call(client, remote.name, arguments, spec, context)
            except MCPError as error:
                if not _is_lost(error):
                    return self._failed(spec, error)
                await held.connection.lose(client)
                harmless = spec.effect != "once" or error.message == SESSION_GONE
                if last or not harmless:
                    return "error", _lost_text(spec, harmless)
        raise AssertionError("unreachable")

    async def _call(
        self,
        client: Client,
        name: str,
        arguments: dict[str, Any],
        spec: ToolSpec,
        context: ToolContext,
    ) -> Said:
        """Raises MCPError."""
        meta: Any = {
            "traceparent": context.traceparent,
            IDEMPOTENCY_KEY: context.idempotency_key,
        }
        try:
            result = await client.call_tool(
                name, arguments, read_timeout_seconds=spec.timeout_seconds, meta=meta
            )
        except (MCPError, TimeoutError):
            raise
        except Exception as error:
            # A result that breaks the protocol.
            return self._failed(spec, error)
        text = bounded(self._redact(answer_text(result)), self._output_limit)
        return ("error" if result.is_error else "ok"), text

    def _failed(self, spec: ToolSpec, error: Exception) -> Said:
        if isinstance(error, MCPError) and error.code == REQUEST_TIMEOUT:
            return "timeout", _timeout_text(spec)
        log.warning("tool %s failed\n%s", spec.name, self._redact.trace(error))
        return "error", error_text(error, (), self._redact)


def _values(secrets: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for server, own in secrets.items():
        for name, value in own.items():
            if len(value) < SHORTEST:
                raise ConfigurationError(
                    f"mcp_servers.{server}: the secret {name} has less than {SHORTEST} characters: "
                    "it could not be hidden in what the server says. Use a longer one."
                )
            yield value


def _is_lost(error: MCPError) -> bool:
    gone = error.code == INVALID_REQUEST and error.message == SESSION_GONE
    return error.code == CONNECTION_CLOSED or gone


def _lost_text(spec: ToolSpec, harmless: bool) -> str:
    if harmless:
        return f"{spec.name} failed: the connection to its server was lost twice."
    return (
        f"{spec.name}: the connection to its server was lost. It is not known whether the call had"
        " its effect, and it was not repeated."
    )


def _timeout_text(spec: ToolSpec) -> str:
    return (
        f"{spec.name} did not finish within {spec.timeout_seconds:g} s and was given up."
        " What it was doing may still happen."
    )
