"""Agents: register, read, list, delete."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from typing import Unpack

from agent_serving.client.bodies import AgentOptions, agent_body
from agent_serving.client.call import delete, get, post, segment
from agent_serving.client.models.agent import Agent
from agent_serving.client.models.shape import Deleted
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.toolbox import Toolbox


class Agents:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, **options: Unpack[AgentOptions]) -> Agent:
        """Register an agent, or the next version of one. Of the functions among its tools the
        service learns the signatures; give them to each session too (`tools=`). Raises
        ToolDefinitionError, OutputError, APIError."""
        body, _ = agent_body({"name": name, **options}, Toolbox())
        return self._transport.read(Agent, post("/agents", body))

    def get(self, agent: str) -> Agent:
        """By id or name: the newest version; `name@2` is another."""
        return self._transport.read(Agent, get(f"/agents/{segment(agent)}"))

    def list(self, *, limit: int | None = None, order: str | None = None) -> Pages[Agent]:
        """Each in its newest version; `limit` is the size of a page."""
        params = {"limit": limit, "order": order}
        return Pages(self._transport, "/agents", Agent.model_validate, params)

    def versions(self, agent: str, *, limit: int | None = None) -> Pages[Agent]:
        path = f"/agents/{segment(agent)}/versions"
        return Pages(self._transport, path, Agent.model_validate, {"limit": limit})

    def delete(self, agent: str) -> Deleted:
        """With all its versions; sessions keep the one that they froze."""
        return self._transport.read(Deleted, delete(f"/agents/{segment(agent)}"))
