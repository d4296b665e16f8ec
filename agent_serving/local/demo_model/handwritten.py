"""Requests in people's own words, from a file, and whether a turn answers one as it is meant.

A line of the file: `tools` offered, `memory` kept beforehand, and `turns`, each with what the
`user` says, the steps of `calls` that are right and what the answer has to contain. A value may be
{"any_of": [...]}. The order of the calls in one step does not matter, nor do capitals; numbers
agree within 0.1 %, expressions by their values; a key of `remember` is free, and what is recalled
has to be what was kept. What `memory` names is told in a turn of its own first, which is not
counted; a request that needs it and gets no `remember` for it is wrong.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent_serving.local.demo_model.evaluation import (
    Call,
    Json,
    Service,
    calls_of,
    ended,
    greedy_agent,
)
from agent_serving.local.demo_model.tally import Tally
from agent_serving.local.demo_model.toolbox import Memory, Toolbox
from agent_serving.local.errors import LocalEngineError

TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Request:
    id: str
    kind: str
    tools: tuple[str, ...]
    memory: Mapping[str, str]
    turns: tuple[Json, ...]


def load(path: Path) -> list[Request]:
    """Raises LocalEngineError: a line that is no such request, by its number."""
    requests = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LocalEngineError(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, start=1):
        try:
            one = json.loads(line)
            turns = tuple(one["turns"])
            if not all({"user", "calls", "answer_contains"} <= turn.keys() for turn in turns):
                raise KeyError("user, calls or answer_contains of a turn")  # noqa: TRY301  # told below, as for every other field
            requests.append(
                Request(one["id"], one["kind"], tuple(one["tools"]), one.get("memory", {}), turns)
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LocalEngineError(
                f"{path}, line {number} is no request with id, kind, tools and turns: {error!r}."
            ) from error
    return requests


@dataclass
class Report:
    """Requests, not turns: one is right when all of its turns are."""

    tally: Tally = field(default_factory=Tally)
    wrong: list[tuple[Request, str]] = field(default_factory=list)
    """And why."""

    def json(self) -> Json:
        return {"requests": self.tally.table()}


async def evaluate(
    service: Service,
    requests: Sequence[Request],
    toolbox: Toolbox,
    *,
    at_once: int = 4,
    on_done: Callable[[int], None] = lambda done: None,
) -> Report:
    """Plays the requests, some at once, each in a session of its own."""
    report, gate, done = Report(), asyncio.Semaphore(at_once), 0

    async def one(request: Request) -> None:
        nonlocal done
        async with gate:
            problem = await _play(service, request, Scorer(toolbox))
        report.tally.add(request.kind, 0, is_right=problem is None)
        if problem is not None:
            report.wrong.append((request, problem))
        done += 1
        on_done(done)

    await asyncio.gather(*(one(request) for request in requests))
    return report


async def _play(service: Service, request: Request, scorer: Scorer) -> str | None:
    """What is wrong with the answers, None where they are right."""
    tools = [*request.tools]
    if request.memory and "remember" not in tools:
        tools.append("remember")
    session = await service.post("/v1/sessions", {"agent": greedy_agent(tools)})
    path = f"/v1/sessions/{session['id']}"
    for key, value in request.memory.items():
        told = f"Remember that my {key.replace('_', ' ')} is {value}."
        turn = await service.post(f"{path}/turns", {"input": told, "mode": "wait"})
        if not scorer.keep(key, [call for step in calls_of(turn["items"]) for call in step]):
            return f"nothing was kept when told: {told}"
    for wanted in request.turns:
        begun = datetime.now(UTC)
        body = {"input": wanted["user"], "mode": "wait"}
        turn = await service.post(f"{path}/turns", body)
        between = (begun, datetime.now(UTC))
        if turn["status"] != "completed":
            return f"the turn is not completed: {await ended(service, path, turn)}"
        answer = turn["output_text"] or ""
        steps = calls_of(turn["items"])
        if problem := scorer.problem(wanted, steps, answer, between):
            return f"{problem}; it called {steps} and said {answer!r}"
    return None


@dataclass
class Scorer:
    """Judges the turns of one session in order: what they keep is what later ones may recall."""

    toolbox: Toolbox
    kept: dict[str, str] = field(default_factory=dict)
    """By how the request spells a key: the key that the model chose."""

    def problem(
        self,
        turn: Json,
        steps: Sequence[Sequence[Call]],
        answer: str,
        between: tuple[datetime, datetime],
    ) -> str | None:
        """What is wrong with a turn that made these calls, step by step, and gave this answer
        `between` two moments; None where it is right."""
        wanted: Sequence[Sequence[Json]] = turn["calls"]
        found = None
        if len(steps) != len(wanted):
            found = f"{len(wanted)} steps of calls were wanted"
        for number, (expected, actual) in enumerate(zip(wanted, steps, strict=False), start=1):
            pairs = self._paired(expected, actual)
            if pairs is None:
                found = found or f"the calls of step {number} are others"
                continue
            for one, (name, arguments) in pairs:
                if name == "remember":
                    spelled = [_spelled(key) for key in _alternatives(one["arguments"]["key"])]
                    self.kept |= dict.fromkeys(spelled, str(arguments["key"]))
        return found or _unsaid(turn, answer, between)

    def keep(self, key: str, calls: Sequence[Call]) -> bool:
        """Whether one of the calls kept something, which is then known under this key."""
        keys = [str(arguments.get("key")) for name, arguments in calls if name == "remember"]
        self.kept |= {_spelled(key): one for one in keys[:1]}
        return bool(keys)

    def _paired(
        self, expected: Sequence[Json], actual: Sequence[Call]
    ) -> list[tuple[Json, Call]] | None:
        if len(expected) != len(actual):
            return None
        for order in permutations(actual):
            pairs = list(zip(expected, order, strict=True))
            if all(self._agree(one, call) for one, call in pairs):
                return pairs
        return None

    def _agree(self, expected: Json, call: Call) -> bool:
        name, actual = call
        wanted: Json = expected["arguments"]
        if name == "current_time":
            wanted, actual = {"timezone": "UTC"} | wanted, {"timezone": "UTC"} | actual
        if name != expected["name"] or wanted.keys() != actual.keys():
            return False
        return all(
            self._same(name, parameter, _alternatives(value), actual[parameter])
            for parameter, value in wanted.items()
        )

    def _same(self, tool: str, parameter: str, wanted: Sequence[Any], actual: Any) -> bool:
        match tool, parameter:
            case "remember", "key":
                return True
            case "recall", "key":
                known = {self.kept[key] for key in map(_spelled, wanted) if key in self.kept}
                return actual in known if known else actual not in self.kept.values()
            case "calculator", "expression":
                value = self._value(str(actual))
                return any(_close(self._value(str(one)), value) for one in wanted)
            case _:
                return any(_equal(one, actual) for one in wanted)

    def _value(self, expression: str) -> float | None:
        """None where there is none: a division by zero."""
        arguments = {"expression": expression}
        text, is_ok = self.toolbox.run("calculator", arguments, Memory(), datetime.now(UTC))
        return float(text) if is_ok else None


def _alternatives(value: Any) -> list[Any]:
    return list(value["any_of"]) if isinstance(value, dict) and "any_of" in value else [value]


def _spelled(key: Any) -> str:
    return "_".join(str(key).casefold().replace("_", " ").split())


def _close(wanted: float | None, actual: float | None) -> bool:
    if wanted is None or actual is None:
        return wanted is actual
    return math.isclose(wanted, actual, rel_tol=TOLERANCE)


def _equal(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, str) and isinstance(actual, str):
        return _spelled(wanted) == _spelled(actual)
    numbers = [one for one in (wanted, actual) if type(one) in (int, float)]
    return _close(*numbers) if len(numbers) == 2 else bool(wanted == actual)


# --- the answer -----------------------------------------------------------------------------


def _unsaid(turn: Json, answer: str, between: tuple[datetime, datetime]) -> str | None:
    for wanted in turn["answer_contains"]:
        if not any(_says(answer, str(one)) for one in _alternatives(wanted)):
            return f"the answer does not say {' or '.join(map(str, _alternatives(wanted)))}"
    for wanted in turn.get("answer_time", []):
        told = _times(wanted, between)
        if not any(_says(answer, one) for one in told):
            return f"the answer does not say {' or '.join(sorted(told))}"
    return None


def _says(answer: str, wanted: str) -> bool:
    """Capitals and the commas of thousands aside. 12 is not said by 112."""
    said, part = answer.casefold().replace(",", ""), wanted.casefold().replace(",", "")
    at = said.find(part)
    while part[:1].isdigit() and at > 0 and said[at - 1].isdigit():
        at = said.find(part, at + 1)
    return at >= 0


def _times(wanted: Json, between: tuple[datetime, datetime]) -> set[str]:
    """All that a clock in that zone may have shown meanwhile."""
    first, last = (moment.replace(second=0, microsecond=0) for moment in between)
    minutes = int((last - first) / timedelta(minutes=1)) + 1
    zone = ZoneInfo(wanted["timezone"])
    moments = [(first + timedelta(minutes=number)).astimezone(zone) for number in range(minutes)]
    return {f"{moment:{form}}" for moment in moments for form in wanted["formats"]}
