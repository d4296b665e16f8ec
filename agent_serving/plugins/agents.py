"""Loading agents from folders: each TOML file is one, with the fields of `POST /v1/agents`.

Two fields mean more here. `tenant` says whose agent it is. `output` may be text, `"module:Name"`:
a Python type in the file `module.py` beside. No other Python is imported, and none that is not
named.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_serving.domain.access import TENANT
from agent_serving.domain.errors import ConfigurationError, InvalidRequest, SchemaRejected
from agent_serving.domain.output_type import output_body
from agent_serving.plugins.modules import ImportFailed, import_file, package_of
from agent_serving.plugins.toml_lines import line_of

_REFERENCE = re.compile(r"([A-Za-z_]\w*):([A-Za-z_]\w*)", re.ASCII)
_LINE = re.compile(r" \(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class AgentFile:
    """`body` is what `POST /v1/agents` takes, not checked yet; its name is there. `tenant` is None
    where the file names none."""

    source: Path
    text: str
    tenant: str | None
    body: dict[str, Any]

    @property
    def name(self) -> Any:
        return self.body["name"]

    def wrong(self, message: str, field: str | None = None) -> ConfigurationError:
        """An error that names the file and, where it has the field, the line."""
        return ConfigurationError(f"{self.source}:{line_of(self.text, field)}: {message}")


def load_agent_files(folders: Sequence[Path]) -> list[AgentFile]:
    """All agents of the folders; of two with one name and tenant the later folder's counts.

    Raises ConfigurationError: a folder that is not there, a file that cannot be read (with its
    line), an `output` that is no type, one name twice in one folder.
    """
    agents: dict[tuple[str | None, str], AgentFile] = {}
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is not a folder. Name one that holds agent files.")
        found: dict[tuple[str | None, str], AgentFile] = {}
        for source in sorted(folder.glob("*.toml")):
            file = _load(source)
            key = (file.tenant, str(file.name))
            if key in found:
                raise file.wrong(f"{found[key].source} has an agent {file.name!r} too.", "name")
            found[key] = file
        agents |= found
    return list(agents.values())


def _load(source: Path) -> AgentFile:
    try:
        text = source.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        where = f"{source}:{line[1]}" if line else str(source)
        raise ConfigurationError(f"{where}: {_LINE.sub('', str(error))}.") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{source}: {error}.") from error
    tenant = content.pop("tenant", None)
    file = AgentFile(source, text, tenant, {"name": source.stem, **content})
    if tenant is not None and not (isinstance(tenant, str) and re.fullmatch(TENANT, tenant)):
        raise file.wrong(
            f"`tenant` is {tenant!r}, which is no name of a tenant: letters, digits and . _ : @ -",
            "tenant",
        )
    for field, value in content.items():
        _check_json(file, field, value)
    if isinstance(file.body.get("output"), str):
        file.body["output"] = _output_named(file, file.body["output"])
    return file


def _check_json(file: AgentFile, field: str, value: Any) -> None:
    """TOML has values that JSON has not."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise file.wrong(
            f"`{field}` has a value that JSON cannot hold: {error}. Put a date or time in quotes.",
            field,
        ) from None


def _output_named(file: AgentFile, reference: str) -> dict[str, Any]:
    named = _REFERENCE.fullmatch(reference)
    if named is None:
        raise file.wrong(
            f'`output` is {reference!r}. Text here names a Python type, "module:Name", in the file '
            "module.py beside this one; write all else as a table with a `type`.",
            "output",
        )
    module, name = named.groups()
    # Resolved: a link must not lead to code outside of the folder.
    beside = file.source.with_name(f"{module}.py").resolve()
    if not beside.is_file() or beside.parent != file.source.parent:
        raise file.wrong(f"`output`: there is no file {module}.py in this folder.", "output")
    try:
        known = vars(import_file(package_of(beside.parent, "agents"), beside))
    except ImportFailed as error:
        raise ConfigurationError(f"{error}. The output of {file.source} needs it.") from error
    if name not in known:
        raise file.wrong(f"`output`: there is no {name} in {beside}.", "output")
    try:
        return output_body(known[name])
    except (InvalidRequest, SchemaRejected) as error:
        raise file.wrong(f"`output`: {error.message}", "output") from error
