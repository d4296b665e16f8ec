"""Agents: versioned, checked when they are registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from agent_serving.api import views
from agent_serving.api.amounts import View
from agent_serving.api.bodies import AgentBody, FunctionTool, McpTool, ToolBody
from agent_serving.api.context import AgentRef, Api, Context
from agent_serving.api.delivery import named
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.paging import NewestFirst, OldestFirst, Page, cut
from agent_serving.domain import values
from agent_serving.domain.errors import (
    EngineUnavailable,
    IdempotencyMismatch,
    NotFound,
    SchemaRejected,
    ToolServerUnavailable,
    UnknownModel,
    UnknownTool,
)
from agent_serving.domain.mcp import McpTools, told
from agent_serving.domain.values import Limits, Output, Sampling, ToolSpec
from agent_serving.runtime.agents import AgentDraft

router = APIRouter(prefix="/v1", tags=["agents"])

REFUSED = (UnknownModel, UnknownTool, SchemaRejected, EngineUnavailable, ToolServerUnavailable)


class Agent(View):
    """One version of an agent."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    object: Literal["agent"] = "agent"
    name: str
    version: int
    model: str
    instructions: str
    tools: list[ToolBody] = Field(
        description="As they were given when registered; of an MCP server, those it had then."
    )
    output: Output | None
    sampling: Sampling
    limits: Limits
    service_class: values.ServiceClass = Field(alias="class")
    dialect: str = Field(description="How the model writes tool calls: GET /v1/grammars.")

    @classmethod
    def of(cls, agent: values.Agent) -> Agent:
        return cls(**dict(agent) | {"tools": _told(agent.tools)})


class AgentPage(Page[Agent]):
    pass


@router.post(
    "/agents",
    status_code=201,
    response_model=Agent,
    summary="Register an agent, or the next version of one",
    responses=documented(BadHeader, IdempotencyMismatch, *REFUSED, body=True),
)
async def register_agent(body: AgentBody, api: Context, response: Response, mark: Mark) -> Agent:
    """Everything is checked now, by this service and by the engine's grammar compiler, so that no
    session meets a surprise: the model, the tools, every schema."""
    made = await api.service.agents.register(api.tenant, draft(body, api.outputs), mark=mark)
    agent = made.value
    tell(response, replayed=made.replayed)
    response.headers["location"] = f"/v1/agents/{agent.id}"
    return Agent.of(agent)


@router.put(
    "/agents",
    response_model=Agent,
    summary="Store an agent under its name, unless it is there already",
    responses={
        201: {"model": Agent, "description": "The agent, or its next version, was stored."},
        **documented(*REFUSED, body=True),
    },
)
async def apply_agent(body: AgentBody, api: Context, response: Response) -> Agent:
    """As registering, but where the newest version of that name is the same in all its fields it
    stays the newest (200): files of agents can be applied again and again."""
    made = await api.service.agents.apply(api.tenant, draft(body, api.outputs))
    response.status_code = 200 if made.replayed else 201
    return Agent.of(made.value)


@router.get(
    "/agents",
    response_model=AgentPage,
    summary="List agents, each in its newest version",
    responses=documented(),
)
async def list_agents(api: Context, query: NewestFirst) -> AgentPage:
    listing = await api.service.agents.list(
        api.tenant,
        limit=query.limit,
        after=query.after,
        before=query.before,
        descending=query.descending,
    )
    ids = [values.Agent.model_validate_json(row).id for row in listing.rows]
    # A listed row does not know its version's number; an agent may have been deleted meanwhile.
    newest = [await api.service.agents.newest(api.tenant, agent_id) for agent_id in ids]
    return AgentPage(
        data=[Agent.of(agent) for agent in newest if agent is not None],
        first_id=ids[0] if ids else None,
        last_id=ids[-1] if ids else None,
        has_more=listing.more,
    )


@router.get(
    "/agents/{agent}",
    response_model=Agent,
    summary="Read an agent",
    responses=documented(NotFound),
)
async def get_agent(agent: AgentRef, api: Context) -> Agent:
    """The newest version; `name@2` or `agent_…@2` names another."""
    return Agent.of(await api.service.agents.find(api.tenant, agent))


@router.get(
    "/agents/{agent}/versions",
    response_model=AgentPage,
    summary="List an agent's versions",
    responses=documented(NotFound),
)
async def list_agent_versions(agent: AgentRef, api: Context, query: OldestFirst) -> AgentPage:
    """`after` and `before` are version numbers here."""
    newest = await _newest(api, agent)
    numbers, more = cut(range(1, newest.version + 1), str, query)
    versions: list[values.Agent] = []
    if numbers:
        first, last = min(numbers), max(numbers)
        versions = await api.service.agents.versions(api.tenant, newest.id, first=first, last=last)
    if query.descending:
        versions.reverse()
    return AgentPage(
        data=[Agent.of(version) for version in versions],
        first_id=str(numbers[0]) if numbers else None,
        last_id=str(numbers[-1]) if numbers else None,
        has_more=more,
    )


@router.delete(
    "/agents/{agent}",
    response_model=views.Deleted,
    summary="Delete an agent with all its versions",
    responses=documented(NotFound),
)
async def delete_agent(agent: AgentRef, api: Context) -> views.Deleted:
    """Sessions keep the version that they froze."""
    agent_id = (await _newest(api, agent)).id
    await api.service.agents.delete(api.tenant, agent_id)
    return views.Deleted(id=agent_id, object="agent.deleted")


async def chosen(api: Api, choice: str | AgentBody) -> values.Agent:
    """The agent that a session is to have: a registered one, or one of its own."""
    if isinstance(choice, str):
        return await api.service.agents.find(api.tenant, choice)
    return await api.service.agents.resolve(draft(choice, api.outputs))


def draft(body: AgentBody, outputs: Mapping[str, Output]) -> AgentDraft:
    """`outputs` are the named output grammars. Raises InvalidRequest."""
    return AgentDraft(
        name=body.name,
        model=body.model,
        instructions=body.instructions,
        tools=tuple(_tool(tool) for tool in body.tools),
        output=named(outputs, body.output) if body.output is not None else None,
        sampling=body.sampling,
        limits=body.limits.over(Limits()),
        service_class=body.service_class,
    )


def _tool(tool: ToolBody) -> str | ToolSpec | McpTools:
    return tool.spec if isinstance(tool, FunctionTool) else tool


def _told(specs: tuple[ToolSpec, ...]) -> list[ToolBody]:
    """A server's tools stand together, where the first of them does."""
    tools: list[ToolBody] = []
    servers: set[str] = set()
    for spec in specs:
        if spec.executor == "client":
            tools.append(
                FunctionTool(
                    type="function",
                    name=spec.name,
                    description=spec.description,
                    parameters=spec.parameters,
                )
            )
        elif spec.remote is None:
            tools.append(spec.name)
        elif spec.remote.server not in servers:
            servers.add(spec.remote.server)
            tools.append(McpTool(**dict(told(specs, spec.remote.server))))
    return tools


async def _newest(api: Api, agent: str) -> values.Agent:
    """Raises NotFound; `agent` is no version of one."""
    newest = await api.service.agents.newest(api.tenant, agent)
    if newest is None:
        raise NotFound(
            f"There is no agent {agent!r}. GET /v1/agents lists those there are.", param="agent"
        )
    return newest
