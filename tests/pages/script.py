"""What the model of the pages says, and the service that it speaks for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent_serving.scripted_service import ScriptedService
from agent_serving.testing import Line, call


def _weather(*cities: str) -> str:
    return "\n".join(call("weather", city=city) for city in cities)


ROME, MADRID, TOKYO = (
    f"It is {degrees} degrees and {sky} in {city} (stub data)."
    for city, degrees, sky in (
        ("Rome", 21, "sunny"),
        ("Madrid", 17, "cloudy"),
        ("Tokyo", 9, "rainy"),
    )
)

ANSWERS: dict[str, tuple[Line, ...]] = {
    "Rome and Madrid?": (_weather("Rome", "Madrid"), f"{ROME} {MADRID}"),
    "in Rome?": (_weather("Rome"), ROME),
    "And in Madrid?": (_weather("Madrid"), MADRID),
    "weather in Madrid?": (_weather("Madrid"), MADRID),
    "weather in Tokyo?": (_weather("Tokyo"), TOKYO),
    "And in Tokyo?": (_weather("Tokyo"), TOKYO),
    "order o-1": (call("look_up_order", order_id="o-1"), "Your order is shipped."),
    "100 back": (call("refund", order_id="o-1", amount=100), "You get 100 back."),
    "Thanks!": ("You are welcome.",),
}
"""By words of what the user said last: the replies, in order."""


ELSEWHERE = ("engines", "redis_url", "redis_replicas", "host", "require_keys", "secrets_file")
"""Settings of a page that say where other machines and files are. The rest is taken."""


def answer(prompt: str) -> Line:
    """By what the user said last, and how many replies have come since."""
    said = prompt.rpartition("<|im_start|>user\n")[2]
    replies = next(replies for words, replies in ANSWERS.items() if words in said)
    return replies[min(said.count("<|im_start|>assistant"), len(replies)) - 1]


@contextmanager
def scripted(folder: Path) -> Iterator[str]:
    """The address of a service with the tools, agents and grammars of the folder."""
    own: dict[str, Any] = {name: (folder / name,) for name in ("tools", "agents", "grammars")}
    own = {name: folders for name, folders in own.items() if folders[0].is_dir()}
    file = folder / "agent-serving.toml"
    shown = tomllib.loads(file.read_text()) if file.is_file() else {}
    own |= {key: value for key, value in shown.items() if key not in ELSEWHERE}
    with ScriptedService(folder.parent / "data", **own) as service:
        service.follows(answer)
        yield service.url
