"""What the real engine writes under the constraint of a Python type reads back as that type."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from outlines import types
from pydantic import BaseModel, TypeAdapter
from typing_extensions import TypedDict

from agent_serving.domain.constraint import step_constraint
from agent_serving.domain.output_type import output_from_type
from agent_serving.domain.values import Message
from tests.contracts.engines import collect, generation, probed_sglang, qwen

Answer = Literal["yes", "no"]
MOST_TOKENS = 200
CONTROL = re.compile(r"<\|\w+\|>$")
"""With which a reply ends, by either of the model's ends."""


class Model(BaseModel):
    sunny: bool
    answer: Answer


@dataclasses.dataclass
class Record:
    answer: Answer


class Typed(TypedDict):
    answer: Answer


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def as_json(form: Any) -> Callable[[str], object]:
    return TypeAdapter(form).validate_json


def matches(*texts: str) -> Callable[[str], object]:
    def check(text: str) -> None:
        assert text in texts

    return check


BOUNDED: list[tuple[Any, Callable[[str], object]]] = [
    (Model, as_json(Model)),
    (Record, as_json(Record)),
    (Typed, as_json(Typed)),
    (tuple[Model, Record], as_json(tuple[Model, Record])),
    (Model | None, as_json(Model | None)),
    (Model | Record, as_json(Model | Record)),
    (types.JsonSchema({"enum": [1, "two", None]}), json.loads),
    (Answer, matches("yes", "no")),
    (Colour, Colour),
    (types.Choice(["red", "blue"]), Colour),
    (Literal[1, "one"], matches("1", "one")),
    (bool, matches("True", "False")),
    (types.Regex("[0-9]{4}-[0-9]{2}"), lambda text: int(text.replace("-", ""))),
    (types.CFG('root ::= "yes" | "no"'), matches("yes", "no")),
    ("It is " + types.either("red", "blue"), lambda text: Colour(text.removeprefix("It is "))),
    (types.Regex("[0-9]{2}") | types.Regex("[a-c]{2}"), lambda text: len(text) == 2),
]
UNBOUNDED: list[tuple[Any, Callable[[str], object]]] = [
    (int, int),
    (float, float),
    (int | bool, matches),
    (list[int], json.loads),
    (list[Model], as_json(list[Model])),
    (dict[str, Record], as_json(dict[str, Record])),
    (dict, json.loads),
    (types.date, str),
    (types.email, str),
]


@pytest.mark.parametrize(
    "case",
    [*BOUNDED, *UNBOUNDED],
    ids=lambda case: getattr(case[0], "__name__", type(case[0]).__name__),
)
async def test_what_is_written_under_a_type_reads_back(
    engine_url: str, case: tuple[Any, Callable[[str], object]]
) -> None:
    form, read = case
    constraint = step_constraint(qwen(), [], "auto", output_from_type(form))
    assert constraint is not None
    async with probed_sglang(engine_url) as engine:
        await engine.check_constraint(constraint, param="output")
        said = [Message(role="user", content="What is the weather in Rome?")]
        prompt = await engine.render_opening(
            dialect=qwen(), instructions="", tools=[], messages=said
        )
        request = generation(engine, prompt, max_new_tokens=MOST_TOKENS, constraint=constraint)
        text, _, finished = await collect(engine, request)
    # A weak model may never end a list or a number; what is bounded has to end.
    assert finished.reason == "stop" or case in UNBOUNDED
    if finished.reason == "stop":
        read(CONTROL.sub("", text))
