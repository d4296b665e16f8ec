"""Countries that do not exist, for training alone: what `lookup_country` would say of them.

The real ones are few, so a model learns their names and currencies by heart and then gets those
wrong that it has never seen. Of these it sees none twice, and has to copy.
"""

from __future__ import annotations

import json
from random import Random
from string import ascii_uppercase

from agent_serving.local.demo_model.names import Names

_OFFICIAL = (
    "Republic of {n}",
    "the Republic of {n}",
    "Kingdom of {n}",
    "{a} Republic",
    "Islamic Republic of {n}",
    "Federal Republic of {n}",
    "Democratic Republic of {n}",
    "People's Republic of {n}",
    "{a} Democratic Republic",
    "Commonwealth of {n}",
    "Principality of {n}",
    "United {a} States",
    "State of {n}",
    "{n}",
)
_MONEY = """Dollar Dinar Pound Franc Peso Rupee Krona Krone Shilling Dirham Real Won Yen Lira Rand
Leu Dram Tenge Kwacha Escudo Guarani Baht"""


def country(name: str, names: Names, rng: Random) -> str:
    """The tool's answer, as text, for a name as it was asked for."""
    shown = " ".join(word[:1].upper() + word[1:] for word in name.split())
    if rng.random() < 0.2:
        shown = f"{shown[:-2]} {shown[-2:].capitalize()}"
    stem = shown if rng.random() < 0.5 else shown[: rng.randint(3, len(shown))]
    adjective = stem + rng.choice(("ian", "ese", "an", "i", "ish", "n", ""))
    two = "".join(rng.choice(ascii_uppercase) for _ in range(2))
    money = (
        rng.choice((adjective, adjective, _word(names, rng), "")) + f" {rng.choice(_MONEY.split())}"
    )
    return json.dumps(
        {
            "name": shown,
            "official_name": rng.choice(_OFFICIAL).format(n=shown, a=adjective),
            "alpha_2": two,
            "alpha_3": two + rng.choice(ascii_uppercase),
            "numeric": f"{rng.randrange(1000):03}",
            "flag": "".join(chr(ord(letter) + 0x1F1E6 - ord("A")) for letter in two),
            "currency": _currency(two, money.strip(), rng),
            "also_matching": [_word(names, rng)] if rng.random() < 0.05 else [],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _currency(two: str, name: str, rng: Random) -> dict[str, str] | None:
    if rng.random() < 0.12:
        return None
    return {"code": two + rng.choice(ascii_uppercase), "name": name}


def _word(names: Names, rng: Random) -> str:
    return names.invented(rng).capitalize()
