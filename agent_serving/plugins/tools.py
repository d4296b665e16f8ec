"""Loading tools from folders: every Python file, by path, each in a module of its own."""

from __future__ import annotations

import importlib.util
import logging
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from agent_serving.domain.errors import ToolDefinitionError
from agent_serving.domain.tool import ToolFunction, declaration_of
from agent_serving.domain.tool_schema import spec_of
from agent_serving.domain.values import ToolSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedTool:
    """`source` is the file that the function was read from."""

    spec: ToolSpec
    function: ToolFunction
    source: Path


def load_tools(folders: Sequence[Path]) -> dict[str, LoadedTool]:
    """All tools of the folders, by name; of two with one name in two folders the later folder's
    counts. Files that start with `_` hold no tools; the others can import them
    (`from ._prices import PRICES`).

    Raises ToolDefinitionError: a folder that is not there, a file that does not import (with its
    line), a file without a tool, one name twice in one folder.
    """
    tools: dict[str, LoadedTool] = {}
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        loaded = _load_folder(folder)
        for name in tools.keys() & loaded.keys():
            logger.info(
                "tool %s: %s is used instead of %s", name, loaded[name].source, tools[name].source
            )
        tools |= loaded
    return tools


def _load_folder(folder: Path) -> dict[str, LoadedTool]:
    if not folder.is_dir():
        raise ToolDefinitionError(f"{folder} is not a folder. Name one that holds tool files.")
    package = _package(folder)
    tools: dict[str, LoadedTool] = {}
    for source in sorted(folder.glob("*.py")):
        if source.name.startswith("_"):
            continue
        for tool in _load_file(package, source):
            other = tools.setdefault(tool.spec.name, tool)
            if other is not tool:
                raise ToolDefinitionError(
                    f"{source}: a tool named {tool.spec.name} is in {other.source} too."
                    " Rename one: @tool(name=…)."
                )
    return tools


def _package(folder: Path) -> str:
    """A package that only the folder's own files can know: two folders never share a module, and
    no tool file hides an installed one."""
    name = f"agent_serving_tools_{sha256(bytes(folder)).hexdigest()[:12]}"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def _load_file(package: str, source: Path) -> list[LoadedTool]:
    module = _import(f"{package}.{source.stem}", source)
    own = {
        id(value): value  # once, also where a second name is bound to it
        for value in vars(module).values()
        if declaration_of(value) and value.__module__ == module.__name__
    }
    if not own:
        raise ToolDefinitionError(
            f"{source}: no function has @tool. Add it, or rename the file _{source.name}"
            " if other tools only import it."
        )
    return [LoadedTool(spec_of(function), function, source) for function in own.values()]


def _import(name: str, source: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, source, loader=_Loader(name, str(source)))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pydantic look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ToolDefinitionError(
            f"{source}:{_line(error, source)}: {type(error).__name__}: {_message(error)}."
            f" Correct the file, or rename it _{source.name} to leave it out."
        ) from error
    return module


class _Loader(SourceFileLoader):
    """Reads the source each time and leaves no bytecode in a folder that people edit."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _line(error: BaseException, source: Path) -> int:
    if isinstance(error, SyntaxError) and error.filename == str(source):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(source)]
    return next((line for line in reversed(lines) if line), 1)


def _message(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return text.strip().rstrip(".")
