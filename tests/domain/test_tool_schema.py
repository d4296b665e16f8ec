from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from types import FunctionType
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from agent_serving.domain.errors import ToolDefinitionError
from agent_serving.domain.tool import ToolContext, declaration_of, tool
from agent_serving.domain.tool_schema import signature_of, spec_of


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    title: str
    x: int = 0


class Node(BaseModel):
    children: list[Node] = []


class Memory:
    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None: ...

    async def keys(self) -> list[str]:
        return []


def context() -> ToolContext:
    return ToolContext(
        session_id="sess_1",
        turn_id="turn_1",
        call_id="call_1",
        tenant="default",
        deadline=datetime(2030, 1, 1, tzinfo=UTC),
        idempotency_key="turn_1:call_1",
        traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
        memory=Memory(),
    )


@tool(effect="pure", timeout=7)
def paint(
    amount: int,
    schema: Annotated[float, Field(ge=0, description="Its own words.")],
    colour: Colour,
    mode: Literal["fast", "slow"],
    where: list[Point],
    context: ToolContext,
    note: str | None = None,
    second: Colour = Colour.BLUE,
) -> str:
    """Paint something.

    It takes a while.

    Args:
        amount (int): How many litres,
            at least one.
        schema: Not used.
        colour: Which colour.

    Returns:
        What was painted.

    Raises:
        ValueError: never.
    """
    return f"{amount} {context.session_id} {note}"


PROPERTIES = spec_of(paint).parameters["properties"]


def test_the_decorator_leaves_the_function_as_it_is_and_only_attaches_a_declaration() -> None:
    assert paint(1, 0.0, Colour.RED, "fast", [], context()) == "1 sess_1 None"
    declaration = declaration_of(paint)
    assert declaration
    assert (declaration.effect, declaration.timeout_seconds) == ("pure", 7)
    assert declaration_of(len) is None


def test_a_spec_has_the_functions_name_effect_and_timeout() -> None:
    spec = spec_of(paint)
    assert (spec.name, spec.effect, spec.timeout_seconds) == ("paint", "pure", 7)
    assert spec.executor == "server"


def test_a_tool_that_says_nothing_of_its_effect_is_never_run_again() -> None:
    @tool()
    def pay() -> None:
        """Pay."""

    assert spec_of(pay).effect == "once"


def test_a_name_can_be_given() -> None:
    @tool(name="other-name")
    def something() -> None:
        """Do it."""

    assert spec_of(something).name == "other-name"


def test_the_description_is_the_docstring_without_arguments_and_exceptions() -> None:
    expected = "Paint something.\n\nIt takes a while.\n\nReturns:\n    What was painted."
    assert spec_of(paint).description == expected


def test_the_docstrings_lines_describe_the_properties() -> None:
    assert PROPERTIES["amount"] == {
        "type": "integer",
        "description": "How many litres, at least one.",
    }


def test_a_fields_own_description_and_bounds_win_over_the_docstring() -> None:
    assert PROPERTIES["schema"] == {
        "type": "number",
        "minimum": 0,
        "description": "Its own words.",
    }


def test_an_enum_that_is_described_keeps_its_values() -> None:
    assert PROPERTIES["colour"] == {"$ref": "#/$defs/Colour", "description": "Which colour."}
    assert spec_of(paint).parameters["$defs"]["Colour"]["enum"] == ["red", "blue"]


