"""What training says a little differently, and what it must leave as it is."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.local.demo_model import phrasings
from agent_serving.local.demo_model.looseness import loosened, surrounded

ALL = [line for name in phrasings.names() for line in phrasings.templates(name, held_out=False)]


@given(st.sampled_from(ALL), st.integers())
def test_things_stay_as_they_are(template: str, seed: int) -> None:
    plain = re.sub(r"\[([^|\]]*)[^\]]*\]", r"\1", template)
    said = loosened(plain, Random(seed))
    assert re.findall(r"\S*\{\w+\}\S*", said) == re.findall(r"\S*\{\w+\}\S*", plain)


@given(st.integers())
def test_what_has_no_word_to_change_stays(seed: int) -> None:
    assert loosened("{c}", Random(seed)) == "{c}"


def test_half_of_what_is_said_is_said_as_written() -> None:
    rng = Random(3)
    text = "can you tell me the weather in {c}"
    same = sum(loosened(text, rng) == text for _ in range(1_000))
    assert 450 < same < 600


def test_what_is_measured_is_never_loosened() -> None:
    expected = set()
    for line in phrasings.templates("recall", held_out=False) + phrasings.templates(
        "recall", held_out=True
    ):
        expected |= {text.format(k="dog") for text in _choices(line)}
    rng = Random(1)
    said = {phrasings.phrase("recall", rng, held_out=True, k="dog") for _ in range(2_000)}
    assert said <= expected


def test_training_says_things_that_no_template_says() -> None:
    expected = {
        text.format(k="dog")
        for line in phrasings.templates("recall", held_out=False)
        for text in _choices(line)
    }
    rng = Random(1)
    said = {phrasings.phrase("recall", rng, held_out=False, k="dog") for _ in range(500)}
    assert said - expected


@given(st.text(min_size=1), st.integers())
def test_what_is_asked_stands_whole_beside_another_sentence(text: str, seed: int) -> None:
    assert text in surrounded(text, Random(seed))


def test_one_request_in_eight_has_a_sentence_beside_it() -> None:
    rng = Random(5)
    beside = sum(surrounded("weather in Lima?", rng) != "weather in Lima?" for _ in range(2_000))
    assert 200 < beside < 300


def _choices(template: str) -> list[str]:
    match = re.search(r"\[([^\[\]]*)\]", template)
    if match is None:
        return [template]
    return [
        text
        for choice in match[1].split("|")
        for text in _choices(template[: match.start()] + choice + template[match.end() :])
    ]
