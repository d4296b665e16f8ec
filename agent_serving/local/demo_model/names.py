"""Names that nobody has, to be copied."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final
from zoneinfo import available_timezones

from agent_serving.local.demo_model.entities import (
    CITIES,
    COUNTRIES,
    KEY_WORDS,
    VALUES,
    is_held_out,
)

_SYLLABLES = """ba be bi bo bra cor da del do dri el en fa fen ga gor gra ha hel in jo ka kel kri la
len lo lu ma mar mi mon na nel no or pa pel pri qui ra rin ro sa sel sha so ta tel tor tri ul va ven
vi wen xa ya zan zel zo th st ck ng sh an er on is us ia"""
SYLLABLES: Final = tuple(_SYLLABLES.split())
_ENDS: Final = ("Town", "City", "Republic", "Islands", "Bay", "Falls", "Springs", "Beach", "Leone")
_CONTINENTS: Final = ("Africa/", "America/", "Asia/", "Australia/", "Europe/", "Pacific/")
_ZONE_CITIES: Final = tuple(
    sorted(
        {
            zone.rpartition("/")[2].lower()
            for zone in available_timezones()
            if zone.startswith(
                ("Africa/", "America/", "Asia/", "Australia/", "Europe/", "Pacific/")
            )
        }
    )
)
_WHOLE: Final = tuple(
    word.lower()
    for word in (*CITIES, *COUNTRIES, *KEY_WORDS, *VALUES)
    if word.isalpha() and not is_held_out(word)
)


@dataclass(frozen=True, slots=True)
class Names:
    """Of one side of the split. `pieces` are a tokenizer's: names made of them teach a model to
    copy each token that a name can have."""

    held_out: bool
    pieces: tuple[str, ...] = ()

    def invented(self, rng: Random) -> str:
        while True:
            name = "".join(self._part(rng) for _ in range(rng.randint(2, 4)))[:14]
            if len(name) > 2 and is_held_out(name) == self.held_out:
                return name

    def named(self, rng: Random) -> str:
        """As a place or a person is called: by one word or by two."""
        words = [self.invented(rng)]
        kind = rng.random()
        if kind < 0.16:
            words.insert(0, rng.choice(("San", "New", "Port", "La", self.invented(rng))))
        elif kind < 0.32:
            words.append(rng.choice(_ENDS))
        return " ".join(word[:1].upper() + word[1:] for word in words)

    def _part(self, rng: Random) -> str:
        """A syllable, a piece of a word that training knows, or letters: a name of such parts is
        of all kinds of tokens, so that each of them is learned to be copied."""
        if self.pieces and rng.random() < 0.5:
            return rng.choice(self.pieces)
        kind = rng.random()
        if kind < 0.35:
            return rng.choice(SYLLABLES)
        if kind < 0.55:
            # Of the names that tools say, never the whole.
            name = rng.choice(_ZONE_CITIES)
            start = rng.randrange(1, max(2, len(name) - 2))
            return "".join(letter for letter in name[start : start + 8] if letter.isalpha())
        if kind < 0.85:
            word = rng.choice(_WHOLE)
            start = rng.randrange(max(1, len(word) - 2))
            return word[start : start + rng.randint(2, 6)]
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 3)))
