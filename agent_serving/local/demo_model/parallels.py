"""Turns that ask for several things at once: the calls go out together."""

from __future__ import annotations

from random import Random

from agent_serving.local.demo_model import answers
from agent_serving.local.demo_model.atoms import ATOMS, CLOCK, COUNTRY, Again, Atom, settle
from agent_serving.local.demo_model.scene import Call, Scene
from agent_serving.local.demo_model.singles import Said
from agent_serving.local.demo_model.zones import ZONES

_JOINTS = (
    *(" and ", " and ", ", and ", "? And ", ", ", "? ", ". ", " and also ", "; ", ", also "),
    *("? Also ", ", plus ", " plus ", ". Oh and ", ", oh and ", "? and then ", ", then ", ". And "),
    "? also ",
)
_LAST = (" and ", " and ", " and ", " and in ", ", ", " or ", " & ", " as well as ", " and for ")


def listed(names: list[str], rng: Random) -> str:
    last = " and " if rng.random() < 0.6 else rng.choice(_LAST)
    return f"{', '.join(names[:-1])}{last}{names[-1]}"


def same(scene: Scene) -> Said:
    """One question about two or three places."""
    rng = scene.rng
    count = 2 if rng.random() < 0.6 else 3
    kind = rng.choice(("weather", "weather", "clock", "country"))
    if kind == "weather":
        intent = "weather"
        names = [scene.city() for _ in range(count)]
        calls = [Call("weather", {"city": name}) for name in names]
    elif kind == "clock":
        intent = rng.choice(CLOCK)
        known = rng.sample(list(ZONES), count)
        names = [scene.cased(name) for name in known]
        calls = [Call("current_time", {"timezone": ZONES[name]}) for name in known]
    else:
        intent = rng.choice(COUNTRY)
        names = [scene.country() for _ in range(count)]
        calls = [Call("lookup_country", {"query": name}) for name in names]
    if len({name.lower() for name in names}) < count:
        raise Again
    results = [text for text, _ in scene.calls(calls)]
    scene.topic, scene.place = intent, names[-1]
    said = [_said(kind, intent, text) for text in results]
    return scene.ask(intent, c=listed(names, rng)), " ".join(said)


def _said(kind: str, intent: str, text: str) -> str:
    match kind:
        case "weather":
            return answers.weather(text)
        case "clock":
            return answers.clock(intent, text)
        case _:
            return answers.country(intent, text)


def mixed(scene: Scene) -> Said:
    """Two or three questions in one message."""
    rng = scene.rng
    count = 2 if rng.random() < 0.8 else 3
    atoms: list[Atom] = []
    for _ in range(count):
        name = rng.choice([name for name in ATOMS if name in scene.offered] or ["weather"])
        atoms.append(ATOMS[name](scene))
    calls = [atom.call for atom in atoms]
    if len({(call.name, str(call.arguments)) for call in calls}) < count:
        raise Again
    if {"remember", "recall"} <= {call.name for call in calls}:
        raise Again  # which comes first would matter
    if len({str(c.arguments.get("key")) for c in calls if c.name == "remember"}) < sum(
        c.name == "remember" for c in calls
    ):
        raise Again
    results = scene.calls(calls)
    if not all(is_ok for _, is_ok in results) or sum(len(text) for text, _ in results) > 700:
        raise Again
    settle(scene, atoms[-1], results[-1][0])
    joint = rng.choice(_JOINTS)
    user = joint.join(atom.text for atom in atoms)
    said = [atom.answered(text) for atom, (text, _) in zip(atoms, results, strict=True)]
    return scene.said(user), " ".join(dict.fromkeys(said))


def parallel(scene: Scene) -> Said:
    return same(scene) if scene.rng.random() < 0.55 else mixed(scene)
