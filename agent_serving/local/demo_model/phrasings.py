"""How people ask. `[a|b|]` is a choice, `{slot}` is filled in; each line is one template."""

from __future__ import annotations

import re
from functools import cache
from random import Random

from agent_serving.local.demo_model import (
    chain_phrasings,
    follow_phrasings,
    link_phrasings,
    memory_phrasings,
    missing_phrasings,
    place_phrasings,
    problem_phrasings,
    spoken_chain_phrasings,
    spoken_chain_recall_phrasings,
    spoken_country_phrasings,
    spoken_follow_phrasings,
    spoken_follow_there_phrasings,
    spoken_memory_phrasings,
    spoken_missing_phrasings,
    spoken_place_phrasings,
    spoken_sum_phrasings,
    spoken_talk_phrasings,
    talk_phrasings,
    tool_phrasings,
)
from agent_serving.local.demo_model.entities import drawn
from agent_serving.local.demo_model.looseness import loosened

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SIDES = (
    tool_phrasings.TEXTS,
    place_phrasings.TEXTS,
    memory_phrasings.TEXTS,
    talk_phrasings.TEXTS,
    follow_phrasings.TEXTS,
    missing_phrasings.TEXTS,
    chain_phrasings.TEXTS,
    link_phrasings.TEXTS,
    problem_phrasings.TEXTS,
    spoken_chain_phrasings.TEXTS,
    spoken_chain_recall_phrasings.TEXTS,
    spoken_country_phrasings.TEXTS,
    spoken_follow_phrasings.TEXTS,
    spoken_follow_there_phrasings.TEXTS,
    spoken_memory_phrasings.TEXTS,
    spoken_missing_phrasings.TEXTS,
    spoken_place_phrasings.TEXTS,
    spoken_sum_phrasings.TEXTS,
    spoken_talk_phrasings.TEXTS,
)
_TEXTS = {
    name: "\n".join(texts[name].strip("\n") for texts in _SIDES if name in texts)
    for name in dict.fromkeys(name for texts in _SIDES for name in texts)
}

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


def _lines(name: str) -> list[str]:
    lines = (line.strip() for line in _TEXTS[name].splitlines())
    return list(dict.fromkeys(line for line in lines if line))


@cache
def _openers() -> frozenset[str]:
    """Words that templates begin with."""
    words: set[str] = set()
    for line in (line for name in _TEXTS for line in _lines(name)):
        choice = _CHOICE.match(line)
        starts = choice[1].split("|") if choice else [line]
        words |= {start.split()[0].rstrip(",:?") for start in starts if start.strip()}
        if choice and "" in starts:
            words |= {line[choice.end() :].split()[0]}
    return frozenset(word for word in words if word[0].isalpha())


def names() -> tuple[str, ...]:
    return tuple(_TEXTS)


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
