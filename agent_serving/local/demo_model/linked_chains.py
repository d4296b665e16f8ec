"""Chains about what was kept, and those said as one request after another in one message."""

from __future__ import annotations

import json

from agent_serving.local.demo_model import answers, problems
from agent_serving.local.demo_model.atoms import Again, magnitude, plain
from agent_serving.local.demo_model.chain_steps import (
    computed,
    converted,
    kept_key,
    remembered,
    scaled,
)
from agent_serving.local.demo_model.numbers import amount, scaling
from agent_serving.local.demo_model.scene import Call, Scene, slug
from agent_serving.local.demo_model.singles import Said

_JOINTS = (" ", " ", ", ", ", ", "? ", ". ", "; ")


def _joined(scene: Scene, first: str, second: str) -> str:
    return scene.said(f"{first}{scene.rng.choice(_JOINTS)}{second}")


def problem_remember(scene: Scene) -> Said:
    intent, slots, formula = problems.problem(scene.rng)
    key = scene.key()
    result = computed(scene, formula)
    kept = remembered(scene, key, result)
    scene.number = result
    user = _joined(scene, scene.raw(intent, **slots), scene.raw("and_keep", k=key))
    return user, f"{answers.calculator(result)} {kept}"


def _conversion(scene: Scene) -> tuple[str, str]:
    """The words, and the result's text."""
    (said, digits), (first, second) = amount(scene.rng), scene.units()
    text = converted(scene, digits, first, second)
    return scene.raw("convert", v=said, a=first, b=second), text


def convert_and_keep(scene: Scene) -> Said:
    asked, text = _conversion(scene)
    key, value = scene.key(), magnitude(text)
    kept = remembered(scene, key, value)
    scene.number = value
    user = _joined(scene, asked, scene.raw("and_keep", k=key))
    return user, f"{answers.convert(text)} {kept}"


def convert_and_then(scene: Scene) -> Said:
    asked, text = _conversion(scene)
    op, value = scaling(scene.rng), magnitude(text)
    if value.startswith("-"):
        raise Again
    scene.number = scaled(scene, value, op)
    return _joined(scene, asked, scene.raw("and_then", op=op)), answers.calculator(scene.number)


def recall_country(scene: Scene) -> Said:
    key = kept_key(scene, scene.lands)
    intent = scene.rng.choice(("currency", "currency", "flag", "code"))
    name = scene.call("recall", key=slug(key))[0]
    text, _ = scene.call("lookup_country", query=name)
    scene.topic, scene.place = intent, name
    return scene.ask(f"recall_{intent}", k=key), answers.country(intent, text)


def weather_difference(scene: Scene) -> Said:
    first, second = scene.city(), scene.city()
    if first.lower() == second.lower():
        raise Again
    shown = scene.calls([Call("weather", {"city": first}), Call("weather", {"city": second})])
    warm, cold = (str(json.loads(text)["temperature_c"]) for text, _ in shown)
    scene.number = computed(scene, f"{warm} - {cold}")
    return scene.ask("weather_difference", c=first, d=second), answers.calculator(scene.number)


def recall_two(scene: Scene) -> Said:
    keys = [key for key in scene.numbers if slug(key) in scene.memory.kept]
    if len(keys) < 2:
        raise Again
    first, second = scene.rng.sample(keys, 2)
    shown = scene.calls([Call("recall", {"key": slug(key)}) for key in (first, second)])
    sign = scene.rng.choice("+*")
    one, other = (plain(text) for text, _ in shown)
    scene.number = computed(scene, f"{one} {sign} {other}")
    name = "recall_sum" if sign == "+" else "recall_product"
    return scene.ask(name, k=first, j=second), answers.calculator(scene.number)


LINKED = (
    problem_remember,
    problem_remember,
    convert_and_keep,
    convert_and_then,
    convert_and_then,
    recall_country,
    recall_country,
    weather_difference,
    weather_difference,
    recall_two,
)
