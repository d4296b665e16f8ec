"""Loading grammars from folders: a dialect is a TOML file in one, a named output a TOML file in
its `outputs` folder."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import InvalidRequest, SchemaRejected
from agent_serving.domain.schema import check_output, closed
from agent_serving.domain.values import JsonSchemaOutput, Output

_DIALECT: TypeAdapter[Dialect] = TypeAdapter(Dialect)
_OUTPUT: TypeAdapter[Output] = TypeAdapter(Output)


def load_dialects(folders: Sequence[Path]) -> dict[str, Dialect]:
    """All dialects of the folders, by name; of two with one name in two folders the later
    folder's counts. Raises InvalidRequest: a folder that is not there, a file that cannot be read
    (with its field), one name twice in one folder."""
    dialects: dict[str, Dialect] = {}
    for folder in _existing(folders):
        found: dict[str, Path] = {}
        for source, content in _files(folder):
            dialect = _decode(_DIALECT, content, source)
            if dialect.name in found:
                raise InvalidRequest(
                    f"{source}: name: {dialect.name!r} is the name of {found[dialect.name]} too."
                )
            found[dialect.name] = source
            dialects[dialect.name] = dialect
    return dialects


def load_outputs(folders: Sequence[Path]) -> dict[str, Output]:
    """All named outputs of the folders, by the name of their file; a later folder's counts.
    Raises InvalidRequest, as `load_dialects`, also for an output that no reply could be held to.
    """
    outputs: dict[str, Output] = {}
    for folder in _existing(folders):
        for source, content in _files(folder / "outputs"):
            content.pop("description", None)
            output = _decode(_OUTPUT, content, source)
            try:
                if isinstance(output, JsonSchemaOutput):
                    output = JsonSchemaOutput(schema_=closed(output.schema_, root="any"))
                check_output(output, param=source.stem)
            except SchemaRejected as error:
                raise InvalidRequest(f"{source}: {error.message}") from error
            outputs[source.stem] = output
    return outputs


def choose_dialect(dialects: Mapping[str, Dialect], *names: str) -> Dialect | None:
    """The dialect for a model by what is known of it (path, served name, architecture), the most
    telling first: the first name that any dialect matches decides, and of several that match it
    the one that recognizes most of it."""
    for name in names:
        if name in dialects:
            return dialects[name]
        ranked = sorted(
            dialects.values(), key=lambda dialect: (-dialect.affinity(name), dialect.name)
        )
        if ranked and ranked[0].affinity(name):
            return ranked[0]
    return None


def _existing(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        if not folder.is_dir():
            raise InvalidRequest(f"{folder} is not a folder. Name one that holds grammar files.")
        yield folder


def _files(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for source in sorted(folder.glob("*.toml")):
        try:
            yield source, tomllib.loads(source.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise InvalidRequest(f"{source}: {error}") from error


def _decode(adapter: TypeAdapter[Any], content: dict[str, Any], source: Path) -> Any:
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "file"
        raise InvalidRequest(f"{source}: {field}: {first['msg']}") from error
