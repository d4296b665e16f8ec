"""Conversations, made up from a seed: the same seed gives the same ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from agent_serving.local.demo_model import entities
from agent_serving.local.demo_model.atoms import ATOMS, Again
from agent_serving.local.demo_model.chains import CHAINS
from agent_serving.local.demo_model.follows import NOUNS, VERBS, follow, missing, unseen
from agent_serving.local.demo_model.names import Names
from agent_serving.local.demo_model.parallels import parallel
from agent_serving.local.demo_model.scene import (
    CANNOT,
    Conversation,
    Missing,
    OfferedTool,
    Scene,
    Turn,
)
from agent_serving.local.demo_model.singles import ERRORS, Said, impossible, single, small_talk
from agent_serving.local.demo_model.toolbox import NAMES, Toolbox

INSTRUCTIONS = (
    "",
    "You are a helpful assistant.",
    "You are a friendly host. Use the tools, then answer.",
    "Use the tools.",
    "Be brief.",
    "You help with numbers, units, countries, times and the weather.",
    "You are agent-serving's demo. Answer in one sentence.",
    "Answer questions with the tools that you have.",
    "You are a careful assistant. Think, call tools, answer.",
)
_PARAMETERS = (
    "name",
    "title",
    "id",
    "text",
    "count",
    "city",
    "date",
    "url",
    "path",
    "mode",
    "size",
)


@dataclass(frozen=True, slots=True)
class Mix:
    """How long conversations are: shares of 1 to 3, 4 to 9 and 10 to 24 turns."""

    short: float = 0.38
    middle: float = 0.32
    long: float = 0.3

    def turns(self, rng: Random) -> int:
        kind = rng.random() * (self.short + self.middle + self.long)
        if kind < self.short:
            return rng.randint(1, 3)
        return rng.randint(4, 9) if kind < self.short + self.middle else rng.randint(10, 24)


class Generator:
    """held_out: whether things, keys and a part of the templates are those that training never
    sees. pieces: of which names are made too; see Names."""

    def __init__(
        self, toolbox: Toolbox, *, held_out: bool = False, pieces: tuple[str, ...] = ()
    ) -> None:
        self._toolbox = toolbox
        self._names = Names(held_out, pieces)
        self._shipped = {name: OfferedTool(name, tuple(toolbox.parameters(name))) for name in NAMES}

    def stream(self, seed: int, mix: Mix | None = None) -> Iterator[Conversation]:
        rng = Random(seed)  # noqa: S311  # nothing secret is made here
        while True:
            yield self.conversation(Random(rng.getrandbits(64)), mix or Mix())  # noqa: S311

    def conversation(self, rng: Random, mix: Mix) -> Conversation:
        shipped = list(NAMES)
        if rng.random() < 0.6:
            shipped = rng.sample(shipped, rng.randint(1, len(shipped)))
        strange = self._strange(rng) if rng.random() < 0.3 else []
        scene = Scene(self._toolbox, rng, self._names, frozenset(shipped))
        if rng.random() < 0.5:
            rng.shuffle(shipped)
        else:
            shipped.sort()
        tools = [self._shipped[name] for name in shipped] + strange
        if strange:
            rng.shuffle(tools)
        names = [tool.name for tool in strange]
        turns = _turns(scene, mix.turns(rng), names)
        return Conversation(rng.choice(INSTRUCTIONS), tuple(tools), tuple(turns))

    def _strange(self, rng: Random) -> list[OfferedTool]:
        def pick(things: list[str]) -> str:
            return entities.some(things, rng, held_out=self._names.held_out)

        def word(things: list[str]) -> str:
            if rng.random() < 0.4:
                return self._names.invented(rng)
            return pick(things)

        names = {f"{word(VERBS)}_{word(NOUNS)}" for _ in range(rng.randint(1, 3))}
        return [
            OfferedTool(name, tuple(rng.sample(_PARAMETERS, rng.randint(0, 3))))
            for name in sorted(names)
        ]


def _turns(scene: Scene, count: int, strange: list[str]) -> list[Turn]:
    turns: list[Turn] = []
    while len(turns) < count:
        if scene.rng.random() < 0.05:
            turns += _attempted(lambda: _asking(scene)) or []
        else:
            turns += _attempted(lambda: [_turn(scene, strange)]) or []
    return turns


def _attempted(make: Callable[[], list[Turn]]) -> list[Turn] | None:
    try:
        return make()
    except (Again, Missing):
        return None


def _asking(scene: Scene) -> list[Turn]:
    scene.steps = []
    said, given = missing(scene)
    turns = [Turn("missing", said[0], (), said[1])]
    if given is not None and scene.rng.random() < 0.8:
        turns.append(_made(scene, "missing", given))
    return turns


def _turn(scene: Scene, strange: list[str]) -> Turn:
    if (scene.topic or scene.number) and scene.rng.random() < 0.3:
        return _made(scene, "follow_up", lambda: follow(scene))
    kind = 0.3 + 0.7 * scene.rng.random()
    scene.topic = scene.number = None
    if kind < 0.4:
        return _made(scene, "parallel", lambda: parallel(scene))
    if kind < 0.56:
        return _chain(scene)
    if kind < 0.62:
        return _made(scene, "error", lambda: scene.rng.choice(ERRORS)(scene))
    if kind < 0.68:
        return _made(scene, "small talk", lambda: small_talk(scene))
    if kind < 0.75:
        return _made(scene, "refusal", lambda: impossible(scene))
    if kind < 0.82:
        if not strange or scene.rng.random() < 0.5:
            return _absent(scene)
        name = scene.rng.choice(strange)
        return _made(scene, "unseen tool", lambda: unseen(scene, name))
    return _made(scene, "single", lambda: single(scene))


def _chain(scene: Scene) -> Turn:
    """Most chains need something that was kept before, so several are tried."""
    for chain in scene.rng.sample(CHAINS, 6):
        try:
            turn = _made(scene, "chain", partial(chain, scene))
        except (Again, Missing):
            continue
        return Turn(f"chain of {len(turn.steps)}", turn.user, turn.steps, turn.answer)
    raise Again


def _absent(scene: Scene) -> Turn:
    """What a shipped tool could do that this conversation does not have."""
    absent = [name for name in NAMES if name not in scene.offered and name != "recall"]
    if not absent:
        raise Again
    atom = ATOMS[scene.rng.choice(absent)](scene)
    scene.cities.pop(atom.place, None)
    scene.topic = scene.number = None
    return Turn("refusal", scene.said(atom.text), (), CANNOT)


def _made(scene: Scene, kind: str, make: Callable[[], Said]) -> Turn:
    """One turn; where none can be made, the memory is as it was."""
    scene.steps = []
    kept = dict(scene.memory.kept)
    try:
        user, answer = make()
    except (Again, Missing):
        scene.memory.kept = kept
        raise
    if scene.number is not None and scene.number not in answer:
        scene.number = None
    return Turn(kind, user, tuple(scene.steps), answer)
