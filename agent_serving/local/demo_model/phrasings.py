"""How people ask. Each line of texts/INTENT.txt is one template: `[a|b|]` is a choice, `{slot}` is
filled in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random

from agent_serving.local.demo_model.entities import drawn
from agent_serving.local.demo_model.looseness import loosened

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_TEXTS = Path(__file__).parent / "texts"

_BEFORE = (
    "please ", "hey, ", "hi, ", "ok, ", "can you tell me: ", "so, ", "now ", "quick question: ",
    "hello! ", "well, ", "I wonder, ", "next: ", "tell me, ", "one more: ", "also, ", "okay ",
)  # fmt: skip
_AFTER = (" please", ", please", " now", " for me", " thanks", ", thank you", " pls", ", quickly")


@cache
def templates(name: str, *, held_out: bool) -> tuple[str, ...]:
    """The templates of one side: one in seven of each intent, drawn by their checksums, is held
    out. KeyError: no such intent."""
    lines = _lines(name)
    hidden = set(sorted(lines, key=drawn)[: max(1, len(lines) // 7)])
    return tuple(line for line in lines if (line in hidden) == held_out)


@cache
def _lines(name: str) -> tuple[str, ...]:
    try:
        text = (_TEXTS / f"{name}.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise KeyError(name) from None
    return tuple(dict.fromkeys(line for line in text.splitlines() if line))


@cache
def _openers() -> frozenset[str]:
    """Words that templates begin with."""
    words: set[str] = set()
    for line in (line for name in names() for line in _lines(name)):
        choice = _CHOICE.match(line)
        starts = choice[1].split("|") if choice else [line]
        words |= {start.split()[0].rstrip(",:?") for start in starts if start.strip()}
        if choice and "" in starts:
            words |= {line[choice.end() :].split()[0]}
    return frozenset(word for word in words if word[0].isalpha())


def names() -> tuple[str, ...]:
    """Of all intents."""
    return tuple(sorted(path.stem for path in _TEXTS.glob("*.txt")))


def phrase(name: str, rng: Random, *, held_out: bool, **slots: str) -> str:
    """One way to say it. held_out: whether templates that training never sees may occur."""
    unseen = held_out and rng.random() < 0.4
    text = rng.choice(templates(name, held_out=unseen))
    while match := _CHOICE.search(text):
        chosen = rng.choice(match[1].split("|"))
        text = text[: match.start()] + chosen + text[match.end() :]
    return (text if held_out else loosened(text, rng)).format(**slots)


def dressed(text: str, rng: Random) -> str:
    """As a person would type it: polite or not, with or without capitals and a last stop."""
    if rng.random() < 0.15:
        text = rng.choice(_BEFORE) + text
    if rng.random() < 0.1:
        text += rng.choice(_AFTER)
    # A name that stands first stays as it is: nothing would tell how to write it in the call.
    if rng.random() < 0.6 and text.split()[0].rstrip(",:?.!") in _openers():
        text = text[:1].upper() + text[1:]
    ending = rng.random()
    if ending < 0.45:
        return text + "?"
    return text + ("." if ending < 0.6 else "!" if ending < 0.62 else "")
