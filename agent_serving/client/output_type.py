"""What an answer is to be, as Python says it, and as the service's `output` says it."""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args, get_origin

import typing_extensions
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from agent_serving.client.errors import OutputError
from agent_serving.domain.errors import InvalidRequest, SchemaRejected
from agent_serving.domain.tool_schema import ModelFacing

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutputShape(Generic[T]):
    """`body` is what the service is asked for, None for free text; `parse` reads the answer."""

    body: Body | None
    parse: Callable[[str], T]


def shape_of(output_type: TypeForm[T] | Mapping[str, Any] | None) -> OutputShape[Any]:
    """Of a pydantic model, dataclass, TypedDict, Literal, Enum, any other type that pydantic can
    read from JSON, a type of Outlines, or the service's own `output`. Raises OutputError."""
    if output_type is None or output_type is str:
        return OutputShape(None, str)
    if isinstance(output_type, Mapping):
        return OutputShape(dict(output_type), str)
    kind: Any = output_type
    choices = _choices(kind)
    if choices is not None:
        chosen: TypeAdapter[Any] = TypeAdapter(kind)
        body = {"type": "choice", "choices": choices}
        return OutputShape(body, _reader(chosen.validate_python))
    return _outlines(kind) or _schema(kind)


def _schema(kind: Any) -> OutputShape[Any]:
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(_readable(kind))
        schema = adapter.json_schema(schema_generator=ModelFacing)
    except (PydanticUserError, TypeError, NameError) as error:
        reason = str(error).splitlines()[0]
        raise OutputError(
            f"{kind!r} cannot be an output_type: {reason} Give a pydantic model, a dataclass, a "
            "TypedDict, a Literal, an Enum, or another type that JSON can express."
        ) from error
    return OutputShape({"type": "json_schema", "schema": schema}, _reader(adapter.validate_json))


def _reader(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return read(text)
        except ValidationError as error:
            raise OutputError(f"The answer is not what was asked for: {error}") from error

    return parse


def _choices(kind: Any) -> list[str] | None:
    """None where they are not texts."""
    if get_origin(kind) in (Literal, typing_extensions.Literal):
        values = list(get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        values = [member.value for member in kind]
    else:
        return None
    return values if values and all(type(value) is str for value in values) else None


def _readable(kind: Any) -> Any:
    """Before Python 3.12 pydantic reads only the TypedDict of typing_extensions."""
    if sys.version_info >= (3, 12) or not typing.is_typeddict(kind):
        return kind
    hints = typing_extensions.get_type_hints(kind, include_extras=True)
    fields = {
        name: hints[name] if name in kind.__required_keys__ else typing.NotRequired[hints[name]]
        for name in hints
    }
    return typing_extensions.TypedDict(kind.__name__, fields)  # type: ignore[operator]  # made here


def _outlines(kind: Any) -> OutputShape[Any] | None:
    """None where it is none of Outlines' types; whoever has one of those has imported it."""
    types = sys.modules.get("outlines.types.dsl")
    if types is None or not isinstance(kind, types.Term):
        return None
    # Here, not above: programs without such types need none of what it imports.
    from agent_serving.domain.output_type import output_body

    try:
        body = output_body(kind)
    except (InvalidRequest, SchemaRejected) as error:
        raise OutputError(error.message) from error
    return OutputShape(body, json.loads if body["type"] == "json_schema" else str)
