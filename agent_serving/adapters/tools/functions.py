"""Tools that are Python functions, run in this process."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from agent_serving.adapters.tools.results import (
    OUTPUT_LIMIT,
    error_text,
    invalid_text,
    output_text,
)
from agent_serving.adapters.tools.threads import ToolThreads
from agent_serving.domain.errors import ToolDefinitionError, ToolError
from agent_serving.domain.tool import ToolContext, ToolFunction, declaration_of
from agent_serving.domain.tool_schema import ToolSignature, signature_of
from agent_serving.domain.values import Outcome, ToolCall, ToolResult, ToolSpec

logger = logging.getLogger(__name__)

CANCEL_GRACE_SECONDS = 1.0
"""How long a cancelled async tool may clean up before it is given up."""


@dataclass(frozen=True, slots=True)
class _Tool:
    function: ToolFunction
    signature: ToolSignature
    settings: Mapping[str, str]


@dataclass(slots=True)
class _Progress:
    started: bool = False

    def start(self) -> None:
        self.started = True


Said = tuple[Outcome, str]


class FunctionToolRunner:
    """Runs calls of the given functions: async ones on the event loop, the others in threads.

    Bounded: the time until a result is there (the call's timeout, waiting for a thread included),
    the calls that run in threads at once (`threads`), the calls that were given up and have not
    returned (`abandoned_limit`; at that number every new call is refused), the size of a result.

    Not bounded: a tool is code of this process. It can read and reach whatever the process can,
    use any amount of memory and processor time, and a thread that hangs is given up, not stopped:
    what it does may yet happen. An async tool that blocks stops the whole service while it does.
    Give this runner only code that you trust; keep the rest behind a network call.

    `settings` maps a tool's name to what it finds in `ToolContext.settings`. A tool whose
    `available` hook says no is not offered. Raises ToolDefinitionError.
    """

    def __init__(
        self,
        functions: Iterable[ToolFunction],
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        threads: int = 16,
        abandoned_limit: int = 16,
        output_limit: int = OUTPUT_LIMIT,
    ) -> None:
        self._tools = _by_name(functions, settings or {})
        self._threads = ToolThreads(threads)
        self._stuck: set[asyncio.Task[Said]] = set()
        self._abandoned_limit = abandoned_limit
        self._output_limit = output_limit

    @property
    def abandoned(self) -> int:
        """Calls that were given up and have not returned yet."""
        return self._threads.abandoned + len(self._stuck)

    def specs(self) -> Sequence[ToolSpec]:
        return [self._tools[name].signature.spec for name in sorted(self._tools)]

    async def run(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> ToolResult:
        outcome, output = await self._say(spec, call, context)
        return ToolResult(call_id=call.call_id, output=output, outcome=outcome)

    async def _say(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> Said:
        tool = self._tools.get(call.name)
        if tool is None:
            return "error", f"{call.name} is not available here any more. Go on without it."
        if self.abandoned >= self._abandoned_limit:
            logger.error("tool calls are refused: %d earlier calls hang", self.abandoned)
            return "error", (
                f"{call.name} was not started: {self.abandoned} earlier tool calls ran past their"
                " time and still have not returned. Go on without tools, or try again later."
            )
        try:
            context = replace(context, settings=tool.settings)
            arguments = tool.signature.bind(call.arguments, context)
        except ValidationError as error:
            return "invalid", invalid_text(error)
        progress = _Progress()
        said = await self._within(spec.timeout_seconds, self._attempt(tool, arguments, progress))
        return said or ("timeout", _timeout_text(spec, progress.started))

    async def _attempt(self, tool: _Tool, arguments: dict[str, Any], progress: _Progress) -> Said:
        function = tool.function
        try:
            if inspect.iscoroutinefunction(function):
                progress.start()
                return "ok", output_text(await function(**arguments), self._output_limit)
            return "ok", await self._threads.run(
                lambda: output_text(function(**arguments), self._output_limit), progress.start
            )
        except (Exception, SystemExit) as error:
            if not isinstance(error, ToolError):
                logger.warning("tool %s failed", tool.signature.spec.name, exc_info=error)
            return "error", error_text(error, tool.settings.values())

    async def _within(self, seconds: float, attempt: Coroutine[Any, Any, Said]) -> Said | None:
        """None when the time is over. Cancelling this cancels the attempt."""
        task = asyncio.create_task(attempt)
        try:
            await asyncio.wait({task}, timeout=seconds)
            if task.done():
                return _said(task)
        finally:
            if not task.done():
                await self._stop(task)
        return None

    async def _stop(self, task: asyncio.Task[Said]) -> None:
        task.cancel()
        self._stuck.add(task)
        task.add_done_callback(self._stuck.discard)
        await asyncio.wait({task}, timeout=CANCEL_GRACE_SECONDS)


def _by_name(
    functions: Iterable[ToolFunction], settings: Mapping[str, Mapping[str, str]]
) -> dict[str, _Tool]:
    tools: dict[str, _Tool] = {}
    names: set[str] = set()
    for function in functions:
        signature = signature_of(function)
        name = signature.spec.name
        if name in names:
            raise ToolDefinitionError(f"Two tools are named {name}. Rename one: @tool(name=…).")
        names.add(name)
        own = dict(settings.get(name, {}))
        if _is_available(function, name, own):
            tools[name] = _Tool(function, signature, own)
    for name in settings.keys() - names:
        logger.warning("there are settings for a tool named %s, and no such tool", name)
    return tools


def _is_available(function: ToolFunction, name: str, settings: Mapping[str, str]) -> bool:
    declaration = declaration_of(function)
    assert declaration
    try:
        return declaration.available is None or declaration.available(settings)
    except Exception as error:
        raise ToolDefinitionError(f"The settings of the tool {name} are wrong: {error}") from error


def _said(task: asyncio.Task[Said]) -> Said:
    if task.cancelled():
        return "error", "The tool stopped itself before it had a result."
    return task.result()


def _timeout_text(spec: ToolSpec, started: bool) -> str:
    seconds = f"{spec.timeout_seconds:g} s"
    if not started:
        return f"{spec.name} was not started: too many tools are running. It waited {seconds}."
    return (
        f"{spec.name} did not finish within {seconds} and was given up."
        " What it was doing may still happen."
    )
