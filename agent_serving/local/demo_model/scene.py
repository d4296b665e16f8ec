"""The state of one conversation while it is being made up, and what a turn of it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from agent_serving.local.demo_model import entities, imagined, phrasings, values
from agent_serving.local.demo_model.looseness import surrounded
from agent_serving.local.demo_model.names import Names
from agent_serving.local.demo_model.toolbox import NAMES, Memory, Toolbox
from agent_serving.local.demo_model.unit_names import UNITS, written

CANNOT = "I cannot do that with my tools."


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: Mapping[str, Any]

    def text(self) -> str:
        written = json.dumps(dict(self.arguments), ensure_ascii=False)
        return f'<tool_call>\n{{"name": "{self.name}", "arguments": {written}}}\n</tool_call>'


@dataclass(frozen=True, slots=True)
class Step:
    """Calls that go out together, and what came back for each."""

    calls: tuple[Call, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """`kind` is what accuracy is counted by. The clock is the only thing that differs from one run
    to the next: `answer` holds what it showed."""

    kind: str
    user: str
    steps: tuple[Step, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class OfferedTool:
    name: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    instructions: str
    tools: tuple[OfferedTool, ...]
    turns: tuple[Turn, ...]


class Missing(Exception):
    """The turn needs a tool that this conversation does not have."""


@dataclass
class Scene:
    """Phrases, things and tools for the turns of one conversation."""

    toolbox: Toolbox
    rng: Random
    names: Names
    offered: frozenset[str] = frozenset(NAMES)
    memory: Memory = field(default_factory=Memory)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    steps: list[Step] = field(default_factory=list)
    number: str | None = None
    """The last number in an answer, for "double that"."""
    topic: str | None = None
    """The intent of the last turn, for "and in Lima?"; with `place` what it was about."""
    place: str = ""
    unit: tuple[str, str, str] = ("", "", "")
    numbers: dict[str, str] = field(default_factory=dict)
    """Kept keys whose value is a number."""
    cities: dict[str, str] = field(default_factory=dict)
    lands: dict[str, str] = field(default_factory=dict)
    """Kept keys whose value is a country."""
    countries: dict[str, str] = field(default_factory=dict)
    """Imagined ones, and what is known of them."""
    lower: bool = False

    @property
    def held_out(self) -> bool:
        return self.names.held_out

    def __post_init__(self) -> None:
        self.now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(
            seconds=self.rng.randrange(4 * 365 * 86_400)
        )
        self.lower = self.rng.random() < 0.25

    # --- running tools ----------------------------------------------------------------------

    def call(self, name: str, **arguments: Any) -> tuple[str, bool]:
        return self.calls([Call(name, arguments)])[0]

    def calls(self, calls: Sequence[Call]) -> list[tuple[str, bool]]:
        """Runs the calls as one step. Raises Missing."""
        if any(call.name not in self.offered for call in calls):
            raise Missing
        results = [self._result(call) for call in calls]
        self.steps.append(Step(tuple(calls), tuple(text for text, _ in results)))
        return results

    def _result(self, call: Call) -> tuple[str, bool]:
        known = self.countries.get(str(call.arguments.get("query")))
        if known is not None:
            return known, True
        return self.toolbox.run(call.name, call.arguments, self.memory, self.now)

    def needs(self, name: str) -> None:
        """Raises Missing."""
        if name not in self.offered:
            raise Missing

    # --- saying things ----------------------------------------------------------------------

    def ask(self, name: str, **slots: Any) -> str:
        return self.said(self.raw(name, **slots))

    def said(self, text: str) -> str:
        """As a person would type it."""
        text = phrasings.dressed(text, self.rng)
        return text if self.held_out else surrounded(text, self.rng)

    def raw(self, name: str, **slots: Any) -> str:
        return phrasings.phrase(name, self.rng, held_out=self.held_out, **slots)

    # --- things -----------------------------------------------------------------------------

    def cased(self, name: str) -> str:
        return name.lower() if self.lower else name

    def city(self) -> str:
        return self.cased(values.city(self.rng, self.names))

    def country(self) -> str:
        if self.held_out or self.rng.random() < 0.25:
            things = entities.COUNTRIES
            return self.cased(entities.some(things, self.rng, held_out=self.held_out))
        name = self.cased(self.names.named(self.rng))
        self.countries[name] = imagined.country(name, self.names, self.rng)
        return name

    def key(self, parts: int | None = None) -> str:
        """Words; the tool's key has underscores between them."""
        wanted = parts or self.rng.choice((1, 1, 2, 2, 2, 3))
        while True:
            words = [
                self.names.invented(self.rng)
                if self.rng.random() < 0.25
                else self.rng.choice(entities.KEY_WORDS)
                for _ in range(wanted)
            ]
            key = " ".join(dict.fromkeys(words))
            if entities.is_held_out(key) == self.held_out and slug(key) not in self.memory.kept:
                return key

    def value(self) -> str:
        return values.value(self.rng, self.names)

    def units(self) -> tuple[str, str]:
        """Two ways to write units of one kind."""
        kind = self.rng.choice(("length", "length", "mass", "mass", "volume", *UNITS))
        first, second = self.rng.sample(UNITS[kind], 2)
        return (first, second) if written(first) != written(second) else self.units()


def slug(key: str) -> str:
    return key.lower().replace(" ", "_")


def number_of(text: str) -> Any:
    """As it stands in a call's arguments: 5, 5.5; 5.50 becomes 5.5."""
    return float(text) if "." in text else int(text)
