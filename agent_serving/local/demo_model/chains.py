"""Turns of two to four steps, each of which needs what the one before it found."""

from __future__ import annotations

import json
from collections.abc import Callable

from agent_serving.local.demo_model import answers
from agent_serving.local.demo_model.atoms import Again, magnitude
from agent_serving.local.demo_model.chain_steps import (
    computed,
    converted,
    fahrenheit,
    recalled,
    remembered,
    scaled,
)
from agent_serving.local.demo_model.linked_chains import LINKED
from agent_serving.local.demo_model.numbers import amount, expression, scaling
from agent_serving.local.demo_model.scene import Scene, slug
from agent_serving.local.demo_model.singles import Said


def compute_remember(scene: Scene) -> Said:
    (said, written), key = expression(scene.rng), scene.key()
    result = computed(scene, written)
    kept = remembered(scene, key, result)
    scene.number = result
    return scene.ask("compute_remember", x=said, k=key), f"{answers.calculator(result)} {kept}"


def convert_scale(scene: Scene) -> Said:
    (said, digits), (first, second), op = amount(scene.rng), scene.units(), scaling(scene.rng)
    result = scaled(scene, magnitude(converted(scene, digits, first, second)), op)
    scene.number = result
    user = scene.ask("convert_scale", v=said, a=first, b=second, op=op)
    return user, answers.calculator(result)


def convert_remember(scene: Scene) -> Said:
    (said, digits), (first, second), key = amount(scene.rng), scene.units(), scene.key()
    text = converted(scene, digits, first, second)
    kept = remembered(scene, key, magnitude(text))
    user = scene.ask("convert_remember", v=said, a=first, b=second, k=key)
    return user, f"{answers.convert(text)} {kept}"


def convert_scale_remember(scene: Scene) -> Said:
    (said, digits), (first, second), op = amount(scene.rng), scene.units(), scaling(scene.rng)
    key = scene.key()
    result = scaled(scene, magnitude(converted(scene, digits, first, second)), op)
    kept = remembered(scene, key, result)
    user = scene.ask("convert_scale_remember", v=said, a=first, b=second, op=op, k=key)
    return user, f"{answers.calculator(result)} {kept}"


def compute_convert(scene: Scene, name: str = "compute_convert", key: str = "") -> Said:
    (said, written), (first, second) = expression(scene.rng), scene.units()
    if said.replace(".", "").isdigit():
        raise Again
    text = converted(scene, computed(scene, written), first, second)
    user = scene.ask(name, x=said, a=first, b=second, k=key)
    if not key:
        scene.number = magnitude(text)
        return user, answers.convert(text)
    return user, f"{answers.convert(text)} {remembered(scene, key, magnitude(text))}"


def compute_convert_remember(scene: Scene) -> Said:
    return compute_convert(scene, "compute_convert_remember", scene.key())


def recall_scale(scene: Scene) -> Said:
    op = scaling(scene.rng)
    key, value = recalled(scene, scene.numbers)
    scene.number = scaled(scene, value, op)
    return scene.ask("recall_scale", k=key, op=op), answers.calculator(scene.number)


def recall_scale_remember(scene: Scene) -> Said:
    op, new = scaling(scene.rng), scene.key()
    key, value = recalled(scene, scene.numbers)
    result = scaled(scene, value, op)
    kept = remembered(scene, new, result)
    user = scene.ask("recall_scale_remember", k=key, op=op, j=new)
    return user, f"{answers.calculator(result)} {kept}"


def recall_scale_convert(scene: Scene, name: str = "recall_scale_convert", new: str = "") -> Said:
    op, (first, second) = scaling(scene.rng), scene.units()
    key, value = recalled(scene, scene.numbers)
    text = converted(scene, scaled(scene, value, op), first, second)
    user = scene.ask(name, k=key, op=op, a=first, b=second, j=new)
    if not new:
        scene.number = magnitude(text)
        return user, answers.convert(text)
    return user, f"{answers.convert(text)} {remembered(scene, new, magnitude(text))}"


def recall_scale_convert_remember(scene: Scene) -> Said:
    return recall_scale_convert(scene, "recall_scale_convert_remember", scene.key())


def recall_convert(scene: Scene) -> Said:
    first, second = scene.units()
    key, value = recalled(scene, scene.numbers)
    text = converted(scene, value, first, second)
    scene.number = magnitude(text)
    return scene.ask("recall_convert", k=key, a=first, b=second), answers.convert(text)


def recall_weather(scene: Scene) -> Said:
    key, city = recalled(scene, scene.cities)
    scene.topic, scene.place = "weather", city
    text, _ = scene.call("weather", city=city)
    return scene.ask("recall_weather", k=key), answers.weather(text)


def weather_fahrenheit(scene: Scene) -> Said:
    city = scene.city()
    text = fahrenheit(scene, city)
    return scene.ask("weather_fahrenheit", c=city), answers.convert(text)


def recall_weather_fahrenheit(scene: Scene) -> Said:
    key, city = recalled(scene, scene.cities)
    text = fahrenheit(scene, city)
    return scene.ask("recall_weather_fahrenheit", k=key), answers.convert(text)


def recall_weather_fahrenheit_remember(scene: Scene) -> Said:
    new = scene.key()
    key, city = recalled(scene, scene.cities)
    text = fahrenheit(scene, city)
    kept = remembered(scene, new, magnitude(text))
    user = scene.ask("recall_weather_fahrenheit_remember", k=key, j=new)
    return user, f"{answers.convert(text)} {kept}"


def currency_remember(scene: Scene) -> Said:
    key, country = scene.key(), scene.country()
    text, _ = scene.call("lookup_country", query=country)
    currency = json.loads(text)["currency"]
    if currency is None:
        raise Again
    scene.call("remember", key=slug(key), value=currency["name"])
    user = scene.ask("currency_remember", c=country, k=key)
    return user, f"{answers.country('currency', text)} {answers.REMEMBERED}"


CHAINS: tuple[Callable[[Scene], Said], ...] = (
    compute_remember,
    convert_scale,
    convert_scale,
    convert_remember,
    convert_scale_remember,
    convert_scale_remember,
    compute_convert,
    compute_convert_remember,
    recall_scale,
    recall_scale,
    recall_scale_remember,
    recall_scale_convert,
    recall_scale_convert_remember,
    recall_scale_convert_remember,
    recall_convert,
    recall_weather,
    recall_weather,
    weather_fahrenheit,
    recall_weather_fahrenheit,
    recall_weather_fahrenheit_remember,
    recall_weather_fahrenheit_remember,
    currency_remember,
    *LINKED,
)
