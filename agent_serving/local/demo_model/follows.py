"""Turns that only make sense after the one before."""

from __future__ import annotations

import json
from collections.abc import Callable

from agent_serving.local.demo_model import answers, unit_names
from agent_serving.local.demo_model.atoms import CLOCK, Again, Atom, conversion, magnitude, plain
from agent_serving.local.demo_model.numbers import amount, scaling
from agent_serving.local.demo_model.scene import CANNOT, Call, Scene, slug
from agent_serving.local.demo_model.singles import Said, clock_of
from agent_serving.local.demo_model.zones import ZONES

_ITS = {"currency": "its_currency", "code": "its_code", "flag": "its_flag"}


def follow(scene: Scene) -> Said:
    """Raises Again where the last turn leaves nothing to follow."""
    topic = scene.topic
    if scene.number is not None and scene.rng.random() < 0.5:
        return _number(scene)
    if topic == "weather":
        kind = scene.rng.random()
        if kind < 0.2:
            return _in_fahrenheit(scene)
        return _there_time(scene) if kind < 0.4 else _weather(scene)
    if topic in CLOCK:
        if scene.place and scene.rng.random() < 0.25:
            return _there_weather(scene)
        return _clock(scene, topic)
    if topic in answers.COUNTRY_FIELDS:
        return _its(scene) if scene.rng.random() < 0.4 else _country(scene, topic)
    if topic == "convert":
        return _amount(scene) if scene.rng.random() < 0.5 else _unit(scene)
    if topic == "recall":
        return _key(scene)
    raise Again


def _number(scene: Scene) -> Said:
    assert scene.number is not None
    if scene.rng.random() < 0.2:
        key = scene.key()
        value = plain(scene.number)
        scene.call("remember", key=slug(key), value=value)
        scene.numbers[key] = value
        return scene.ask("remember_result", k=key), answers.REMEMBERED
    op = scaling(scene.rng)
    if scene.number.startswith("-") and op.tail.startswith("**"):
        raise Again
    text, is_ok = scene.call("calculator", expression=f"{plain(scene.number)} {op.tail}")
    if not is_ok:
        raise Again
    scene.number, scene.topic = text, "calculator"
    return scene.ask(scene.rng.choice(("scale", "shift")), op=op), answers.calculator(text)


def _weather(scene: Scene) -> Said:
    scene.place = scene.city()
    text, _ = scene.call("weather", city=scene.place)
    return scene.ask("and_place", c=scene.place), answers.weather(text)


def _in_fahrenheit(scene: Scene) -> Said:
    """The temperature that was just said, in another unit."""
    shown, _ = scene.toolbox.run("weather", {"city": scene.place}, scene.memory, scene.now)
    degrees = str(json.loads(shown)["temperature_c"])
    unit = scene.rng.choice(list(unit_names.HEAT))
    if unit_names.HEAT[unit] == "degC" or "degrees" not in answers.weather(shown):
        raise Again
    return _converted(scene, conversion(degrees, degrees, "degC", unit, ""), "and_unit")


def _there_weather(scene: Scene) -> Said:
    text, _ = scene.call("weather", city=scene.place)
    scene.topic = "weather"
    return scene.ask("there_weather"), answers.weather(text)


def _there_time(scene: Scene) -> Said:
    user = scene.ask("there_time")
    scene.topic = "time"
    return user, clock_of(scene, "time", scene.place)


def _clock(scene: Scene, intent: str) -> Said:
    name = scene.city()
    if scene.rng.random() < 0.7:
        name = scene.cased(scene.rng.choice(list(ZONES)))
    scene.place = name
    return scene.ask("and_place", c=name), clock_of(scene, intent, name)


def _country(scene: Scene, intent: str) -> Said:
    scene.place = scene.country()
    text, _ = scene.call("lookup_country", query=scene.place)
    return scene.ask("and_country", c=scene.place), answers.country(intent, text)


def _its(scene: Scene) -> Said:
    intent = scene.rng.choice([intent for intent in _ITS if intent != scene.topic])
    text, is_ok = scene.call("lookup_country", query=scene.place)
    if not is_ok:
        raise Again
    scene.topic = intent
    return scene.ask(_ITS[intent]), answers.country(intent, text)


def _amount(scene: Scene) -> Said:
    _, first, second = scene.unit
    said, digits = amount(scene.rng)
    return _converted(scene, conversion(said, digits, first, second, ""), "and_value")


def _unit(scene: Scene) -> Said:
    said, first, _ = scene.unit
    units = [*unit_names.UNITS.values(), tuple(unit_names.HEAT)]
    kind = next((kind for kind in units if first in kind), None)
    if kind is None:
        raise Again
    second = scene.rng.choice(kind)
    if unit_names.written(second) == unit_names.written(first):
        raise Again
    if not said.replace(".", "").isdigit():
        raise Again
    return _converted(scene, conversion(said, said, first, second, ""), "and_unit")


