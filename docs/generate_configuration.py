"""Write docs/configuration.md from the settings: python docs/generate_configuration.py"""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

from agent_serving.config import PREFIX, TABLES, Settings, flag_of

PAGE = Path(__file__).with_name("configuration.md")

HEAD = """\
# Configuration

Written by `python docs/generate_configuration.py`; a test checks that it is current.

A setting is taken from the command line, else from its environment variable, else from a TOML file
(`--config FILE`, else the one that `AGENT_SERVING_CONFIG` names, else `./agent-serving.toml`), else
it has its default. `agent-serving config` prints what is in force, and where each value is from.

In the environment, lists are separated by commas or blanks, `engine_args` is split as a shell does,
and tables are JSON. Relative paths in a file are relative to it. Which flags a command
takes is told by its `--help`.

| key | flag | environment | default | |
|---|---|---|---|---|
"""


def page() -> str:
    rows = [
        f"| `{key}` | {_flag(key)} | `{PREFIX}{key.upper()}` | {_default(field.default)} | "
        f"{field.description}{_choices(field.annotation)} |"
        for key, field in Settings.model_fields.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def _flag(key: str) -> str:
    return "" if key in TABLES else f"`{flag_of(key)}`"


def _default(value: Any) -> str:
    return f"`{value}`" if value not in (None, (), {}) else ""


def _choices(annotation: Any) -> str:
    if typing.get_origin(annotation) is not typing.Literal:
        return ""
    return f" One of {', '.join(f'`{choice}`' for choice in typing.get_args(annotation))}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
