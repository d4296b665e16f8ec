"""Sums told as a story: one call of the calculator each."""

from __future__ import annotations

from random import Random
from typing import Final

from agent_serving.local.demo_model.numbers import number, spoken

# Intent → what the calculator is given.
FORMULAS: Final = {
    "split": "{a} / {n}",
    "each": "{n} * {a}",
    "left": "{b} - {a}",
    "together": "{a} + {b}",
    "percent": "{b} * {n} / 100",
    "discount": "{b} * (100 - {n}) / 100",
    "raise": "{b} * (100 + {n}) / 100",
    "average": "({a} + {b} + {c}) / 3",
    "sum_of_three": "{a} + {b} + {c}",
    "sum_of_four": "{a} + {b} + {c} + {d}",
    "share": "{a} / {b} * 100",
    "remainder": "{a} % {n}",
    "factorial": "factorial({n})",
    "cube_root": "{a} ** (1 / 3)",
    "rounded": "round({a})",
    "rectangle": "{a} * {b}",
    "dozens": "{n} * 12",
    "doubled": "{a} * 2",
    "logarithm": "log({a})",
    "divisor": "gcd({a}, {b})",
}
COMMON: Final = ("split", "each", "left", "together", "percent", "percent", "discount", "raise")
_WHOLE: Final = ("remainder", "divisor")
_THINGS = """apples books pens eggs cookies shirts tickets chairs plates cups bottles stamps coins
cards toys boxes sweets bags oranges pencils tiles bricks candles flowers socks"""
THINGS: Final = tuple(_THINGS.split())


def problem(rng: Random) -> tuple[str, dict[str, str], str]:
    """Its intent, the slots as they are said, and the calculator's expression."""
    intent = rng.choice(COMMON if rng.random() < 0.55 else tuple(FORMULAS))
    written = {name: _plain(rng, intent) for name in "abcd"}
    written["n"] = str(_small(rng, intent))
    said = {
        name: spoken(digits, rng, counted=name == "n" and intent not in ("percent", "discount"))
        for name, digits in written.items()
    }
    said["t"] = rng.choice(THINGS)
    return intent, said, FORMULAS[intent].format(**written)


def _plain(rng: Random, intent: str) -> str:
    digits = number(rng)
    while intent in _WHOLE and "." in digits:
        digits = number(rng)
    if intent == "rounded" and "." not in digits:
        return f"{digits}.{rng.randint(1, 999)}".rstrip("0").rstrip(".")
    return digits


def _small(rng: Random, intent: str) -> int:
    match intent:
        case "percent" | "discount" | "raise":
            return rng.choice((5, 10, 15, 20, 25, 30, 40, 50, rng.randint(1, 99)))
        case "factorial":
            return rng.randint(3, 20)
        case _:
            return rng.randint(2, 12) if rng.random() < 0.8 else rng.randint(13, 60)
