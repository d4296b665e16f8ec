"""Secrets for tools, by name: from a file, else from the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent_serving.domain.errors import ConfigurationError


def load_secrets(
    wanted: Mapping[str, Sequence[str]],
    file: Path | None,
    environment: Mapping[str, str],
    *,
    setting: str = "tool_secrets",
) -> dict[str, dict[str, str]]:
    """The secrets of each tool of `wanted`, by their names. The file is TOML: NAME = "value".
    `setting` is where they are asked for.

    Raises ConfigurationError; no message repeats a value.
    """
    known = _from_file(file) if file is not None and wanted else {}
    return {
        tool: {name: _value(f"{setting}.{tool}", name, known, file, environment) for name in names}
        for tool, names in wanted.items()
    }


def _value(
    where_asked: str,
    name: str,
    known: Mapping[str, str],
    file: Path | None,
    environment: Mapping[str, str],
) -> str:
    value = known.get(name) or environment.get(name)
    if not value:
        where = f"in {file} and not " if file is not None else ""
        raise ConfigurationError(
            f"{where_asked}: the secret {name} is not {where}in the environment. "
            f'Set it there, or write {name} = "…" into the file that secrets_file names.'
        )
    return value


def _from_file(file: Path) -> dict[str, str]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"The secrets file {file} cannot be read: {error.strerror}."
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        # Its message would show a piece of the file.
        raise ConfigurationError(
            f'The secrets file {file} is not TOML; write one NAME = "value" a line.'
        ) from None
    for name, value in content.items():
        if not isinstance(value, str):
            raise ConfigurationError(
                f"{file}: the secret {name} is not a string; put it in quotes."
            )
    return content
