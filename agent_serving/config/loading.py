"""Settings from flags over environment over a TOML file over defaults, and where each came from.

Nothing else in the server reads the environment.
"""

from __future__ import annotations

import difflib
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent_serving.config.settings import Settings
from agent_serving.domain.errors import ConfigurationError

PREFIX = "AGENT_SERVING_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = Path("agent-serving.toml")

LISTS = frozenset({"engines", "tools", "grammars", "agents", "fetch_hosts", "allowed_hosts"})
"""In the environment: separated by commas or blanks."""
TABLES = frozenset(
    {
        "tool_settings", "tool_secrets", "tool_concurrency", "mcp_servers", "prices", "tool_prices",
        "tenant_budgets", "tenant_limits",
    }
)  # fmt: skip
"""Tables in the file, JSON in the environment; no flags."""
PATHS = frozenset(
    {"data_dir", "engine_home", "jwks_file", "model", "secrets_file", "tls_cert", "tls_key"}
)
PATH_LISTS = frozenset({"tools", "grammars", "agents"})
_JSON_TABLE = TypeAdapter(dict[str, Any])

_NOT_OURS = re.compile(r"SERVICE_(HOST|PORT(_.+)?)|PORT_\d+_(TCP|UDP)(_.+)?|TEST_.+|API_KEY|URL")
"""What Kubernetes sets in every pod beside a Service that is called agent-serving, what the tests
are told, and what the commands that talk to a service and the Python client read."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was given, and where: `flag --port`, `environment AGENT_SERVING_PORT`,
    `agent-serving.toml`."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Configuration:
    settings: Settings
    given: Mapping[str, Given]

    def source(self, key: str) -> str:
        return self.given[key].source if key in self.given else "default"


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Configuration:
    """`flags` are by key; a None among them was not given. `file` has to exist; without it
    AGENT_SERVING_CONFIG names one, and ./agent-serving.toml is taken where there is one.

    Raises ConfigurationError, which names the source and the key.
    """
    environment = environment or {}
    given = _from_file(_file(environment, file)) | _from_environment(environment)
    given |= {
        key: Given(v, f"flag {flag_of(key)}") for key, v in (flags or {}).items() if v is not None
    }
    try:
        settings = Settings.model_validate({key: item.value for key, item in given.items()})
    except ValidationError as error:
        raise ConfigurationError(_explain(error, given)) from None
    return Configuration(settings, given)


def flag_of(key: str) -> str:
    """The option that sets it, on the commands that have one."""
    names = {
        "engines": "engine",
        "redis_url": "redis",
        "fetch_hosts": "fetch-host",
        "allowed_hosts": "allowed-host",
        "engine_args": "engine-arg",
    }
    return f"--{names.get(key, key).replace('_', '-')}"


def _explain(error: ValidationError, given: Mapping[str, Given]) -> str:
    problems = []
    for found in error.errors(include_url=False):
        key = str(found["loc"][0])
        where = ".".join(str(part) for part in found["loc"])
        source = given[key].source if key in given else "default"
        message = found["msg"].removeprefix("Value error, ")
        problems.append(f"{where} (from {source}): {message}.")
    return "\n".join(problems)


# --- file -----------------------------------------------------------------------------------


def _file(environment: Mapping[str, str], file: Path | None) -> Path | None:
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE])
    if file is None:
        return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    if not file.is_file():
        raise ConfigurationError(f"There is no configuration file {file}.")
    return file


def _from_file(file: Path | None) -> dict[str, Given]:
    """Relative paths in a file are relative to it."""
    if file is None:
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}.") from None
    for key in content.keys() - Settings.model_fields.keys():
        raise ConfigurationError(f"{file}: there is no setting {key!r}.{_near(key)}")
    folder = file.parent
    for key in PATHS & content.keys():
        content[key] = _beside(folder, content[key])
    for key in PATH_LISTS & content.keys():
        if isinstance(content[key], list):
            content[key] = [_beside(folder, path) for path in content[key]]
    return {key: Given(value, str(file)) for key, value in content.items()}


def _beside(folder: Path, value: Any) -> Any:
    return folder / Path(value).expanduser() if isinstance(value, str) else value


# --- environment ----------------------------------------------------------------------------


def _from_environment(environment: Mapping[str, str]) -> dict[str, Given]:
    """An empty variable is not given."""
    given: dict[str, Given] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE or not text.strip():
            continue
        suffix = name.removeprefix(PREFIX)
        if _NOT_OURS.fullmatch(suffix) or (suffix == "PORT" and text.startswith("tcp://")):
            continue
        key = suffix.lower()
        if key not in Settings.model_fields:
            near = _near(key, lambda known: PREFIX + known.upper())
            raise ConfigurationError(f"environment {name}: there is no such setting.{near}")
        given[key] = Given(_parse(name, key, text), f"environment {name}")
    return given


def _parse(name: str, key: str, text: str) -> Any:
    if key in LISTS:
        return text.replace(",", " ").split()
    try:
        if key == "engine_args":
            return shlex.split(text)
        if key in TABLES:
            return _JSON_TABLE.validate_json(text)
    except ValueError as error:
        problem = "not a JSON object" if key in TABLES else str(error)
        raise ConfigurationError(f"environment {name}: {problem}.") from None
    return text


def _near(key: str, spelled: Any = str) -> str:
    close = difflib.get_close_matches(key, Settings.model_fields, n=1)
    return f" Did you mean {spelled(close[0])}?" if close else ""
