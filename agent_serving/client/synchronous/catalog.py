"""What the deployment can do, and what was used of it."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from datetime import datetime
from typing import Literal

from agent_serving.client.call import get, segment
from agent_serving.client.models.catalog import Capabilities, Grammar, ServedModel, ServerTool
from agent_serving.client.models.usage import SessionUsage, UsageReport
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.transport import Transport


class Tools:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Pages[ServerTool]:
        """The tools that the service runs."""
        return Pages(self._transport, "/tools", ServerTool.model_validate, {})


class Grammars:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Pages[Grammar]:
        """Output grammars, which an answer can be held to by name, and dialects."""
        return Pages(self._transport, "/grammars", Grammar.model_validate, {})


class Models:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Pages[ServedModel]:
        """The models that are served now."""
        return Pages(self._transport, "/models", ServedModel.model_validate, {})


class Usages:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def report(
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
        return self._transport.read(UsageReport, get("/usage", params))

    def session(self, session_id: str) -> SessionUsage:
        return self._transport.read(SessionUsage, get(f"/sessions/{segment(session_id)}/usage"))


def capabilities(transport: Transport) -> Capabilities:
    return transport.read(Capabilities, get("/capabilities"))
