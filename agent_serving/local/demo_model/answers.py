"""What the model says when it has its results: one way for each intent."""

from __future__ import annotations

import json

COUNTRY_FIELDS = {
    "currency": "currency",
    "code": "alpha_2",
    "code3": "alpha_3",
    "numeric": "numeric",
    "flag": "flag",
    "official": "official_name",
}
_LABELS = {
    "code": "code",
    "code3": "three-letter code",
    "numeric": "numeric code",
    "flag": "flag",
    "official": "official name",
}
ASK_CITY = "For which city?"
ASK_UNIT = "To which unit?"
ASK_VALUE = "How much of which unit?"
ASK_EXPRESSION = "What should I calculate?"
ASK_COUNTRY = "Which country?"
ASK_MEMORY = "What should I remember?"
REMEMBERED = "I will remember that."


def calculator(result: str) -> str:
    return f"The result is {result}."


def convert(result: str) -> str:
    return f"{result.replace(' = ', ' is ', 1)}."


def clock(intent: str, result: str) -> str:
    """intent: time, weekday or date. result: what current_time answers."""
    shown = json.loads(result)
    day, _, rest = shown["time"].partition("T")
    said = {"time": rest[:5], "weekday": shown["weekday"], "date": day}[intent]
    return f"It is {said} in {shown['timezone']}."


def country(intent: str, result: str) -> str:
    shown = json.loads(result)
    name = shown["name"]
    if intent == "name":
        return f"That is {name}."
    if intent != "currency":
        return f"The {_LABELS[intent]} of {name} is {shown[COUNTRY_FIELDS[intent]]}."
    currency = shown["currency"]
    if currency is None:
        return f"{name} has no currency of its own."
    return f"The currency of {name} is {currency['name']} ({currency['code']})."


def weather(result: str) -> str:
    shown = json.loads(result)
    degrees, sky = shown["temperature_c"], shown["sky"]
    return f"It is {degrees} degrees and {sky} in {shown['city']} (stub data)."


def recall(key: str, result: str) -> str:
    return f"Your {key} is {result}."


def unknown_key(key: str) -> str:
    return f"I have nothing under {key}."


def error(text: str) -> str:
    """A tool's complaint in the model's words. KeyError: one that no turn runs into."""
    starts = {
        "Division by zero": "A division by zero has no result.",
        "The result is too large": "The result is too large.",
        "Cannot be evaluated": "That has no result.",
        "Cannot convert": "These units do not fit together.",
        "No country matches": "I know no such country.",
    }
    for start, answer in starts.items():
        if text.startswith(start):
            return answer
    if "is not a known unit" in text:
        return "I do not know that unit."
    if "is not an IANA time zone" in text:
        return "I do not know that time zone."
    raise KeyError(text)
