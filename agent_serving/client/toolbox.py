"""Client-side tools: functions with `@tool` that run in the caller's own process.

Whatever becomes of a call is a result that the model reads: a value, or an error in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Thread
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from agent_serving.client.models.turn import RequiredInput
from agent_serving.domain.errors import ToolDefinitionError, ToolError
from agent_serving.domain.tool import ToolFunction
from agent_serving.domain.tool_schema import ToolSignature, signature_of

logger = logging.getLogger(__name__)

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClientTool:
    function: ToolFunction
    signature: ToolSignature

    @property
    def definition(self) -> dict[str, Any]:
        """As an agent has it."""
        spec = self.signature.spec
        return {
            "type": "function",
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.parameters,
        }


class Toolbox:
    """Functions by the names that the model calls them by. Raises ToolDefinitionError."""

    def __init__(self, functions: Iterable[ToolFunction] = ()) -> None:
        tools: dict[str, ClientTool] = {}
        for function in functions:
            signature = _signature(function)
            name = signature.spec.name
            if signature.contexts:
                raise ToolDefinitionError(
                    f"{name} takes a ToolContext, which only tools in the service get. Remove that "
                    "parameter to run it here."
                )
            if tools.setdefault(name, ClientTool(function, signature)).function is not function:
                raise ToolDefinitionError(f"Two tools are named {name}. Rename one: @tool(name=…).")
        self._tools: Mapping[str, ClientTool] = tools

    def plus(self, functions: Iterable[ToolFunction]) -> Toolbox:
        return Toolbox([*(tool.function for tool in self._tools.values()), *functions])

    @property
    def definitions(self) -> list[dict[str, Any]]:
        return [tool.definition for tool in self._tools.values()]

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    async def run(self, call: RequiredInput) -> Answer:
        """The answer to a call of a tool that is here."""
        tool = self._tools[call.name]
        seconds = tool.signature.spec.timeout_seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                value = await _called(tool, _arguments(tool, call))
            return result(call, output=output_text(value))
        except ToolError as error:
            return result(call, error=error.message or "The tool failed.")
        except Exception as error:
            if limit.expired():
                return result(call, error=f"The call took longer than {seconds:g} s.")
            logger.warning("the tool %s failed", call.name, exc_info=error)
            name, said = type(error).__name__, " ".join(str(error).split())
            return result(call, error=f"{name}: {said}" if said else name)


@lru_cache(maxsize=256)
def _signature(function: ToolFunction) -> ToolSignature:
    return signature_of(function)


def result(call: RequiredInput, *, output: str | None = None, error: str | None = None) -> Answer:
    answer: Answer = {"type": "tool_result", "call_id": call.call_id}
    return answer | ({"output": output} if error is None else {"error": error})


def output_text(value: Any) -> str:
    """A text as it is, all else as JSON. Raises ToolError where JSON cannot express it."""
    try:
        text = value if isinstance(value, str) else to_json(value, inf_nan_mode="strings").decode()
    except (PydanticSerializationError, ValueError) as error:
        kind = type(value).__name__
        raise ToolError(f"The tool returned a {kind} that JSON cannot express.") from error
    return text.encode(errors="replace").decode()


def _arguments(tool: ClientTool, call: RequiredInput) -> dict[str, Any]:
    """Raises ToolError."""
    fields = tool.signature.arguments.model_fields
    try:
        read = tool.signature.arguments.model_validate_json(call.arguments)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
            for problem in error.errors()[:5]
        )
        raise ToolError(f"The arguments do not fit the tool. {problems}") from error
    return {field.alias or key: getattr(read, key) for key, field in fields.items()}


async def _called(tool: ClientTool, arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(tool.function):
        return await tool.function(**arguments)
    return await _in_thread(lambda: tool.function(**arguments))


async def _in_thread(work: Callable[[], Any]) -> Any:
    """A daemon of its own: one that hangs is left alone, and keeps no program from its end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, Exception | None]] = loop.create_future()

    def deliver(value: Any, error: Exception | None) -> None:
        if not done.cancelled():
            done.set_result((value, error))

    def target() -> None:
        try:
            told: tuple[Any, Exception | None] = (work(), None)
        except Exception as error:
            told = (None, error)
        except BaseException as error:  # sys.exit() in a tool ends the call only
            told = (None, RuntimeError(f"the tool raised {type(error).__name__}"))
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
            loop.call_soon_threadsafe(deliver, *told)

    Thread(target=contextvars.copy_context().run, args=(target,), name="tool", daemon=True).start()
    value, error = await done
    if error is not None:
        raise error
    return value
