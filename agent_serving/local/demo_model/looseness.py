"""How training keeps a model from learning templates by heart: each is said a little differently.

Words that carry little are left out or put in, words give way to others of the same meaning, and
now and then a letter is wrong. Things (`{slot}`) stay as they are: they have to be copied. This is
for training alone; what is measured is said as it is written.
"""

from __future__ import annotations

import re
from random import Random

_SAME = """
what is|what's|whats|tell me|say|what would be
tell me|give me|show me|let me know|get me
can you|could you|would you|will you|please
I want|I need|I'd like|I would like|I have to have|give me
I want to|I need to|I'd like to|I would like to|I have to|let me
do you know|can you say|any idea|have you any idea
how is|how's
hi|hello|hey|hiya
thanks|thank you|thx|many thanks|cheers
bye|goodbye|see you|farewell
remember|keep|note|save|store|write down|memorize
under|as|under the name|with the name
convert|change|turn|transform|express
calculate|compute|work out|evaluate|figure out|solve
look up|find|check|search
currency|money
official|formal|full
weather|weather right now|weather conditions
now|right now|at the moment|currently
today|this day|right now
good|nice|great|excellent|wonderful|fine
helpful|useful|kind|fast
assistant|bot|robot|helper|model|program
answer|reply|response
make|create|prepare
buy|order|pay for
write|compose|type|draft
film|movie|book|song
someone|somebody|anybody|anyone
there|over there
something|anything|a thing
calculation|sum|computation|bit of math
other|another|different|some other
called|named
information|info|details|facts
equals|makes|gives|comes to
result|outcome
"""
_GROUPS = [line.split("|") for line in _SAME.strip().splitlines()]
_PLAIN = {
    phrase: [other for other in group if other != phrase] for group in _GROUPS for phrase in group
}
_LONGEST_FIRST = "|".join(sorted(map(re.escape, _PLAIN), key=len, reverse=True))
_PHRASE = re.compile(rf"(?<![\w{{'-])(?:{_LONGEST_FIRST})(?![\w}}'-])")
_LIGHT_WORDS = """a an the is are do does can could would you me please of for I to it's there right
so and what's will be"""
_LIGHT = frozenset(_LIGHT_WORDS.split())
_FILLERS = (
    "just", "then", "also", "really", "actually", "now", "again", "quickly", "maybe", "please",
    "kindly", "well", "ok", "so", "um", "once more", "today", "now please",
)  # fmt: skip

_ASIDES = """
I have a question|quick one|I was wondering|my friend asked me|we talked about it yesterday
I am planning a trip|I am packing my bag|we leave tomorrow|my flight is late|I am on holiday
I am writing a report|this is for my homework|my boss wants to know|it is for a quiz|for my notes
I am cooking dinner|I have guests tonight|I have a meeting soon|I have to call somebody
I am in a hurry|it is late
I never remember this|I always forget that|I am not sure|I could not find it|I had no idea
sorry to bother you|one last thing|here is the next one|let us go on|back to work
my sister lives there|I have never been there|I would love to go there|people say it is nice
I just woke up|I am bored|it was a long day|I am learning a lot|thanks for before
"""
_SENTENCES = _ASIDES.strip().replace("\n", "|").split("|")


def surrounded(text: str, rng: Random) -> str:
    """One time in eight with a sentence beside it that asks for nothing."""
    chance = rng.random()
    if chance > 0.125:
        return text
    aside = rng.choice(_SENTENCES)
    if rng.random() < 0.5:
        aside = aside[:1].upper() + aside[1:]
    if chance < 0.085:
        return f"{aside}{rng.choice(('. ', ', ', ': ', '! ', ' - ', '; '))}{text}"
    joint = " " if text[-1] in ".?!" else rng.choice((", ", " - ", ". "))
    return f"{text}{joint}{aside}{rng.choice(('', '', '.', '!'))}"


def loosened(template: str, rng: Random) -> str:
    """Half of the time as it is, else with one to three changes."""
    if rng.random() < 0.5:
        return template
    text = template
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind = rng.random()
        if kind < 0.5:
            text = _said_otherwise(text, rng)
        elif kind < 0.7:
            text = _without(text, rng)
        elif kind < 0.88:
            text = _with_filler(text, rng)
        else:
            text = _mistyped(text, rng)
    return text


def _said_otherwise(text: str, rng: Random) -> str:
    found = list(_PHRASE.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(_PLAIN[match[0]]) + text[match.end() :]


def _without(text: str, rng: Random) -> str:
    words = text.split(" ")
    light = [at for at, word in enumerate(words) if word in _LIGHT]
    if not light or len(words) < 3:
        return text
    del words[rng.choice(light)]
    return " ".join(words)


def _with_filler(text: str, rng: Random) -> str:
    words = text.split(" ")
    places = [at for at in range(len(words) + 1) if _is_open(words, at)]
    if places:
        words.insert(rng.choice(places), rng.choice(_FILLERS))
    return " ".join(words)


def _is_open(words: list[str], at: int) -> bool:
    """Whether a word put there stays apart from the things beside it."""
    beside = (words[at - 1] if at else "", words[at] if at < len(words) else "")
    return not any("{" in word or "}" in word for word in beside)


def _mistyped(text: str, rng: Random) -> str:
    words = text.split(" ")
    long = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if not long:
        return text
    at = rng.choice(long)
    word, cut = words[at], rng.randrange(1, len(words[at]) - 1)
    kind = rng.random()
    if kind < 0.4:
        word = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
    elif kind < 0.7:
        word = word[:cut] + word[cut + 1 :]
    else:
        word = word[:cut] + word[cut] + word[cut:]
    words[at] = word
    return " ".join(words)
