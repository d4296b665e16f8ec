"""Write docs/reference/cli.md from the commands: python docs/generate_cli.py"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from agent_serving.cli.main import application
from agent_serving.config import Settings, flag_of

PAGE = Path(__file__).parent / "reference" / "cli.md"

HEAD = """\
# The command line

Written by `python docs/generate_cli.py`; a test checks that it is current.

`agent-serving COMMAND --help` tells the same. Flags that set a setting are listed by name;
[configuration](../configuration.md) explains them, with their environment variables and defaults.
"""

SETTINGS = {flag_of(key): Settings.model_fields[key].description for key in Settings.model_fields}


def page() -> str:
    return HEAD + "".join(
        _section(path, command)
        for path, command in _commands(typer.main.get_command(application()))
    )


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _section(path: tuple[str, ...], command: Any) -> str:
    name = " ".join(("agent-serving", *path))
    words, _, example = command.help.partition("Example: ")
    shown = re.sub(r"\s+", " ", example).strip()
    settings = [option for option in command.params if _sets(option)]
    others = [option for option in command.params if not _sets(option)]
    table = "| | |\n|---|---|\n" + "".join(map(_row, others)) if others else ""
    flags = ", ".join(f"`{option.opts[0]}`" for option in settings)
    parts = (f"## {name}\n{words.strip()}\n", f"```bash\n{shown}\n```\n", table)
    return "\n" + "\n".join(filter(None, (*parts, f"Settings: {flags}.\n" if flags else "")))


def _sets(option: Any) -> bool:
    return option.opts[0] in SETTINGS and option.help == SETTINGS[option.opts[0]]


def _row(option: Any) -> str:
    flag = option.opts[0].startswith("-")
    named = ", ".join(f"`{name if flag else name.upper()}`" for name in option.opts)
    notes = [
        "may be repeated"
        if option.multiple
        else ""
        if flag or option.nargs == 1
        else "one or more",
        f"`{option.envvar}` in the environment" if option.envvar else "",
        f"`{option.default}` by default" if option.show_default and option.default else "",
    ]
    said = "; ".join(filter(None, notes))
    words = (option.help or "").strip()
    return f"| {named} | {words}{f' ({said})' if said else ''} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
