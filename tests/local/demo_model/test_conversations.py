"""The conversations that the demo model learns from and is measured on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pycountry
import pytest

from agent_serving.local.demo_model import phrasings
from agent_serving.local.demo_model.conversations import Generator, Mix
from agent_serving.local.demo_model.scene import Conversation
from agent_serving.local.demo_model.toolbox import NAMES, Toolbox
from agent_serving.local.demo_model.zones import ZONES

SHORT = Mix(0.7, 0.2, 0.1)


def _some(toolbox: Toolbox, count: int, *, held_out: bool) -> list[Conversation]:
    generator = Generator(toolbox, held_out=held_out)
    return list(islice(generator.stream(5, SHORT), count))


def _arguments(conversations: list[Conversation], tool: str, name: str) -> Iterator[str]:
    for conversation in conversations:
        for turn in conversation.turns:
            for step in turn.steps:
                for call in step.calls:
                    if call.name == tool and name in call.arguments:
                        yield str(call.arguments[name])


def _is_common_name(name: str) -> bool:
    return any(getattr(country, "common_name", None) == name for country in pycountry.countries)


def test_the_same_seed_gives_the_same_conversations(toolbox: Toolbox) -> None:
    assert _some(toolbox, 20, held_out=True) == _some(toolbox, 20, held_out=True)


def test_another_seed_gives_others(toolbox: Toolbox) -> None:
    generator = Generator(toolbox, held_out=True)
    first, second = (list(islice(generator.stream(seed, SHORT), 20)) for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize(("tool", "name"), [("lookup_country", "query"), ("remember", "key")])
def test_what_is_held_out_never_occurs_in_training(toolbox: Toolbox, tool: str, name: str) -> None:
    trained = {text.lower() for text in _arguments(_some(toolbox, 300, held_out=False), tool, name)}
    measured = {text.lower() for text in _arguments(_some(toolbox, 300, held_out=True), tool, name)}
    assert len(trained) > 20
    assert len(measured) > 5
    assert not trained & measured


def test_cities_are_held_out_but_for_those_whose_zone_is_known_by_heart(toolbox: Toolbox) -> None:
    known = {city.lower() for city in ZONES}
    trained, measured = (
        {city.lower() for city in _arguments(_some(toolbox, 200, held_out=side), "weather", "city")}
        for side in (False, True)
    )
    assert len(measured) > 20
    assert not (trained & measured) - known


@pytest.mark.parametrize("name", phrasings.names())
def test_every_intent_has_templates_on_both_sides(name: str) -> None:
    trained = phrasings.templates(name, held_out=False)
    held_out = phrasings.templates(name, held_out=True)
    assert trained
    assert held_out
    assert not set(trained) & set(held_out)


@pytest.mark.parametrize("name", phrasings.names())
def test_one_way_of_asking_in_seven_is_held_out(name: str) -> None:
    trained, held_out = (len(phrasings.templates(name, held_out=side)) for side in (False, True))
    assert held_out == max(1, (trained + held_out) // 7)


def test_training_asks_in_no_way_that_is_held_out(
    toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sides = phrasings.templates, Counter[bool]()

    def templates(name: str, *, held_out: bool) -> tuple[str, ...]:
        sides[held_out] += 1
        return real(name, held_out=held_out)

    monkeypatch.setattr(phrasings, "templates", templates)
    _some(toolbox, 100, held_out=False)
    assert sides[False] > 100
    assert not sides[True]
    _some(toolbox, 100, held_out=True)
    assert sides[True] > 100


def test_countries_are_imagined_in_training_alone(toolbox: Toolbox) -> None:
    known = {country.name for country in pycountry.countries}
    for held_out in (False, True):
        shown = [
            json.loads(result)["name"]
            for conversation in _some(toolbox, 100, held_out=held_out)
            for turn in conversation.turns
            for step in turn.steps
            for call, result in zip(step.calls, step.results, strict=True)
            if call.name == "lookup_country" and result.startswith("{")
        ]
        real = [name for name in shown if name in known or _is_common_name(name)]
        assert real
        assert (len(real) == len(shown)) == held_out


def test_a_name_is_written_in_the_call_as_in_the_question(toolbox: Toolbox) -> None:
    seen = 0
    for conversation in _some(toolbox, 200, held_out=False):
        for turn in conversation.turns:
            if turn.kind == "single" and turn.steps[0].calls[0].name == "weather":
                assert turn.steps[0].calls[0].arguments["city"] in turn.user
                seen += 1
    assert seen > 20


def test_all_kinds_of_turns_occur(toolbox: Toolbox) -> None:
    kinds = {turn.kind for one in _some(toolbox, 300, held_out=True) for turn in one.turns}
    assert kinds == {
        "single",
        "parallel",
        "follow_up",
        "chain of 2",
        "chain of 3",
        "chain of 4",
        "error",
        "missing",
        "refusal",
        "small talk",
        "unseen tool",
    }


def test_calls_name_only_tools_that_are_offered(toolbox: Toolbox) -> None:
    for conversation in _some(toolbox, 100, held_out=False):
        offered = {tool.name for tool in conversation.tools}
        called = {call.name for turn in conversation.turns for s in turn.steps for call in s.calls}
        assert called <= offered & set(NAMES)


def test_a_parallel_turn_is_one_step_of_several_calls(toolbox: Toolbox) -> None:
    turns = [t for c in _some(toolbox, 100, held_out=False) for t in c.turns]
    parallel = [turn for turn in turns if turn.kind == "parallel"]
    assert parallel
    assert all(len(turn.steps) == 1 and len(turn.steps[0].calls) > 1 for turn in parallel)


def test_what_a_calculator_said_is_what_is_answered(toolbox: Toolbox) -> None:
    seen = 0
    for conversation in _some(toolbox, 100, held_out=False):
        for turn in conversation.turns:
            last = turn.steps[-1] if turn.steps else None
            if turn.kind == "single" and last and last.calls[0].name == "calculator":
                assert turn.answer == f"The result is {last.results[0]}."
                seen += 1
    assert seen > 5


def test_a_time_is_answered_from_the_clock_that_was_shown(toolbox: Toolbox) -> None:
    for conversation in _some(toolbox, 100, held_out=False):
        for turn in conversation.turns:
            shown = [result for step in turn.steps for result in step.results]
            if len(shown) == 1 and shown[0].startswith('{"time"'):
                assert json.loads(shown[0])["timezone"] in turn.answer
