"""Tools that are Python functions, run in this process."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from agent_serving.adapters.tools.redaction import SHORTEST, GuardedMemory, Redactor
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

ALL = "*"
DEFAULT_CONCURRENCY = 64
"""Calls that run at once, of all tools together."""
CANCEL_GRACE_SECONDS = 1.0
"""How long a cancelled async tool may clean up before it is given up."""


@dataclass(frozen=True, slots=True)
class _Tool:
    function: ToolFunction
    signature: ToolSignature
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    redact: Redactor
    seats: AbstractAsyncContextManager[object]


@dataclass(slots=True)
class _Progress:
    started: bool = False

    def start(self) -> None:
        self.started = True


Said = tuple[Outcome, str]


class FunctionToolRunner:
    """Runs calls of the given functions: async ones on the event loop, the others in threads.

    Bounded: the time until a result is there (the call's timeout, waiting for a place included),
    the calls that run at once (`concurrency`: by tool, `*` for all together), those of them in
    threads (`threads`), the calls that were given up and have not returned (`abandoned_limit`; at
    that number every new call is refused), the size of a result.

    Not bounded: a tool is code of this process. It can read and reach whatever the process can,
    use any amount of memory and processor time, and a thread that hangs is given up, not stopped:
    what it does may yet happen. An async tool that blocks stops the whole service while it does.
    Give this runner only code that you trust; keep the rest behind a network call.

    `settings` and `secrets` map a tool's name to what it finds under that name in its ToolContext.
    No tool brings forth a secret of any tool: see `redaction`. A tool whose `available` hook says
    no is not offered. Raises ToolDefinitionError.
    """

    def __init__(
        self,
        functions: Iterable[ToolFunction],
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        concurrency: Mapping[str, int] | None = None,
        threads: int = 16,
        abandoned_limit: int = 16,
        output_limit: int = OUTPUT_LIMIT,
    ) -> None:
        bounds = {ALL: DEFAULT_CONCURRENCY} | dict(concurrency or {})
        self._tools = _by_name(functions, settings or {}, secrets or {}, bounds)
        self._seats = asyncio.Semaphore(bounds[ALL])
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
            memory = GuardedMemory(context.memory, tool.redact)
            context = replace(context, settings=tool.settings, secrets=tool.secrets, memory=memory)
            arguments = tool.signature.bind(call.arguments, context)
        except ValidationError as error:
            return "invalid", invalid_text(error)
        progress = _Progress()
        said = await self._within(spec.timeout_seconds, self._attempt(tool, arguments, progress))
        return said or ("timeout", _timeout_text(spec, progress.started))

    async def _attempt(self, tool: _Tool, arguments: dict[str, Any], progress: _Progress) -> Said:
        async with tool.seats, self._seats:
            return await self._run(tool, arguments, progress)

    async def _run(self, tool: _Tool, arguments: dict[str, Any], progress: _Progress) -> Said:
        function, redact, limit = tool.function, tool.redact, self._output_limit
        try:
            if inspect.iscoroutinefunction(function):
                progress.start()
                return "ok", output_text(await function(**arguments), redact, limit)
            return "ok", await self._threads.run(
                lambda: output_text(function(**arguments), redact, limit), progress.start
            )
        except (Exception, SystemExit) as error:
            if not isinstance(error, ToolError):
                # Not as exc_info: its traceback would show what the redactor hides.
                logger.warning("tool %s failed\n%s", tool.signature.spec.name, redact.trace(error))
            return "error", error_text(error, tool.settings.values(), redact)

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
    functions: Iterable[ToolFunction],
    settings: Mapping[str, Mapping[str, str]],
    secrets: Mapping[str, Mapping[str, str]],
    concurrency: Mapping[str, int],
) -> dict[str, _Tool]:
    redact = Redactor(_values(secrets))
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
            seats = asyncio.Semaphore(concurrency[name]) if name in concurrency else nullcontext()
            tools[name] = _Tool(
                function, signature, own, dict(secrets.get(name, {})), redact, seats
            )
    for what, given in (("settings", settings), ("secrets", secrets), ("a bound", concurrency)):
        for name in given.keys() - names - {ALL}:
            logger.warning("there are %s for a tool named %s, and no such tool", what, name)
    return tools


def _values(secrets: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for tool, own in secrets.items():
        for name, value in own.items():
            if len(value) < SHORTEST:
                raise ToolDefinitionError(
                    f"The secret {name} of the tool {tool} has less than {SHORTEST} characters: it "
                    "could not be hidden in what tools say. Use a longer one, or a setting."
                )
            yield value


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
