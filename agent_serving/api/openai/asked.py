"""What a request asks for, in the words of the runtime: an agent, and a turn."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from agent_serving.api.context import Api
from agent_serving.api.errors import Unsupported
from agent_serving.api.openai.bodies import (
    ApprovalFilter,
    Format,
    NamedChoice,
    ResponseBody,
    Tool,
    ToolFilter,
)
from agent_serving.api.openai.objects import ECHOED
from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.mcp import ApprovalByTool, McpTools, ToolNames
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.values import (
    Agent,
    JsonSchemaOutput,
    Limits,
    NamedTool,
    Output,
    Sampling,
    ServiceClass,
    ToolChoice,
    ToolSpec,
)
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.turn_request import TurnRequest

AGENT = "agent:"
NAME = "openai"
"""Of agents that only their request knows."""


async def wanted_agent(
    api: Api, body: ResponseBody, before: Agent | None, system: tuple[str, ...] = ()
) -> Agent:
    """`before` is the agent that the session has: what the request leaves out stays as it was.

    Raises NotFound, UnknownModel, UnknownTool, SchemaRejected, Unsupported, EngineUnavailable."""
    if body.prompt is not None:
        raise Unsupported(
            "`prompt` names a template of OpenAI's. Register an agent and name it by `model`.",
            param="prompt",
        )
    if body.model is not None and body.model.startswith(AGENT):
        agent = await api.service.agents.find(api.tenant, body.model.removeprefix(AGENT))
        if body.instructions is not None or body.tools or system:
            raise Unsupported(
                f"{body.model} has instructions and tools of its own; send neither, or name a "
                "model.",
                param="instructions" if not body.tools else "tools",
            )
        return _drawn(agent, body)
    if before is not None and not system and _same_opening(body, before):
        return _drawn(before, body)
    told = body.instructions
    if told is None and before is not None:
        told = before.instructions
    kept = before.tools if before is not None and body.tools is None else ()
    agent = await api.service.agents.resolve(
        AgentDraft(
            name=NAME,
            model=body.model or (before.model if before is not None else None),
            instructions="\n\n".join(text for text in (told, *system) if text),
            tools=(*_kept(kept), *_tools(api, body)),
            sampling=Sampling() if before is None else before.sampling,
        )
    )
    return _drawn(agent, body)


def _same_opening(body: ResponseBody, before: Agent) -> bool:
    same_model = body.model in (None, before.model)
    return same_model and body.instructions in (None, before.instructions) and body.tools is None


def _drawn(agent: Agent, body: ResponseBody) -> Agent:
    given = {"temperature": body.temperature, "top_p": body.top_p, "seed": body.seed}
    changes = {name: value for name, value in given.items() if value is not None}
    return agent.but(
        sampling=agent.sampling.but(**changes),
        service_class=_class(body.service_tier) or agent.service_class,
    )


def _class(tier: str | None) -> ServiceClass | None:
    return "batch" if tier == "flex" else None


def _kept(tools: tuple[ToolSpec, ...]) -> tuple[str | ToolSpec, ...]:
    """A server's tool as the agent froze it: the deployment's of that name may ask for less."""
    return tuple(
        tool.name if tool.executor == "server" and tool.remote is None else tool for tool in tools
    )


def _tools(api: Api, body: ResponseBody) -> tuple[str | ToolSpec | McpTools, ...]:
    ours = {spec.name for spec in api.service.ports.tools.specs()}
    return tuple(_tool(tool, ours, n) for n, tool in enumerate(body.tools or ()))


def _tool(tool: Tool, ours: set[str], position: int) -> str | ToolSpec | McpTools:
    place = f"tools[{position}]"
    if tool.type == "mcp":
        return _mcp_tools(tool, place)
    if tool.type != "function":
        raise Unsupported(
            f"Tools of type {tool.type[:64]!r} cannot be served here; `function` and `mcp` can. "
            "GET /v1/tools lists what this deployment can run itself.",
            param=f"{place}.type",
        )
    if not tool.name:
        raise InvalidRequest(f"`{place}.name` is missing.", param=f"{place}.name")
    if tool.description is None and tool.parameters is None and tool.name in ours:
        return tool.name
    try:
        return ToolSpec(
            name=tool.name,
            description=tool.description or "",
            parameters=dict(tool.parameters or {"type": "object", "properties": {}}),
            executor="client",
        )
    except ValueError as error:
        raise InvalidRequest(
            f"{tool.name[:80]!r} is no name for a tool: letters, digits, _ and -, at most 64.",
            param=f"{place}.name",
        ) from error


def _mcp_tools(tool: Tool, place: str) -> McpTools:
    for name, given in (("server_url", tool.server_url), ("connector_id", tool.connector_id)):
        if given is not None:
            raise Unsupported(
                "MCP servers are configured by the deployment. Leave the address out and name one "
                "of them by `server_label`: GET /v1/tools.",
                param=f"{place}.{name}",
            )
    if not tool.server_label:
        raise InvalidRequest(f"`{place}.server_label` is missing.", param=f"{place}.server_label")
    allowed, policy = tool.allowed_tools, tool.require_approval
    return McpTools(
        server=tool.server_label,
        allowed_tools=allowed.tool_names if isinstance(allowed, ToolFilter) else allowed,
        require_approval=policy if isinstance(policy, str) else _approval(policy),
    )


def _approval(policy: ApprovalFilter) -> ApprovalByTool:
    always, never = (ToolNames(tool_names=o.tool_names) for o in (policy.always, policy.never))
    return ApprovalByTool(always=always, never=never)


async def turn_request(
    api: Api,
    agent: Agent,
    limits: Limits | None,
    body: ResponseBody,
    texts: tuple[str, ...],
    request: Request,
    mark: RequestMark | None,
) -> TurnRequest:
    """Raises InvalidRequest, SchemaRejected, Unsupported."""
    output = _output(body.text.format if body.text is not None else None)
    if output is not None:
        output = await api.service.agents.check_output(agent, output)
    given = {
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return TurnRequest(
        input=texts,
        tool_choice=tool_choice(body.tool_choice),
        output=output,
        limits=(limits or agent.limits).but(**changes) if changes else None,
        metadata=body.metadata or {},
        ends_at_calls=body.store is False,
        echo=_echo(body, agent),
        traceparent=request.headers.get("traceparent"),
        tracestate=request.headers.get("tracestate"),
        mark=mark,
    )


def tool_choice(given: str | NamedChoice | None) -> ToolChoice:
    match given:
        case None:
            return "auto"
        case "auto" | "required" | "none":
            return given
        case NamedChoice(type="function", name=str() as name):
            return NamedTool(name=name)
        case _:
            raise Unsupported(
                "`tool_choice` can be `auto`, `required`, `none` or a function.",
                param="tool_choice",
            )


def _output(wanted: Format | None) -> Output | None:
    match wanted:
        case None | Format(type="text"):
            return None
        case Format(type="json_object"):
            return JsonSchemaOutput(schema_={"type": "object"})
        case Format(type="json_schema", schema_=dict() as schema):
            return JsonSchemaOutput(schema_=dict(schema))
        case Format(type="json_schema"):
            raise InvalidRequest("`text.format.schema` is missing.", param="text.format.schema")
        case _:
            raise Unsupported(
                f"Answers of type {wanted.type[:64]!r} cannot be served; `text`, `json_object` and "
                "`json_schema` can.",
                param="text.format.type",
            )


def _echo(body: ResponseBody, agent: Agent) -> dict[str, Any]:
    """What is shown again of the request; what it left out is not kept."""
    sent = body.model_dump(mode="json", by_alias=True, include={*ECHOED, "text"}, exclude_none=True)
    named = body.model is not None and body.model.startswith(AGENT)
    drawn = agent.sampling.model_dump(include={"temperature", "top_p"})
    return {
        **sent,
        **{name: value for name, value in drawn.items() if value is not None},
        "model": f"{AGENT}{agent.name}@{agent.version}" if named else agent.model,
        "conversation": body.conversation is not None,
    }
