"""Python files of a folder as modules that nothing else can see."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class ImportFailed(Exception):
    """The file does not import: `file:line: Type: message`."""


def package_of(folder: Path, kind: str) -> str:
    """A package that only the folder's own files can know: two folders never share a module, and
    no file in one hides an installed module."""
    name = f"agent_serving_{kind}_{sha256(bytes(folder)).hexdigest()[:12]}"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def import_file(package: str, source: Path) -> ModuleType:
    """Raises ImportFailed."""
    name = f"{package}.{source.stem}"
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
        raise ImportFailed(
            f"{source}:{_line(error, source)}: {type(error).__name__}: {_message(error)}"
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
