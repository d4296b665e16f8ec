"""Loading tools from folders: every Python file, by path, each in a module of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_serving.domain.errors import ToolDefinitionError
from agent_serving.domain.tool import ToolFunction, declaration_of
from agent_serving.domain.tool_schema import spec_of
from agent_serving.domain.values import ToolSpec
from agent_serving.plugins.modules import ImportFailed, import_file, package_of

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
    package = package_of(folder, "tools")
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


def _load_file(package: str, source: Path) -> list[LoadedTool]:
    try:
        module = import_file(package, source)
    except ImportFailed as error:
        raise ToolDefinitionError(
            f"{error}. Correct the file, or rename it _{source.name} to leave it out."
        ) from error
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
