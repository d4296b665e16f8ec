"""Agents: register, read, list, delete."""

from __future__ import annotations

from typing import Unpack

from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.bodies import AgentOptions, agent_body
from agent_serving.client.call import delete, get, post, segment
from agent_serving.client.models.agent import Agent
from agent_serving.client.models.shape import Deleted
from agent_serving.client.toolbox import Toolbox


class AsyncAgents:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(self, name: str, **options: Unpack[AgentOptions]) -> Agent:
        """Register an agent, or the next version of one. Of the functions among its tools the
        service learns the signatures; give them to each session too (`tools=`). Raises
        ToolDefinitionError, OutputError, APIError."""
        body, _ = agent_body({"name": name, **options}, Toolbox())
        return await self._transport.read(Agent, post("/agents", body))

    async def get(self, agent: str) -> Agent:
        """By id or name: the newest version; `name@2` is another."""
        return await self._transport.read(Agent, get(f"/agents/{segment(agent)}"))

    def list(self, *, limit: int | None = None, order: str | None = None) -> AsyncPages[Agent]:
        """Each in its newest version; `limit` is the size of a page."""
        params = {"limit": limit, "order": order}
        return AsyncPages(self._transport, "/agents", Agent.model_validate, params)

    def versions(self, agent: str, *, limit: int | None = None) -> AsyncPages[Agent]:
        path = f"/agents/{segment(agent)}/versions"
        return AsyncPages(self._transport, path, Agent.model_validate, {"limit": limit})

    async def delete(self, agent: str) -> Deleted:
        """With all its versions; sessions keep the one that they froze."""
        return await self._transport.read(Deleted, delete(f"/agents/{segment(agent)}"))
