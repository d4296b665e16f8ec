"""From a tool's function to what the model sees of it, and from the model's arguments back to
typed values."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from agent_serving.domain.docstring import parse_docstring
from agent_serving.domain.errors import ToolDefinitionError
from agent_serving.domain.tool import ToolContext, ToolFunction, declaration_of
from agent_serving.domain.values import JsonSchema, ToolSpec


@dataclass(frozen=True, slots=True)
class ToolSignature:
    """What a function takes: `arguments` reads the model's JSON, `contexts` names the parameters
    that receive the ToolContext."""

    spec: ToolSpec
    arguments: type[BaseModel]
    contexts: tuple[str, ...]

    def bind(self, arguments: str, context: ToolContext) -> dict[str, Any]:
        """Keyword arguments for the function, from JSON text: typed, defaults applied.

        Raises pydantic's ValidationError.
        """
        decoded = self.arguments.model_validate_json(arguments)
        fields = self.arguments.model_fields
        values = {field.alias or key: getattr(decoded, key) for key, field in fields.items()}
        return values | dict.fromkeys(self.contexts, context)


def spec_of(function: ToolFunction) -> ToolSpec:
    """A tool as the model sees it: the name, the docstring as description, the annotations as a
    closed JSON schema. Raises ToolDefinitionError."""
    return signature_of(function).spec


def signature_of(function: ToolFunction) -> ToolSignature:
    """Raises ToolDefinitionError: it names file, line, function and parameter, and says what to
    write instead."""
    declaration = declaration_of(function)
    if declaration is None:
        raise _wrong(function, "is not a tool. Put @tool(effect=…) above it.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _wrong(function, "yields. A tool returns one value: use return.")
    docstring = parse_docstring(function.__doc__ or "")
    if not docstring.description:
        raise _wrong(
            function, "has no docstring. Write one or two sentences: the model chooses by them."
        )
    parameters = _parameters(function)
    if unknown := docstring.arguments.keys() - parameters.keys():
        raise _wrong(
            function,
            f"describes {', '.join(sorted(unknown))} under Args:, which it does not take."
            " Use the parameter's name.",
        )
    contexts = tuple(name for name, given in parameters.items() if _is_context(given.annotation))
    fields: dict[str, Any] = {
        # Not named as the parameter: `schema`, `copy` or `_x` could not be a field.
        f"argument_{number}": _field(function, given, docstring.arguments.get(name))
        for number, (name, given) in enumerate(parameters.items())
        if name not in contexts
    }
    arguments = create_model(
        function.__name__, __config__=ConfigDict(extra="forbid", frozen=True), **fields
    )
    return ToolSignature(_spec(function, docstring.description, arguments), arguments, contexts)


def _spec(function: ToolFunction, description: str, arguments: type[BaseModel]) -> ToolSpec:
    declaration = declaration_of(function)
    assert declaration
    try:
        return ToolSpec(
            name=declaration.name or function.__name__,
            description=description,
            parameters=_parameters_schema(arguments),
            effect=declaration.effect,
            timeout_seconds=declaration.timeout_seconds,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _wrong(
            function, f"is declared with a wrong {where}: {first['msg']}. Correct its @tool(…)."
        ) from error


def _parameters(function: ToolFunction) -> dict[str, inspect.Parameter]:
    """By name, each with its annotation resolved."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise _wrong(
            function,
            f"has an annotation that cannot be resolved ({error})."
            " Import or define the type at the top of the file.",
        ) from error
    given = inspect.signature(function).parameters
    return {name: _parameter(function, parameter, hints) for name, parameter in given.items()}


def _parameter(
    function: ToolFunction, parameter: inspect.Parameter, hints: dict[str, Any]
) -> inspect.Parameter:
    name = parameter.name
    match parameter.kind:
        case inspect.Parameter.VAR_POSITIONAL:
            raise _wrong(function, f"takes *{name}. Take a list instead: {name}: list[str].")
        case inspect.Parameter.VAR_KEYWORD:
            raise _wrong(function, f"takes **{name}. Name each parameter.")
        case inspect.Parameter.POSITIONAL_ONLY:
            raise _wrong(function, f"takes {name} by position only. Remove the / in its signature.")
        case _:
            pass
    if name not in hints:
        raise _wrong(
            function,
            f"has no annotation for parameter {name}. Write {name}: str, or the type it has;"
            f" {name}: ToolContext for the context.",
        )
    if isinstance(parameter.default, FieldInfo):
        raise _wrong(
            function,
            f"has a Field(…) as the default of parameter {name}."
            f" Write {name}: Annotated[type, Field(…)] = default.",
        )
    return parameter.replace(annotation=hints[name])


def _is_context(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation is ToolContext


def _field(
    function: ToolFunction, parameter: inspect.Parameter, described: str | None
) -> tuple[Any, FieldInfo]:
    annotation, name = parameter.annotation, parameter.name
    _check_type(function, parameter)
    fields = (part for part in _metadata(annotation) if isinstance(part, FieldInfo))
    own = next((field.description for field in fields if field.description), None)
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    return annotation, Field(default, alias=name, description=own or described)


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from get_args(annotation)[1:]


def _check_type(function: ToolFunction, parameter: inspect.Parameter) -> None:
    """Alone, so that a type that JSON cannot express is blamed on its parameter."""
    name = parameter.name
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(parameter.annotation)
        adapter.json_schema(schema_generator=ModelFacing)
        if parameter.default is not inspect.Parameter.empty:
            adapter.dump_json(parameter.default, warnings="error")
    except (PydanticUserError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise _wrong(
            function,
            f"has a parameter {name} whose type or default JSON cannot express ({reason})."
            " Use str, int, float, bool, list, dict, Literal, Enum, Optional or a pydantic model.",
        ) from error


class ModelFacing(GenerateJsonSchema):
    """A schema as a model is to see it. Raises PydanticInvalidForJsonSchema for a default that JSON
    cannot express."""

    def emit_warning(self, kind: Any, detail: str) -> None:
        raise PydanticInvalidForJsonSchema(detail)

    def generate(self, schema: Any, mode: JsonSchemaMode = "validation") -> JsonSchema:
        closed: JsonSchema = _closed(super().generate(schema, mode))
        return closed


_NAMED_SCHEMAS = frozenset({"properties", "$defs"})
_SCHEMAS = frozenset({"items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf"})


def _closed(schema: Any) -> Any:
    """Without generated titles, which cost tokens and say nothing; objects with named properties
    take no others, unless their model says so."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed: JsonSchema = {}
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS:
            closed[key] = {name: _closed(part) for name, part in value.items()}
        elif key in _SCHEMAS:
            closed[key] = _closed(value)
        elif key != "title":
            closed[key] = value
    if "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _parameters_schema(arguments: type[BaseModel]) -> JsonSchema:
    schema = arguments.model_json_schema(by_alias=True, schema_generator=ModelFacing)
    return {"type": "object", "properties": schema.get("properties", {})} | schema


def _wrong(function: ToolFunction, problem: str) -> ToolDefinitionError:
    code = getattr(inspect.unwrap(function), "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}: " if code else ""
    name = getattr(function, "__name__", repr(function))
    return ToolDefinitionError(f"{where}{name} {problem}")
