"""Turns about one thing: one call, or none, or two where the first one failed."""

from __future__ import annotations

import re

from agent_serving.local.demo_model import answers, entities, unit_names
from agent_serving.local.demo_model.atoms import ATOMS, CLOCK, Again, conversion, settle
from agent_serving.local.demo_model.numbers import amount, number
from agent_serving.local.demo_model.scene import CANNOT, Scene, slug
from agent_serving.local.demo_model.zones import ZONES

Said = tuple[str, str]
"""The user's words and the model's."""

_HINT = re.compile(r"Did you mean (\S+?)(?: or |\?)")
SMALL_TALK = {
    "hello": "Hello! How can I help?",
    "thanks": "You are welcome.",
    "who": "I am a tiny demo model.",
    "abilities": "I can use the tools of this session. Ask me something!",
    "how_are_you": "I am fine, thanks.",
    "bye": "Goodbye!",
    "compliment": "Thank you!",
}


def single(scene: Scene) -> Said:
    rng = scene.rng
    kind = rng.random()
    if kind < 0.05:
        return time_here(scene)
    if kind < 0.14:
        return time_elsewhere(scene)
    name = rng.choice([*ATOMS, "calculator", "convert_units", "weather"])
    atom = ATOMS[name](scene)
    text, is_ok = scene.calls([atom.call])[0]
    if not is_ok:
        return scene.said(atom.text), answers.error(text)
    if len(text) > 24 and atom.intent == "calculator" and rng.random() < 0.8:
        raise Again
    settle(scene, atom, text)
    return scene.said(atom.text), atom.answered(text)


def time_here(scene: Scene) -> Said:
    intent = scene.rng.choice(("time", "time", "date", "weekday"))
    user = scene.ask(f"{intent}_here")
    text, _ = scene.call("current_time")
    scene.topic, scene.place = intent, ""
    return user, answers.clock(intent, text)


def time_elsewhere(scene: Scene) -> Said:
    """A city whose zone is not known by heart: the tool's complaint names it, or nothing does."""
    city = scene.city()
    if city.lower() in (known.lower() for known in ZONES):
        raise Again
    intent = scene.rng.choice(CLOCK)
    user = scene.ask(intent, c=city)
    scene.topic, scene.place = intent, city
    return user, clock_of(scene, intent, city)


def clock_of(scene: Scene, intent: str, city: str) -> str:
    """Runs the calls that a city takes, and answers."""
    known = {name.lower(): zone for name, zone in ZONES.items()}
    zone = known.get(city.lower(), city)
    text, is_ok = scene.call("current_time", timezone=zone)
    if not is_ok:
        hint = _HINT.search(text)
        last = hint[1].rpartition("/")[2].replace("_", " ") if hint else ""
        if not hint or last.lower() != city.lower():
            return answers.error(text)
        text, is_ok = scene.call("current_time", timezone=hint[1])
    return answers.clock(intent, text)


def small_talk(scene: Scene) -> Said:
    intent = scene.rng.choice(list(SMALL_TALK))
    return scene.ask(intent), SMALL_TALK[intent]


def impossible(scene: Scene) -> Said:
    scene.topic = None
    user = scene.ask("impossible", v=scene.value(), c=scene.city(), n=scene.country())
    return user, CANNOT


def wrong_sum(scene: Scene) -> Said:
    a = number(scene.rng)
    said, written = scene.rng.choice(
        (
            *((f"{a} / 0", f"{a} / 0"), (f"{a} divided by 0", f"{a} / 0"), (f"{a}/0", f"{a}/0")),
            *((f"sqrt(-{a})", f"sqrt(-{a})"), (f"square root of -{a}", f"sqrt(-{a})")),
            *((f"{a} divided by zero", f"{a} / 0"), (f"{a} over zero", f"{a} / 0")),
        )
    )
    text, is_ok = scene.call("calculator", expression=written)
    assert not is_ok, text
    return scene.ask("calculator", x=said), answers.error(text)


def wrong_units(scene: Scene) -> Said:
    said, digits = amount(scene.rng)
    first, second = (
        scene.rng.choice(unit_names.UNITS[kind])
        for kind in scene.rng.sample(["length", "mass", "volume", "time"], 2)
    )
    if scene.rng.random() < 0.4:
        second = scene.rng.choice(unit_names.NO_UNITS)
    if scene.rng.random() < 0.2:
        first, second = second, first
    user = scene.ask("convert", v=said, a=first, b=second)
    text, is_ok = scene.calls([conversion(said, digits, first, second, "").call])[0]
    if is_ok:
        raise Again
    scene.topic, scene.unit, scene.number = "convert", (said, first, second), None
    return user, answers.error(text)


def no_country(scene: Scene) -> Said:
    name = entities.some(entities.NO_COUNTRIES, scene.rng, held_out=scene.held_out)
    if scene.rng.random() < 0.6:
        name = scene.names.invented(scene.rng).capitalize() + "land"
    intent = scene.rng.choice(("currency", "code", "flag", "official"))
    text, is_ok = scene.call("lookup_country", query=scene.cased(name))
    if is_ok:
        raise Again
    name = str(scene.steps[-1].calls[0].arguments["query"])
    scene.topic, scene.place = intent, name
    return scene.ask(intent, c=name), answers.error(text)


def no_key(scene: Scene) -> Said:
    key = scene.key()
    _, is_ok = scene.call("recall", key=slug(key))
    assert not is_ok
    scene.topic = "recall"
    return scene.ask("recall", k=key), answers.unknown_key(key)


ERRORS = (wrong_sum, wrong_units, wrong_units, no_country, no_key, no_key)
