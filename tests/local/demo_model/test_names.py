"""Names that nobody has."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.local.demo_model.entities import is_held_out
from agent_serving.local.demo_model.names import Names


@given(st.booleans(), st.integers())
def test_a_name_is_on_its_side_of_the_split(held_out: bool, seed: int) -> None:
    name = Names(held_out).invented(Random(seed))
    assert 2 < len(name) <= 14
    assert is_held_out(name) == held_out


@given(st.integers())
def test_a_place_begins_with_a_capital(seed: int) -> None:
    name = Names(held_out=False).named(Random(seed))
    assert all(word[0] == word[0].upper() for word in name.split())


def test_names_are_made_of_a_tokenizers_pieces_too() -> None:
    names, rng = Names(held_out=False, pieces=("elsi", "ublic")), Random(1)
    made = [names.invented(rng) for _ in range(100)]
    assert any("elsi" in name for name in made)
    assert any("ublic" in name for name in made)
    assert any("elsi" not in name and "ublic" not in name for name in made)
