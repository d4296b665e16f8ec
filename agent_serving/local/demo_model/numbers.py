"""Numbers and arithmetic, as people write them and as the calculator reads them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve"
_WORDS = _SMALL.split()


def number(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.45:
        return str(rng.randint(1, 99))
    if kind < 0.7:
        return str(rng.randint(2, 999))
    if kind < 0.82:
        return str(rng.randint(1000, 99_999))
    # No zero at the end: it would vanish on the way to JSON.
    cents = f"{rng.randint(0, 9)}{rng.randint(1, 9)}"
    return f"{rng.randint(0, 200)}.{rng.choice(('5', '25', '75', cents))}"


def amount(rng: Random) -> tuple[str, str]:
    """As it is said, and in digits."""
    if rng.random() < 0.08:
        small = rng.randint(1, 12) if rng.random() < 0.6 else rng.randint(13, 99)
        return in_words(small), str(small)
    if rng.random() < 0.06:
        return rng.choice(_SPECIAL)
    digits = number(rng)
    if rng.random() < 0.05:
        return f"-{digits}", f"-{digits}"
    return spoken(digits, rng), digits


_SPECIAL = (
    ("a hundred", "100"),
    ("one hundred", "100"),
    ("a thousand", "1000"),
    ("half a", "0.5"),
    ("one and a half", "1.5"),
    ("two and a half", "2.5"),
    ("three and a half", "3.5"),
    ("a dozen", "12"),
    ("a million", "1000000"),
    ("ten thousand", "10000"),
    ("two hundred", "200"),
    ("five hundred", "500"),
)


def spoken(digits: str, rng: Random, *, counted: bool = False) -> str:
    """Now and then with a comma between thousands, or in words; a `counted` number oftener so."""
    whole = digits.isdigit()
    if whole and int(digits) > 999 and rng.random() < 0.3:
        return f"{int(digits):,}"
    if whole and int(digits) < 1000 and rng.random() < (0.25 if counted else 0.04):
        return in_words(int(digits))
    return digits


_BINARY = {
    "+": ("plus", "added to", "and"),
    "-": ("minus", "less"),
    "*": ("times", "multiplied by", "x"),
    "/": ("divided by", "over"),
}


def expression(rng: Random) -> tuple[str, str]:
    """As it is said, and as the calculator reads it."""
    a, b, c = number(rng), number(rng), number(rng)
    kind = rng.random()
    sign, other = rng.choice("+-*/"), rng.choice("+-*")
    if kind < 0.03:
        most = 99 if rng.random() < 0.6 else 999
        first, second = rng.randint(1, most), rng.randint(1, most)
        word = _BINARY[sign][0]
        return f"{in_words(first)} {word} {in_words(second)}", f"{first} {sign} {second}"
    if kind < 0.3:
        written = f"{a} {sign} {b}" if rng.random() < 0.7 else f"{a}{sign}{b}"
        return written, written
    if kind < 0.55:
        words = _BINARY[sign]
        word = words[0] if rng.random() < 0.6 else rng.choice(words[:2])
        return f"{spoken(a, rng)} {word} {spoken(b, rng)}", f"{a} {sign} {b}"
    if kind < 0.68:
        return _longer(rng, a, b, c, sign, other)
    return _special(rng, a, b)


def _longer(rng: Random, a: str, b: str, c: str, sign: str, other: str) -> tuple[str, str]:
    if rng.random() < 0.4:
        written = f"({a} {other} {b}) {sign} {c}"
        return written, written
    if rng.random() < 0.5:
        written = f"{a} {sign} {b} {other} {c}"
        return written, written
    first, second = _BINARY[sign][0], _BINARY[other][0]
    return f"{a} {first} {b} {second} {c}", f"{a} {sign} {b} {other} {c}"


def _special(rng: Random, a: str, b: str) -> tuple[str, str]:
    small, power = str(rng.randint(2, 60)), str(rng.randint(2, 5))
    return rng.choice(
        (
            (f"{small} squared", f"{small} ** 2"),
            (f"{small} cubed", f"{small} ** 3"),
            (f"{small} to the power of {power}", f"{small} ** {power}"),
            (f"{small} ^ {power}", f"{small} ** {power}"),
            (f"{small} ** {power}", f"{small} ** {power}"),
            (f"the square root of {a}", f"sqrt({a})"),
            (f"square root of {a}", f"sqrt({a})"),
            (f"sqrt({a})", f"sqrt({a})"),
            (f"{small}% of {b}", f"{b} * {small} / 100"),
            (f"{small} percent of {b}", f"{b} * {small} / 100"),
            (f"half of {b}", f"{b} / 2"),
            (f"a third of {b}", f"{b} / 3"),
            (f"a quarter of {b}", f"{b} / 4"),
            (f"the sum of {a} and {b}", f"{a} + {b}"),
            (f"the product of {a} and {b}", f"{a} * {b}"),
            (f"the difference of {a} and {b}", f"{a} - {b}"),
            (f"twice {b}", f"{b} * 2"),
        )
    )


@dataclass(frozen=True, slots=True)
class Scaling:
    """What is done with a number. In a template `{op:my height}` says it of something, `{op}` of
    what went before. `tail` follows the number in the calculator's expression."""

    of: str
    short: str
    tail: str

    def __format__(self, thing: str) -> str:
        return self.of.format(thing) if thing else self.short


def scaling(rng: Random) -> Scaling:
    n = str(rng.randint(2, 30)) if rng.random() < 0.8 else number(rng)
    return rng.choice(
        (
            Scaling("double {}", "double that", "* 2"),
            Scaling("triple {}", "triple it", "* 3"),
            Scaling("halve {}", "half of that", "/ 2"),
            Scaling("square {}", "square that", "** 2"),
            Scaling(f"multiply {{}} by {n}", f"times {n}", f"* {n}"),
            Scaling(f"multiply {{}} by {n}", f"multiply by {n}", f"* {n}"),
            Scaling(f"divide {{}} by {n}", f"divide by {n}", f"/ {n}"),
            Scaling(f"divide {{}} by {n}", f"divided by {n}", f"/ {n}"),
            Scaling(f"add {n} to {{}}", f"add {n}", f"+ {n}"),
            Scaling(f"add {n} to {{}}", f"plus {n}", f"+ {n}"),
            Scaling(f"subtract {n} from {{}}", f"subtract {n}", f"- {n}"),
            Scaling(f"subtract {n} from {{}}", f"minus {n}", f"- {n}"),
            Scaling(f"take {n} off {{}}", f"take off {n}", f"- {n}"),
            Scaling(f"add {n}% to {{}}", f"add {n}%", f"* (100 + {n}) / 100"),
            Scaling(f"take {n}% off {{}}", f"take {n}% off", f"* (100 - {n}) / 100"),
            Scaling(f"split {{}} by {n}", f"split it by {n}", f"/ {n}"),
            Scaling("cut {} in half", "half that", "/ 2"),
            Scaling("double {}", "twice that", "* 2"),
        )
    )


_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TEENS = (
    *("thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)


def in_words(value: int) -> str:
    """Below a thousand."""
    if value > 99:
        rest = f" {'and ' if value % 3 else ''}{in_words(value % 100)}" if value % 100 else ""
        return f"{_WORDS[value // 100]} hundred{rest}"
    if value < 13:
        return _WORDS[value]
    if value < 20:
        return _TEENS[value - 13]
    tens = _TENS[value // 10 - 2]
    return f"{tens}-{_WORDS[value % 10]}" if value % 10 else tens
