"""The steps that chains are made of. Each raises Again where its tool has no result for it."""

from __future__ import annotations

import json

from agent_serving.local.demo_model import answers
from agent_serving.local.demo_model.atoms import Again, plain
from agent_serving.local.demo_model.numbers import Scaling
from agent_serving.local.demo_model.scene import Scene, number_of, slug
from agent_serving.local.demo_model.unit_names import written as unit


def computed(scene: Scene, written: str) -> str:
    text, is_ok = scene.call("calculator", expression=written)
    if not is_ok:
        raise Again
    return text


def scaled(scene: Scene, number: str, op: Scaling) -> str:
    if number.startswith("-") and op.tail.startswith("**"):
        raise Again
    return computed(scene, f"{plain(number)} {op.tail}")


def converted(scene: Scene, number: str, first: str, second: str) -> str:
    text, is_ok = scene.call(
        "convert_units",
        value=number_of(plain(number)),
        from_unit=unit(first),
        to_unit=unit(second),
    )
    if not is_ok:
        raise Again
    return text


def remembered(scene: Scene, key: str, value: str) -> str:
    scene.call("remember", key=slug(key), value=plain(value))
    scene.numbers[key] = value
    return answers.REMEMBERED


def kept_key(scene: Scene, among: dict[str, str]) -> str:
    keys = [key for key in among if slug(key) in scene.memory.kept]
    if not keys:
        raise Again
    return scene.rng.choice(keys)


def recalled(scene: Scene, among: dict[str, str]) -> tuple[str, str]:
    key = kept_key(scene, among)
    return key, scene.call("recall", key=slug(key))[0]


def fahrenheit(scene: Scene, city: str) -> str:
    shown = json.loads(scene.call("weather", city=city)[0])
    return converted(scene, str(shown["temperature_c"]), "degC", "degF")
