"""MCP: which servers a deployment has, which of their tools an agent takes, and on what terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from agent_serving.domain.errors import UnknownTool
from agent_serving.domain.values import Effect, ToolSpec, Value

SERVER_NAME = r"^[a-z][a-z0-9-]{0,31}$"
SEPARATOR = "__"
MAX_NAME = 64

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


class ToolNames(Value):
    tool_names: tuple[str, ...] = Field(
        max_length=512, description="Tools as their server names them."
    )


class ApprovalByTool(Value):
    """What is named in neither list needs none."""

    always: ToolNames = ToolNames(tool_names=())
    never: ToolNames = ToolNames(tool_names=())


RequireApproval = Literal["always", "never"] | ApprovalByTool


def asks(policy: RequireApproval, tool: str) -> bool:
    """Whether a call of the tool waits until somebody has agreed to it."""
    if isinstance(policy, ApprovalByTool):
        return tool in policy.always.tool_names
    return policy == "always"


class McpServer(Value):
    """A server as the deployment has it: started here (`command`), or somewhere (`url`)."""

    command: str | None = Field(None, min_length=1)
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    url: str | None = Field(None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
    headers: dict[str, str] = {}
    allowed_tools: tuple[str, ...] | None = None
    require_approval: RequireApproval = "never"
    timeout_seconds: float = Field(30.0, gt=0, le=3600)
    connect_seconds: float = Field(10.0, gt=0, le=300)
    tools_seconds: float = Field(300.0, ge=1, le=86_400)

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("give either `command` (and `args`, `env`) or `url` (and `headers`)")
        if self.command is None and (self.args or self.env):
            raise ValueError("`args` and `env` belong to a `command`")
        if self.url is None and self.headers:
            raise ValueError("`headers` belong to a `url`")
        return self

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The secrets that `env` and `headers` name, as `${NAME}`."""
        values = (*self.env.values(), *self.headers.values())
        return tuple(dict.fromkeys(name for v in values for name in _PLACEHOLDER.findall(v)))

    def allows(self, tool: str) -> bool:
        """`tool` is its name there."""
        return self.allowed_tools is None or tool in self.allowed_tools

    def with_secrets(self, secrets: dict[str, str]) -> Self:
        """With each `${NAME}` as its secret is."""

        def filled(values: dict[str, str]) -> dict[str, str]:
            return {
                key: _PLACEHOLDER.sub(lambda found: secrets[found[1]], value)
                for key, value in values.items()
            }

        return self.but(env=filled(self.env), headers=filled(self.headers))


class McpTools(Value):
    """The tools of one server that an agent takes; an agent may ask for approval where the
    deployment does not, never the other way round."""

    type: Literal["mcp"] = "mcp"
    server: str = Field(max_length=32)
    allowed_tools: tuple[str, ...] | None = Field(None, max_length=512)
    require_approval: RequireApproval = "never"


def served_name(server: str, tool: str) -> str:
    """What the model calls it. May be longer than MAX_NAME, and the same for two tools: then it
    cannot be served."""
    return f"{server}{SEPARATOR}{_FOREIGN.sub('_', tool)}"


def effect_of(*, read_only: bool | None, idempotent: bool | None) -> Effect:
    """A server's hints are what is known; without any a call may not be repeated."""
    if read_only:
        return "pure"
    return "idempotent" if idempotent else "once"


def taken(offered: Sequence[ToolSpec], wanted: McpTools) -> list[ToolSpec]:
    """The specs that an agent freezes. Raises UnknownTool."""
    by_name = {spec.remote.name: spec for spec in offered if spec.remote is not None}
    names = tuple(by_name) if wanted.allowed_tools is None else wanted.allowed_tools
    for name in names:
        if name not in by_name:
            raise UnknownTool(
                f"The MCP server {wanted.server!r} has no tool {name!r} that can be served here. "
                f"It has: {', '.join(by_name) or 'none'}. GET /v1/tools tells what was left out."
            )
    return [
        by_name[name].but(requires_approval=True)
        if asks(wanted.require_approval, name)
        else by_name[name]
        for name in sorted(names)
    ]


def told(specs: Sequence[ToolSpec], server: str) -> McpTools:
    """What an agent that froze these would have to ask for."""
    own = [(s.remote.name, s) for s in specs if s.remote is not None and s.remote.server == server]
    always = tuple(name for name, spec in own if spec.requires_approval)
    policy: RequireApproval = ApprovalByTool(always=ToolNames(tool_names=always))
    if len(always) in (0, len(own)):
        policy = "always" if always else "never"
    names = tuple(name for name, _ in own)
    return McpTools(server=server, allowed_tools=names, require_approval=policy)
