"""agent-serving config"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import typer
from pydantic import SecretStr

from agent_serving.cli import options
from agent_serving.config import Configuration, Settings
from agent_serving.domain.values import Value

MASK = "********"
SECRET = re.compile(r"(?i)key|token|secret|password|credential|authorization")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def config(
    context: typer.Context,
    engines: options.Engines = None,
    redis_url: options.RedisUrl = None,
    config_file: options.ConfigFile = None,
    host: options.Host = None,
    port: options.Port = None,
    data_dir: options.DataDir = None,
) -> None:
    """Print the configuration that the other commands would run with, and where each value is from.

    Flags come before AGENT_SERVING_* variables, those before the file, that before defaults. The
    output is a TOML file again, but for passwords, which are masked.

    Example: AGENT_SERVING_PORT=9000 agent-serving config
    """
    typer.echo(as_toml(options.configuration(context)), nl=False)


def as_toml(configuration: Configuration) -> str:
    """Every setting, its source behind it as a comment; one that is not set is a comment."""
    lines: list[str] = []
    tables: list[str] = []
    for key in Settings.model_fields:
        value = getattr(configuration.settings, key)
        source = configuration.source(key)
        if isinstance(value, dict):
            tables += _tables(key, value, source)
        elif value is None:
            lines.append(f"# {key} is not set  # {source}")
        else:
            lines.append(f"{key} = {_toml(_masked(value))}  # {source}")
    return "\n".join([*lines, *tables]) + "\n"


def _tables(key: str, value: dict[str, Any], source: str) -> list[str]:
    if not value:
        empty = key if key == "tool_prices" else f"{key}.NAME"
        return [f"# [{empty}]: none  # {source}"]
    lines: list[str] = []
    secrets = key == "tool_settings"
    flat = {name: row for name, row in value.items() if not isinstance(row, dict | Value)}
    if flat:
        lines += ["", f"[{key}]  # {source}", *_rows(flat, secrets=False)]
    for name, row in value.items():
        if name not in flat:
            table = row.model_dump(exclude_unset=True) if isinstance(row, Value) else row
            lines += ["", f"[{key}.{_key(name)}]  # {source}", *_rows(table, secrets=secrets)]
    return lines


def _rows(table: dict[str, Any], *, secrets: bool) -> list[str]:
    return [
        f"{_key(option)} = {_toml(MASK if secrets and SECRET.search(option) else _masked(value))}"
        for option, value in table.items()
        if value is not None
    ]


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _toml(name)


def _masked(value: Any) -> Any:
    """The value without the passwords of URLs in it, nor what a table calls secret."""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {key: _masked_member(key, member) for key, member in value.items()}
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    if parts.password is None:
        return value
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}:{MASK}@{host}"))


def _masked_member(key: str, value: Any) -> Any:
    """What names a secret (`${NAME}`) is none."""
    is_secret = SECRET.search(key) and isinstance(value, str) and "${" not in value
    return MASK if is_secret else _masked(value)


def _toml(value: Any) -> str:
    """TOML's basic strings, numbers and arrays are JSON's, but for DEL, which has to be escaped."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_key(key)} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, Path | Decimal):
        value = str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
