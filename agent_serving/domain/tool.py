"""What a tool is: a Python function with a name, a docstring and annotations.

    @tool(effect="pure", timeout=5)
    def add(left: int, right: int) -> int:
        '''Add two whole numbers.'''
        return left + right

`tool_schema` derives from it what the model sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar, overload

from agent_serving.domain.values import Effect


class SessionMemory(Protocol):
    """A small durable map that belongs to one session."""

    async def get(self, key: str) -> str | None: ...

    async def put(self, key: str, value: str) -> None: ...

    async def keys(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a running call knows of its surroundings. `idempotency_key` is the same when a call is
    run again after a crash. `deadline` is UTC. `settings` and `secrets` are what the deployment's
    configuration says for this tool, and only for this tool: a tool reads no environment. A secret
    is replaced by `[hidden]` in whatever the tool returns, raises or logs."""

    session_id: str
    turn_id: str
    call_id: str
    tenant: str
    deadline: datetime
    idempotency_key: str
    traceparent: str
    memory: SessionMemory
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a call over HTTP says of itself: a server that knows the key does nothing twice."""
        return {"idempotency-key": self.idempotency_key, "traceparent": self.traceparent}


ToolFunction = Callable[..., Any]
F = TypeVar("F", bound=ToolFunction)

Available = Callable[[Mapping[str, str]], bool]
"""Whether a tool can be offered at all, given its settings. It may raise `ToolError` for settings
that make no sense; the deployment then does not start."""


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """What `@tool` attaches to a function."""

    effect: Effect
    timeout_seconds: float
    name: str | None
    available: Available | None


ATTRIBUTE = "__agent_serving_tool__"


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(
    *,
    effect: Effect = "once",
    timeout: float = 30.0,
    name: str | None = None,
    available: Available | None = None,
) -> Callable[[F], F]: ...


def tool(
    function: F | None = None,
    /,
    *,
    effect: Effect = "once",
    timeout: float = 30.0,
    name: str | None = None,
    available: Available | None = None,
) -> F | Callable[[F], F]:
    """Declare a function, sync or async, to be a tool: `@tool`, or `@tool(…)` to say more of it.
    The function itself is not changed.

    effect     what running a call twice would do: nothing ("pure"), the same thing
               ("idempotent"), a second thing ("once": never re-run after a crash)
    timeout    seconds that one call may take
    name       what the model calls it; the function's name by default
    available  says from the tool's settings whether it is offered; always by default
    """
    declaration = ToolDeclaration(effect, timeout, name, available)

    def declare(function: F) -> F:
        setattr(function, ATTRIBUTE, declaration)
        return function

    return declare if function is None else declare(function)


def declaration_of(function: object) -> ToolDeclaration | None:
    """None where the object is not a tool."""
    declaration = getattr(function, ATTRIBUTE, None)
    return declaration if isinstance(declaration, ToolDeclaration) else None
