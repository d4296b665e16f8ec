"""The tool port: what this deployment can run on the model's behalf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agent_serving.domain.tool import ToolContext
from agent_serving.domain.values import ToolCall, ToolResult, ToolSpec


class ToolRunner(Protocol):
    def specs(self) -> Sequence[ToolSpec]:
        """The server-side tools of this deployment, by name."""
        ...

    async def run(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run one validated call, within `spec.timeout_seconds`. Never raises but for
        cancellation: what goes wrong in a tool is its result."""
        ...
