"""What the caller may say of agents and turns, and how it goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, TypedDict

from agent_serving.client.models.agent import Agent
from agent_serving.client.output_type import OutputShape, shape_of
from agent_serving.client.toolbox import Toolbox
from agent_serving.domain.tool import ToolFunction

Body = dict[str, Any]
Input = str | Sequence[str]
"""What the user says: a text, or several messages."""


class SamplingSpec(TypedDict, total=False):
    temperature: float
    top_p: float
    max_output_tokens: int
    seed: int


class LimitsSpec(TypedDict, total=False):
    """A limit ends a turn."""

    max_steps: int
    max_tool_calls: int
    max_output_tokens: int
    max_seconds: float
    max_cost: Decimal | str


class BudgetSpec(TypedDict, total=False):
    """A budget pauses a turn until it is raised."""

    max_tokens: int
    max_cost: Decimal | str
    max_seconds: float
    max_steps: int


class NamedTool(TypedDict):
    type: Literal["function"]
    name: str


class AgentOptions(TypedDict, total=False):
    """`tools` are names of server-side tools, functions with `@tool`, which run here, and mappings
    as the REST API takes them: `{"type": "mcp", "server": …}`, a function that others answer.
    `output_type` is what each final answer must look like."""

    model: str
    instructions: str
    tools: Sequence[str | ToolFunction | Mapping[str, Any]]
    output_type: Any
    sampling: SamplingSpec
    limits: LimitsSpec
    service_class: Literal["online", "near_real_time", "batch"]


class AgentSpec(AgentOptions, total=False):
    name: str


AgentChoice = str | Agent | AgentSpec
"""An agent's id, its name, `name@version`, a registered agent, or one in full."""


class TurnOptions(TypedDict, total=False):
    """`on_conflict` says what to do when a turn is under way."""

    on_conflict: Literal["reject", "queue", "steer", "interrupt"]
    tool_choice: Literal["auto", "required", "none"] | NamedTool
    limits: LimitsSpec
    budget: BudgetSpec
    metadata: Mapping[str, str]


def agent_body(agent: AgentSpec, toolbox: Toolbox) -> tuple[Body, Toolbox]:
    """The agent as it goes out, with the functions of `toolbox` among its tools; and all of its
    functions. Raises ToolDefinitionError, OutputError."""
    given = agent.get("tools", ())
    toolbox = toolbox.plus(tool for tool in given if not isinstance(tool, str | Mapping))
    body: Body = {key: value for key, value in agent.items() if key not in _TRANSLATED}
    told = [tool for tool in given if isinstance(tool, str | Mapping)]
    body["tools"] = [*told, *toolbox.definitions]
    shape = shape_of(agent.get("output_type"))
    if shape.body is not None:
        body["output"] = shape.body
    if "service_class" in agent:
        body["class"] = agent["service_class"]
    return {key: plain(value) for key, value in body.items()}, toolbox


_TRANSLATED = ("tools", "output_type", "service_class")


def chosen(agent: AgentChoice, toolbox: Toolbox) -> tuple[str | Body, Toolbox]:
    match agent:
        case str():
            return agent, toolbox
        case Agent():
            return f"{agent.id}@{agent.version}", toolbox
        case _:
            return agent_body(agent, toolbox)


def turn_body(given: Input, shape: OutputShape[Any], options: TurnOptions) -> Body:
    body: Body = {"input": given if isinstance(given, str) else _messages(given), **options}
    if shape.body is not None:
        body["output"] = shape.body
    return {key: plain(value) for key, value in body.items()}


def plain(value: Any) -> Any:
    """Money as text, mappings as dicts."""
    match value:
        case Mapping():
            return {key: plain(part) for key, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
        case Decimal():
            return f"{value:f}"
        case _:
            return value


def _messages(texts: Sequence[str]) -> list[Body]:
    return [{"type": "message", "role": "user", "content": text} for text in texts]