def test_literals_optionals_lists_and_defaults_are_in_the_schema() -> None:
    assert PROPERTIES["mode"] == {"type": "string", "enum": ["fast", "slow"]}
    assert PROPERTIES["note"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert PROPERTIES["where"] == {"type": "array", "items": {"$ref": "#/$defs/Point"}}
    assert PROPERTIES["second"]["default"] == "blue"
    assert spec_of(paint).parameters["required"] == ["amount", "schema", "colour", "mode", "where"]


def test_every_object_is_closed() -> None:
    parameters = spec_of(paint).parameters
    assert parameters["additionalProperties"] is False
    assert parameters["$defs"]["Point"]["additionalProperties"] is False


def test_generated_titles_are_left_out_but_not_a_property_of_that_name() -> None:
    point = spec_of(paint).parameters["$defs"]["Point"]
    assert "title" not in point
    assert point["properties"]["title"] == {"type": "string"}


def test_the_context_is_not_in_the_schema() -> None:
    assert "context" not in PROPERTIES


def test_a_function_without_parameters_has_an_empty_closed_schema() -> None:
    @tool()
    def ping() -> None:
        """Ping."""

    assert spec_of(ping).parameters == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def test_a_model_that_contains_itself_can_be_a_parameter() -> None:
    @tool()
    def walk(node: Node) -> None:
        """Walk."""

    children = spec_of(walk).parameters["$defs"]["Node"]["properties"]["children"]
    assert children["items"] == {"$ref": "#/$defs/Node"}


def test_arguments_become_typed_values_with_defaults_and_the_context() -> None:
    given = context()
    bound = signature_of(paint).bind(
        '{"amount": 2, "schema": 1, "colour": "red", "mode": "fast", "where": [{"title": "a"}]}',
        given,
    )
    assert bound == {
        "amount": 2,
        "schema": 1.0,
        "colour": Colour.RED,
        "mode": "fast",
        "where": [Point(title="a")],
        "note": None,
        "second": Colour.BLUE,
        "context": given,
    }


@pytest.mark.parametrize(
    "arguments", ["", "[]", '{"amount": 2}', "{", '{"surprise": 1}', "\ud800", '"\\ud800"']
)
def test_arguments_that_do_not_fit_are_a_validation_error(arguments: str) -> None:
    with pytest.raises(ValidationError):
        signature_of(paint).bind(arguments, context())


def test_a_shared_default_is_not_changed_by_a_call() -> None:
    @tool()
    def collect(items: list[str] = []) -> None:  # noqa: B006  # the case under test
        """Collect."""

    signature = signature_of(collect)
    signature.bind("{}", context())["items"].append("x")
    assert signature.bind("{}", context())["items"] == []


@tool()
def bad_plain(amount) -> None:  # type: ignore[no-untyped-def]  # the case under test
    """Do."""


@tool()
def bad_silent(amount: int) -> None: ...


@tool()
def bad_star(*amounts: int) -> None:
    """Do."""


@tool()
def bad_stars(**amounts: int) -> None:
    """Do."""


@tool()
def bad_position(amount: int, /) -> None:
    """Do."""


@tool()
def bad_field(amount: int = Field(1, ge=0)) -> None:
    """Do."""


@tool()
def bad_type(amount: type) -> None:
    """Do."""


@tool()
def bad_default(amount: int = "many") -> None:  # type: ignore[assignment]  # the case under test
    """Do."""


@tool()
def bad_args(amount: int) -> None:
    """Do.

    Args:
        amuont: How many.
    """


@tool()
def bad_reference(amount: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821  # the case
    """Do."""


@tool(name="no blanks")
def bad_name() -> None:
    """Do."""


@tool(timeout=0)
def bad_timeout() -> None:
    """Do."""


@tool()
def bad_yield() -> object:
    """Do."""
    yield 1


def bad_bare() -> None:
    """Do."""


@pytest.mark.parametrize(
    ("function", "problem", "remedy"),
    [
        (bad_plain, "no annotation for parameter amount", "Write amount: str"),
        (bad_silent, "no docstring", "Write one or two sentences"),
        (bad_star, "*amounts", "amounts: list[str]"),
        (bad_stars, "**amounts", "Name each parameter"),
        (bad_position, "amount by position only", "Remove the /"),
        (bad_field, "default of parameter amount", "Annotated[type, Field(…)] = default"),
        (bad_type, "parameter amount", "Use str, int"),
        (bad_default, "parameter amount", "Use str, int"),
        (bad_args, "describes amuont", "Use the parameter's name"),
        (bad_reference, "'Nowhere' is not defined", "at the top of the file"),
        (bad_name, "wrong name", "@tool"),
        (bad_timeout, "wrong timeout_seconds", "@tool"),
        (bad_yield, "yields", "use return"),
        (bad_bare, "not a tool", "@tool(effect=…)"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place_and_remedy(
    function: FunctionType, problem: str, remedy: str
) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        spec_of(function)
    message = caught.value.message
    line = function.__code__.co_firstlineno
    assert message.startswith(f"{__file__}:{line}: {function.__name__} ")
    assert problem in message
    assert remedy in message
