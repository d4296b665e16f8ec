"""That what conversations ask for is what the tools understand."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import available_timezones

import pytest

from agent_serving.local.demo_model import phrasings, problems
from agent_serving.local.demo_model.numbers import in_words, spoken
from agent_serving.local.demo_model.toolbox import Memory, Toolbox
from agent_serving.local.demo_model.unit_names import HEAT, UNITS, written
from agent_serving.local.demo_model.zones import ZONES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", UNITS)
def test_units_of_a_kind_convert_into_each_other_as_they_are_written(
    toolbox: Toolbox, kind: str
) -> None:
    first, *others = UNITS[kind]
    for other in others:
        arguments = {"value": 2, "from_unit": written(first), "to_unit": written(other)}
        text, is_ok = toolbox.run("convert_units", arguments, Memory(), NOW)
        assert is_ok, (other, text)


def test_degrees_convert_into_each_other() -> None:
    assert {written(unit) for unit in HEAT} == {"degC", "degF", "kelvin"}


def test_every_story_is_a_sum_that_its_words_have_the_numbers_of(toolbox: Toolbox) -> None:
    seen = set()
    for seed in range(3_000):
        intent, said, expression = problems.problem(Random(seed))
        seen.add(intent)
        text, is_ok = toolbox.run("calculator", {"expression": expression}, Memory(), NOW)
        assert is_ok or "too large" in text, (intent, expression, text)
        for template in phrasings.templates(intent, held_out=False):
            assert "{" not in phrasings.phrase(intent, Random(seed), held_out=False, **said)
            assert "{" in template or intent == "rounded"
    assert seen == problems.FORMULAS.keys()


def test_zones_that_are_known_by_heart_are_zones() -> None:
    assert set(ZONES.values()) <= available_timezones()


@pytest.mark.parametrize(
    ("number", "words"),
    [(7, "seven"), (40, "forty"), (99, "ninety-nine"), (300, "three hundred")],
)
def test_numbers_are_said_in_words(number: int, words: str) -> None:
    assert in_words(number) == words


def test_a_number_that_is_spoken_is_the_number() -> None:
    words = {in_words(value): value for value in range(1, 1000)}
    for seed in range(2_000):
        digits = str(Random(seed).randint(1, 99_999))
        said = spoken(digits, Random(seed + 1), counted=seed % 2 == 0)
        assert words.get(said) == int(digits) or said.replace(",", "") == digits
