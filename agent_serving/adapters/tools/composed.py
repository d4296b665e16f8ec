"""All tools of a deployment behind one port."""

from __future__ import annotations

from collections.abc import Sequence

from agent_serving.domain.tool import ToolContext
from agent_serving.domain.values import ToolCall, ToolResult, ToolSpec
from agent_serving.ports import ToolRunner


class ComposedToolRunner:
    """What a spec says is `remote` runs there, everything else here."""

    def __init__(self, here: ToolRunner, remote: ToolRunner) -> None:
        self._here = here
        self._remote = remote

    def specs(self) -> Sequence[ToolSpec]:
        return sorted([*self._here.specs(), *self._remote.specs()], key=lambda spec: spec.name)

    async def run(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> ToolResult:
        runner = self._here if spec.remote is None else self._remote
        return await runner.run(spec, call, context)