def _converted(scene: Scene, atom: Atom, name: str) -> Said:
    text, is_ok = scene.calls([atom.call])[0]
    scene.unit = atom.unit
    said, first, second = atom.unit
    user = scene.ask(name, v=said, a=first, b=second)
    if not is_ok:
        return user, answers.error(text)
    scene.number = magnitude(text)
    return user, answers.convert(text)


def _key(scene: Scene) -> Said:
    if not scene.memory.kept or scene.rng.random() < 0.2:
        key = scene.key()
        scene.call("recall", key=slug(key))
        return scene.ask("and_key", k=key), answers.unknown_key(key)
    key = scene.rng.choice(list(scene.memory.kept)).replace("_", " ")
    text, _ = scene.call("recall", key=slug(key))
    return scene.ask("and_key", k=key), answers.recall(key, text)


# --- missing information: the model asks, and the next turn gives it ------------------------------


_SUPPLIED = {
    "city": {"weather", *CLOCK},
    "value": {"convert"},
    "country": set(answers.COUNTRY_FIELDS),
}
"""What is missing → topics of a turn before that would supply it."""
_OF_NUMBERS = ("value", "sum", "memory")


def missing(scene: Scene) -> tuple[Said, Callable[[], Said] | None]:
    """The question that lacks something, and the turn that supplies it. Raises Again where the
    turn before would supply it."""
    kind = scene.rng.choice(("city", "city", "unit", "unit", "value", "sum", "country", "memory"))
    if scene.topic in _SUPPLIED.get(kind, ()) or (scene.number and kind in _OF_NUMBERS):
        raise Again
    scene.topic = scene.number = None
    match kind:
        case "city":
            scene.needs("weather")
            return (scene.ask("missing_city"), answers.ASK_CITY), lambda: _given_city(scene)
        case "unit":
            return _missing_unit(scene)
        case "value":
            scene.needs("convert_units")
            unit = scene.units()[1]
            return (scene.ask("missing_value", b=unit), answers.ASK_VALUE), lambda: _given_value(
                scene, unit
            )
        case "sum":
            scene.needs("calculator")
            return (scene.ask("missing_expression"), answers.ASK_EXPRESSION), None
        case "country":
            scene.needs("lookup_country")
            return (scene.ask("missing_country"), answers.ASK_COUNTRY), None
        case _:
            scene.needs("remember")
            return (scene.ask("missing_memory"), answers.ASK_MEMORY), None


def _missing_unit(scene: Scene) -> tuple[Said, Callable[[], Said]]:
    scene.needs("convert_units")
    said, digits = amount(scene.rng)
    first, second = scene.units()
    asked = scene.ask("missing_unit", v=said, a=first)

    def given() -> Said:
        atom = conversion(said, digits, first, second, "")
        scene.topic = "convert"
        return _converted(scene, atom, "give_unit")

    return (asked, answers.ASK_UNIT), given


def _given_city(scene: Scene) -> Said:
    scene.place, scene.topic = scene.city(), "weather"
    text, _ = scene.calls([Call("weather", {"city": scene.place})])[0]
    return scene.ask("give_place", c=scene.place), answers.weather(text)


def _given_value(scene: Scene, second: str) -> Said:
    first = next(
        scene.rng.choice([unit for unit in kind if unit != second])
        for kind in unit_names.UNITS.values()
        if second in kind
    )
    said, digits = amount(scene.rng)
    atom = conversion(said, digits, first, second, "")
    text, is_ok = scene.calls([atom.call])[0]
    if not is_ok:
        raise Again
    scene.topic, scene.unit, scene.number = "convert", atom.unit, magnitude(text)
    return f"{said} {first}", answers.convert(text)


_VERBS = """play open close start stop book order send draw roll count sort print scan lock paint
cook clean move fetch list search track block mute"""
VERBS = _VERBS.split()
_NOUNS = """song door light taxi pizza mail picture dice page room file photo robot car game list
radio window printer oven alarm task chart invoice parcel ticket"""
NOUNS = _NOUNS.split()


def unseen(scene: Scene, name: str) -> Said:
    """A request for a tool that is offered and that training knows nothing about."""
    verb, _, noun = name.partition("_")
    scene.topic = scene.number = None
    thing = scene.rng.choice((f" {scene.value()}", "", f" for {scene.value()}"))
    article = scene.rng.choice(("a", "the", "my", "some", "this"))
    before = scene.rng.choice(("", "please ", "can you ", "could you ", "I want to ", "now "))
    return f"{before}{verb} {article} {noun}{thing}", CANNOT
