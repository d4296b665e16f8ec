"""What people have kept under a key."""

from __future__ import annotations

from random import Random
from string import ascii_lowercase, ascii_uppercase, digits

from agent_serving.local.demo_model.entities import CITIES, VALUES, some
from agent_serving.local.demo_model.names import Names

_WEEK = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_DAYS = _WEEK.split()
_YEAR = """January February March April May June July August September October November
December"""
_MONTHS = _YEAR.split()
_SHELF = """milk eggs bread flour rice tea coffee salt sugar honey butter apples chalk paper glue
rope nails paint soap"""
_WORDS = _SHELF.split()
_PLACES = (
    "under the {} pot",
    "level {}",
    "behind the {} door",
    "next to the {} house",
    "on floor {}",
    "in the {} drawer",
    "at the {} desk",
    "in the {} box",
)
_MONEY = ("{} euros", "{} dollars", "${}", "{} pounds", "€{}", "£{}")


def value(rng: Random, names: Names) -> str:
    """As it is said, and as it is kept."""
    kind = rng.random()
    if kind < 0.24:
        return names.named(rng)
    if kind < 0.34:
        return str(rng.randint(2, 99_999))
    if kind < 0.44:
        return " ".join(rng.sample(VALUES, 2))
    if kind < 0.62:
        return some(VALUES, rng, held_out=names.held_out)
    return rng.choice((_code, _moment, _day, _money, _place, _list, _phone, _time))(rng)


def _code(rng: Random) -> str:
    letters = ascii_uppercase if rng.random() < 0.6 else ascii_lowercase
    first = "".join(rng.choice(letters) for _ in range(rng.randint(1, 4)))
    last = "".join(rng.choice(digits) for _ in range(rng.randint(1, 4)))
    return f"{first}{rng.choice(('', '', '', '-', ' '))}{last}"


def _time(rng: Random) -> str:
    if rng.random() < 0.5:
        return f"{rng.randint(1, 23)}:{rng.randint(0, 59):02}"
    return f"{rng.randint(1, 12)}{rng.choice((' ', ''))}{rng.choice(('am', 'pm'))}"


def _day(rng: Random) -> str:
    number = rng.randint(1, 28)
    month = rng.choice(_MONTHS)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number not in (11, 12, 13) else 0, "th")
    return rng.choice((f"{month} {number}", f"{number} {month}", f"{number}{ending} of {month}"))


def _moment(rng: Random) -> str:
    day = rng.choice(_DAYS)
    return rng.choice((f"{day} at {_time(rng)}", f"next {day}", f"on {day}", f"{day} morning"))


def _money(rng: Random) -> str:
    return rng.choice(_MONEY).format(rng.randint(2, 5000))


def _place(rng: Random) -> str:
    thing = str(rng.randint(1, 40)) if rng.random() < 0.3 else rng.choice(VALUES).lower()
    return rng.choice(_PLACES).format(thing)


def _list(rng: Random) -> str:
    first, second, third = rng.sample(_WORDS, 3)
    return rng.choice((f"{first} and {second}", f"{first}, {second} and {third}"))


def _phone(rng: Random) -> str:
    return f"{rng.randint(100, 999)}-{rng.randint(1000, 9999)}"


def city(rng: Random, names: Names) -> str:
    if rng.random() < 0.3:
        return names.named(rng)
    return some(CITIES, rng, held_out=names.held_out)
