"""The port of tool servers: programs of their own whose tools agents take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agent_serving.domain.values import ToolSpec


@dataclass(frozen=True, slots=True)
class LeftOut:
    tool: str
    why: str


@dataclass(frozen=True, slots=True)
class ToolServerState:
    """`problem` is why it is down, in a sentence without secrets. `left_out` are tools that it
    has and that cannot be served here."""

    name: str
    transport: Literal["stdio", "http"]
    status: Literal["connecting", "ready", "down"]
    problem: str | None
    tools: int
    left_out: tuple[LeftOut, ...] = ()


class ToolServers(Protocol):
    def states(self) -> Sequence[ToolServerState]:
        """All servers of the deployment, by name."""
        ...

    async def offered(self, server: str) -> Sequence[ToolSpec]:
        """What the server offers now, sorted by its names; fresh enough to be frozen.

        Raises UnknownTool where the deployment has no such server, ToolServerUnavailable.
        """
        ...
