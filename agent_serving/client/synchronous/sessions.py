"""Sessions: open, find, list, delete."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent_serving.client.answering import Answering, Approve, Resolve
from agent_serving.client.bodies import AgentChoice, BudgetSpec, chosen, plain
from agent_serving.client.call import delete, get, post, segment
from agent_serving.client.models.session import SessionData
from agent_serving.client.models.shape import Deleted
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.session import Session
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.toolbox import Toolbox
from agent_serving.domain.tool import ToolFunction


class Sessions:
    """`tools` are the functions that run here when the agent calls them; `approve` is asked before
    each of these calls, and `in_doubt` what became of a call that may or may not have run (see
    `Answering`). Each may be sync or async."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        agent: AgentChoice | None = None,
        *,
        tools: Iterable[ToolFunction] = (),
        approve: Approve | None = None,
        in_doubt: Resolve | None = None,
        metadata: Mapping[str, str] | None = None,
        ttl_seconds: int | None = None,
        budget: BudgetSpec | None = None,
    ) -> Session:
        """An agent that is given in full has `tools` too. Raises ToolDefinitionError, OutputError,
        APIError."""
        reference, toolbox = chosen({} if agent is None else agent, Toolbox(tools))
        body: dict[str, Any] = {"agent": reference, "metadata": metadata, "budget": budget}
        body["ttl_seconds"] = ttl_seconds
        given = {key: plain(value) for key, value in body.items() if value is not None}
        data = self._transport.read(SessionData, post("/sessions", given))
        return Session(self._transport, data, Answering(toolbox, approve, in_doubt))

    def get(
        self,
        session_id: str,
        *,
        tools: Iterable[ToolFunction] = (),
        approve: Approve | None = None,
        in_doubt: Resolve | None = None,
    ) -> Session:
        data = self._transport.read(SessionData, get(f"/sessions/{segment(session_id)}"))
        return Session(self._transport, data, Answering(Toolbox(tools), approve, in_doubt))

    def list(
        self,
        *,
        status: str | None = None,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
        order: str | None = None,
    ) -> Pages[SessionData]:
        """Newest first; with all of these pairs of `metadata`; `limit` is the size of a page."""
        pairs = {f"metadata.{key}": value for key, value in (metadata or {}).items()}
        params = {"status": status, "limit": limit, "order": order, **pairs}
        return Pages(self._transport, "/sessions", SessionData.model_validate, params)

    def delete(self, session_id: str) -> Deleted:
        """A turn under way is cancelled first."""
        return self._transport.read(Deleted, delete(f"/sessions/{segment(session_id)}"))
