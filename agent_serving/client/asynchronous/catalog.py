"""What the deployment can do, and what was used of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.call import get, segment
from agent_serving.client.models.catalog import Capabilities, Grammar, ServedModel, ServerTool
from agent_serving.client.models.usage import SessionUsage, UsageReport


class AsyncTools:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def list(self) -> AsyncPages[ServerTool]:
        """The tools that the service runs."""
        return AsyncPages(self._transport, "/tools", ServerTool.model_validate, {})


class AsyncGrammars:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def list(self) -> AsyncPages[Grammar]:
        """Output grammars, which an answer can be held to by name, and dialects."""
        return AsyncPages(self._transport, "/grammars", Grammar.model_validate, {})


class AsyncModels:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    def list(self) -> AsyncPages[ServedModel]:
        """The models that are served now."""
        return AsyncPages(self._transport, "/models", ServedModel.model_validate, {})


class AsyncUsages:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def report(
        self,
        *,
        by: Literal["agent", "tenant", "tool", "model"] = "agent",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> UsageReport:
        """What the tenant used; the last 30 days where `since` is not given."""
        params = {
            "by": by,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        }
        return await self._transport.read(UsageReport, get("/usage", params))

    async def session(self, session_id: str) -> SessionUsage:
        return await self._transport.read(
            SessionUsage, get(f"/sessions/{segment(session_id)}/usage")
        )


async def capabilities(transport: AsyncTransport) -> Capabilities:
    return await transport.read(Capabilities, get("/capabilities"))
