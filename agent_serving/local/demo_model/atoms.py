"""Requests that one call answers. Several of them in one message are parallel calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent_serving.local.demo_model import answers, entities, problems, unit_names
from agent_serving.local.demo_model.numbers import amount, expression
from agent_serving.local.demo_model.scene import Call, Scene, number_of, slug
from agent_serving.local.demo_model.zones import ZONES

COUNTRY = ("currency", "currency", "code", "code3", "numeric", "flag", "official", "official")
CLOCK = ("time", "time", "time", "weekday", "date")


class Again(Exception):
    """What came out is nothing that one would ask; make up another."""


@dataclass(frozen=True, slots=True)
class Atom:
    """`answered` turns the result into a sentence; `intent` with `place` is what a follow-up
    refers to."""

    text: str
    call: Call
    answered: Callable[[str], str]
    intent: str
    place: str = ""
    unit: tuple[str, str, str] = ("", "", "")


def calculator(scene: Scene) -> Atom:
    if scene.rng.random() < 0.4:
        intent, slots, written = problems.problem(scene.rng)
        text = scene.raw(intent, **slots)
    else:
        said, written = expression(scene.rng)
        text = scene.raw("calculator", x=said)
    return Atom(text, Call("calculator", {"expression": written}), answers.calculator, "calculator")


def convert(scene: Scene) -> Atom:
    if scene.rng.random() < 0.2:
        return heat(scene)
    said, digits = amount(scene.rng)
    first, second = scene.units()
    text = _close(scene, said, first, scene.raw("convert", v=said, a=first, b=second))
    return conversion(said, digits, first, second, text)


def heat(scene: Scene) -> Atom:
    said, digits = amount(scene.rng)
    first, second = scene.rng.sample(list(unit_names.HEAT), 2)
    if unit_names.HEAT[first] == unit_names.HEAT[second]:
        raise Again
    text = _close(scene, said, first, scene.raw("convert", v=said, a=first, b=second))
    return conversion(said, digits, first, second, text)


def _close(scene: Scene, said: str, unit: str, text: str) -> str:
    """Now and then a unit's sign stands right behind its number: 5km."""
    if unit not in unit_names.CLOSE or not said[-1].isdigit() or scene.rng.random() < 0.7:
        return text
    return text.replace(f"{said} {unit}", f"{said}{unit}")


def conversion(said: str, digits: str, first: str, second: str, text: str) -> Atom:
    call = Call(
        "convert_units",
        {
            "value": number_of(digits),
            "from_unit": unit_names.written(first),
            "to_unit": unit_names.written(second),
        },
    )
    return Atom(text, call, answers.convert, "convert", unit=(said, first, second))


def clock(scene: Scene, intent: str | None = None, city: str | None = None) -> Atom:
    """Only of cities whose zone is known by heart: the others take two steps."""
    intent = intent or scene.rng.choice(CLOCK)
    known = scene.rng.choice(list(ZONES))
    name = city or scene.cased(known)
    zone = ZONES[city or known]
    if city is None and scene.rng.random() < 0.06:
        name = zone
    return Atom(
        scene.raw(intent, c=name),
        Call("current_time", {"timezone": zone}),
        lambda result: answers.clock(intent, result),
        intent,
        name,
    )


def country(scene: Scene, intent: str | None = None) -> Atom:
    if intent is None and scene.rng.random() < 0.12:
        return coded(scene)
    intent = intent or scene.rng.choice(COUNTRY)
    name = scene.country()
    return Atom(
        scene.raw(intent, c=name),
        Call("lookup_country", {"query": name}),
        lambda result: answers.country(intent, result),
        intent,
        name,
    )


def coded(scene: Scene) -> Atom:
    """Which country a code is of."""
    code = entities.code(scene.rng, held_out=scene.held_out)
    return Atom(
        scene.raw("by_code", c=code),
        Call("lookup_country", {"query": code}),
        lambda result: answers.country("name", result),
        "official",
        code,
    )


def weather(scene: Scene) -> Atom:
    city = scene.city()
    text = scene.raw("weather", c=city)
    return Atom(text, Call("weather", {"city": city}), answers.weather, "weather", city)


def remember(scene: Scene) -> Atom:
    key, value = scene.key(), scene.value()
    kind = scene.rng.random()
    if kind < 0.25:
        value = str(scene.rng.randint(2, 999))
    elif kind < 0.4:
        value = scene.city()
        key = scene.rng.choice(("home town", "holiday place", "birth place", key + " city"))
        if not entities.is_held_out(key) == scene.held_out or slug(key) in scene.memory.kept:
            raise Again
        scene.cities[key] = value
    elif kind < 0.5:
        value = scene.country()
        key = scene.rng.choice(("home country", "destination", "next trip", key + " country"))
        if not entities.is_held_out(key) == scene.held_out or slug(key) in scene.memory.kept:
            raise Again
        scene.lands[key] = value
    elif scene.lower:
        value = value.lower()
    if value.isdigit():
        scene.numbers[key] = value
    text = scene.raw("remember", k=key, v=value)
    call = Call("remember", {"key": slug(key), "value": value})
    return Atom(text, call, lambda _: answers.REMEMBERED, "remember")


def recall(scene: Scene) -> Atom:
    if not scene.memory.kept:
        raise Again
    key = scene.rng.choice(list(scene.memory.kept)).replace("_", " ")
    text = scene.raw("recall", k=key)
    call = Call("recall", {"key": slug(key)})
    return Atom(text, call, lambda result: answers.recall(key, result), "recall", key)


ATOMS: dict[str, Callable[[Scene], Atom]] = {
    "calculator": calculator,
    "convert_units": convert,
    "current_time": clock,
    "lookup_country": country,
    "weather": weather,
    "remember": remember,
    "recall": recall,
}


def settle(scene: Scene, atom: Atom, result: str) -> None:
    """Keep what a follow-up can refer to."""
    scene.topic, scene.place, scene.unit = atom.intent, atom.place, atom.unit
    if atom.intent == "calculator":
        scene.number = result
    elif atom.intent == "convert":
        scene.number = magnitude(result)
    elif atom.intent not in ("remember", "recall"):
        scene.number = None


def magnitude(result: str) -> str:
    """The number behind the equals sign of a conversion."""
    return result.partition(" = ")[2].partition(" ")[0]


def plain(text: str) -> str:
    """The number, if it is one that a person would go on with. Raises Again."""
    if "e" in text or len(text) > 14 or str(number_of(text)) != text:
        raise Again
    return text
