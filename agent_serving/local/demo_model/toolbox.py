"""The shipped tools, run for real: what training shows as a result is what the service answers.

Only the clock is made up, and memory is a dict of the conversation's.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool_schema import spec_of

NAMES = (
    "calculator",
    "convert_units",
    "current_time",
    "lookup_country",
    "recall",
    "remember",
    "weather",
)
_PACKAGE = "agent_serving_demo_tools"


class Memory:
    """What a tool's context offers for keeping texts, in a dict."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.kept.get(key)

    async def put(self, key: str, value: str) -> None:
        self.kept[key] = value

    async def keys(self) -> list[str]:
        return list(self.kept)


class _Context:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory


class Toolbox:
    """Runs the tools of a folder by name; the answer is the text that a model reads."""

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or shipped_tools()
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(folder)]
        sys.modules[_PACKAGE] = package
        self._functions = {name: _function(folder, name) for name in NAMES}
        self._pure = functools.lru_cache(maxsize=100_000)(self._run_pure)

    def parameters(self, name: str) -> list[str]:
        """Names of the tool's parameters, in the order in which calls write them."""
        return list(spec_of(self._functions[name]).parameters["properties"])

    def run(
        self, name: str, arguments: Mapping[str, Any], memory: Memory, now: datetime
    ) -> tuple[str, bool]:
        """The result's text, and whether it is one and no error. `now` has a time zone."""
        if name in ("remember", "recall"):
            return _text(lambda: _awaited(self._functions[name], arguments, memory))
        text, is_ok = self._pure(name, json.dumps(dict(arguments)))
        if name != "current_time" or not is_ok:
            return text, is_ok
        zone = json.loads(text)["timezone"]
        local = now.astimezone(ZoneInfo(zone))
        shown = {"time": local.isoformat(timespec="seconds"), "weekday": f"{local:%A}"}
        return _json(shown | {"timezone": zone}), True

    def _run_pure(self, name: str, arguments: str) -> tuple[str, bool]:
        return _text(lambda: self._functions[name](**json.loads(arguments)))


def shipped_tools() -> Path:
    """The folder of the shipped tools, installed or in a checkout."""
    package = Path(__file__).parents[2]
    installed = package / "shipped" / "tools"
    return installed if installed.is_dir() else package.parent / "tools"


def _function(folder: Path, name: str) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(f"{_PACKAGE}.{name}", folder / f"{name}.py")
    assert isinstance(spec, ModuleSpec)
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function: Callable[..., Any] = getattr(module, name)
    return function


def _text(call: Callable[[], Any]) -> tuple[str, bool]:
    try:
        value = call()
    except ToolError as error:
        return " ".join(str(error).split()), False
    return (value if isinstance(value, str) else _json(value)), True


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _awaited(function: Callable[..., Any], arguments: Mapping[str, Any], memory: Memory) -> Any:
    """The dict answers at once, so the coroutine never waits."""
    coroutine = function(**arguments, context=_Context(memory))
    assert inspect.iscoroutine(coroutine)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("a tool waited for something")
