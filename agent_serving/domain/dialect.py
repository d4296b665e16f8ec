"""How a model family writes turns, reasoning and tool calls. A dialect is a file in grammars/."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from agent_serving.domain.values import Value

NAME = "{name}"
ZERO_WIDTH_SPACE = "\u200b"

_GENERIC_CONTROL = r"<\|[^\s<>|]{1,64}\|>"
_JSON_PUNCTUATION = frozenset("{}[],: \t\r\n")

Spelling = Annotated[str, Field(min_length=2, max_length=128)]
"""One character could not be broken by an insertion."""


class Reasoning(Value):
    """Where the model thinks. `opened_by_prompt`: the generation prompt ends in `begin`, so the
    reply starts inside. `before_constraint`: a constrained reply may think first (for models that
    are trained to; a model that is not would only be invited to ramble)."""

    begin: Spelling
    end: Spelling
    opened_by_prompt: bool = False
    before_constraint: bool = False


class CallSyntax(Value):
    """How one call is written: `begin` (with `{name}`), the arguments as JSON, `end`.

    `trigger` is the prefix of `begin` that tells a call from text; `separator` stands between
    parallel calls; `accepts` are other beginnings that are read as a call but never asked for;
    the keys name the parts of a call whose body is a JSON object, so that a call that is not
    written as `begin` prescribes can still be read.
    """

    begin: str = Field(min_length=1, max_length=512)
    end: str = Field("", max_length=256)
    trigger: str = Field(min_length=1, max_length=256)
    separator: str = Field("\n", max_length=16)
    accepts: tuple[str, ...] = ()
    name_key: str = "name"
    arguments_key: str = "arguments"

    @field_validator("begin")
    @classmethod
    def _begin_names_the_tool(cls, begin: str) -> str:
        if begin.count(NAME) != 1:
            raise ValueError(f"must contain {NAME} exactly once")
        return begin

    @field_validator("accepts")
    @classmethod
    def _accepts_name_the_tool(cls, accepts: tuple[str, ...]) -> tuple[str, ...]:
        for begin in accepts:
            if begin.count(NAME) != 1 or begin.startswith(NAME):
                raise ValueError(f"{begin!r} must contain {NAME} exactly once, not at its start")
        return accepts

    @model_validator(mode="after")
    def _trigger_begins_the_call(self) -> Self:
        if not self.begin.partition(NAME)[0].startswith(self.trigger):
            raise ValueError(f"trigger: must be a prefix of begin, before {NAME}")
        return self

    @property
    def marker(self) -> str | None:
        """What ends a call whatever its body looks like; None where only balance does."""
        marker = self.end.lstrip("".join(_JSON_PUNCTUATION)).rstrip()
        return marker or None

    @property
    def distinctive(self) -> bool:
        """Whether the trigger cannot be the beginning of an ordinary JSON answer."""
        return not self.trigger.startswith(("{", "["))

    @property
    def enclosing(self) -> int:
        """JSON objects and arrays that are open where the arguments begin."""
        begin = self.begin.replace(NAME, "")
        return sum(begin.count(char) for char in "{[") - sum(begin.count(char) for char in "}]")

    def opening(self, name: str) -> str:
        return self.begin.replace(NAME, name)

    def render(self, name: str, arguments: str) -> str:
        return self.opening(name) + arguments + self.end


class Dialect(Value):
    """`match` are regexes tried on the engine's model path, served name and architecture.
    `end_of_turn` is the token that ends an assistant turn, `stop` other spellings that do;
    `control` are spellings that a tokenizer would read as control tokens."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")
    description: str = ""
    match: tuple[str, ...] = ()
    end_of_turn: Spelling
    stop: tuple[Spelling, ...] = ()
    control: tuple[Spelling, ...] = ()
    reasoning: Reasoning | None = None
    tool_call: CallSyntax

    @field_validator("match")
    @classmethod
    def _match_compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return patterns

    @property
    def turn_ends(self) -> tuple[str, ...]:
        return (self.end_of_turn, *self.stop)

    def affinity(self, name: str) -> int:
        """How many characters of a model's name the dialect recognizes; 0: none of it."""
        found = (re.search(pattern, name) for pattern in self.match)
        return max((len(match[0]) for match in found if match), default=0)

    @property
    def _controls(self) -> re.Pattern[str]:
        spellings = {*self.control, *self.turn_ends}
        if self.reasoning:
            spellings |= {self.reasoning.begin, self.reasoning.end}
        if self.tool_call.distinctive:
            spellings.add(self.tool_call.trigger)
        if self.tool_call.marker:
            spellings.add(self.tool_call.marker)
        choices = [*map(re.escape, sorted(spellings)), _GENERIC_CONTROL]
        # A look-ahead, so that spellings which overlap are each broken.
        return re.compile(f"(?=(?:{'|'.join(choices)}))(?s:.)")

    def break_controls(self, text: str) -> str:
        """The text with a zero-width space behind the first character of every control spelling:
        content is data, and no tokenizer may read a control token out of it. Removing the
        zero-width spaces restores the text."""
        return self._controls.sub(lambda match: match[0] + ZERO_WIDTH_SPACE, text)
