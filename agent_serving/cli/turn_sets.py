"""Sets of turns: how they are named, read from a service, kept in a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from agent_serving.cli.rest import Json, Rest
from agent_serving.cli.turn_search import lived, sessions, turns
from agent_serving.domain.errors import AgentServingError
from agent_serving.domain.measures import StepRow, TurnRow
from agent_serving.domain.values import Timings, Usage, Value

MOST_TURNS = 2000
"""Of one set; the newest ones."""

LARGEST_FILE = 256 * 1024 * 1024
COMPARED = frozenset({"completed", "incomplete"})
"""What ended in another way was cut short: its times say nothing."""

_AT_ONCE = 8
_KEPT = ("id", "session_id", "status", "started_at", "ended_at", "usage", "cost")
_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)


class BadSet(AgentServingError):
    """A set of turns that cannot be read."""

    code = "bad_set"


@dataclass(frozen=True, slots=True)
class Selector:
    """Which turns a set has: `matches` by the session and the turn. `maybe` says of a session
    alone whether a turn of it could match, to ask for no more turns than needed."""

    text: str
    label: tuple[str, str] | None = None
    agent: tuple[str, int | None] | None = None
    since: datetime = _NEVER
    until: datetime = _ALWAYS

    def maybe(self, session: Json) -> bool:
        if self.agent is None:
            return self.label is not None or lived(session, self.since, self.until)
        name, version = self.agent
        agent = session["agent"]
        return agent["name"] == name and version in (None, agent["version"])

    def matches(self, session: Json, turn: Json) -> bool:
        if not self.maybe(session) or turn["ended_at"] is None:
            return False
        if self.label is not None:
            key, value = self.label
            return value in (session["metadata"].get(key), turn["metadata"].get(key))
        return self.since <= datetime.fromisoformat(turn["created_at"]) < self.until


class TurnSet(Value):
    """Turns with their steps. `failed` turns matched and were left out; `cut` says that there
    were more than MOST_TURNS; `sessions` is how many were looked through."""

    format: Literal["agent-serving.turns.v1"] = "agent-serving.turns.v1"
    selector: str
    sessions: int = 0
    failed: int = 0
    cut: bool = False
    turns: tuple[TurnRow, ...] = ()


def selector(text: str) -> Selector | Path:
    """What names a set: `label:KEY=VALUE`, `agent:NAME[@VERSION]`, `SINCE..UNTIL` (RFC 3339, UTC
    where no zone is told; either may be missing), or a file. Raises BadSet."""
    kind, _, rest = text.partition(":")
    if kind == "label":
        key, equals, value = rest.partition("=")
        if not (key and equals):
            raise BadSet(f"{text!r}: a label is written label:KEY=VALUE, as in label:release=2.1.")
        return Selector(text, label=(key, value))
    if kind == "agent":
        name, at, version = rest.partition("@")
        if not name or (at and not version.isdecimal()):
            raise BadSet(f"{text!r}: an agent is written agent:NAME or agent:NAME@VERSION.")
        return Selector(text, agent=(name, int(version) if at else None))
    since, dots, until = text.partition("..")
    if dots and "/" not in text and not text.endswith(".json"):
        window = _moment(since, text, _NEVER), _moment(until, text, _ALWAYS)
        if not (since or until) or window[0] >= window[1]:
            raise BadSet(f"{text!r}: no time lies between these.")
        return Selector(text, since=window[0], until=window[1])
    if Path(text).is_file():
        return Path(text)
    raise BadSet(
        f"{text!r} is not a set of turns. Write label:KEY=VALUE, agent:NAME@VERSION, SINCE..UNTIL "
        "(2026-01-31T12:00..2026-01-31T13:00), or the path of a file made with --save."
    )


def _moment(text: str, whole: str, missing: datetime) -> datetime:
    if not text:
        return missing
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadSet(f"{whole!r}: {text!r} is not a time; write 2026-01-31T12:00.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def load(path: Path) -> TurnSet:
    """Raises BadSet."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadSet(f"{path} is larger than {LARGEST_FILE} bytes: no set of turns is.")
        return TurnSet.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadSet(f"{path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise BadSet(
            f"{path} is not a set of turns: {place}: {first['msg']}. "
            "`agent-serving compare A --save FILE` makes one."
        ) from None


def save(found: TurnSet, path: Path) -> None:
    """Raises BadSet."""
    try:
        path.write_text(found.model_dump_json() + "\n")
    except OSError as error:
        raise BadSet(f"{path} cannot be written: {error.strerror}.") from None


@dataclass(slots=True)
class _Found:
    selector: Selector
    failed: int = 0
    cut: bool = False
    turns: list[tuple[str, Json]] = field(default_factory=list)

    def take(self, session: Json, turn: Json) -> None:
        if not self.selector.matches(session, turn):
            return
        if turn["status"] not in COMPARED or turn["started_at"] is None:
            self.failed += 1
        elif len(self.turns) >= MOST_TURNS:
            self.cut = True
        else:
            # Without what was said, which can be long.
            told = {key: turn[key] for key in _KEPT}
            self.turns.append((f"/v1/sessions/{session['id']}/turns/{turn['id']}", told))


async def read(rest: Rest, wanted: Sequence[Selector], most: int) -> list[TurnSet]:
    """The sets of these selectors, from the newest `most` sessions, in one pass."""
    found = [_Found(each) for each in wanted]
    seen = 0
    async for session in sessions(rest, most):
        seen += 1
        if session["turn_count"] and any(each.selector.maybe(session) for each in found):
            async for turn in turns(rest, session):
                for each in found:
                    each.take(session, turn)
    # A turn may be in both sets: its steps are asked for once.
    paths = {path: turn for each in found for path, turn in each.turns}
    gate = asyncio.Semaphore(_AT_ONCE)

    async def row(path: str, turn: Json) -> TurnRow:
        async with gate:
            return turn_row(turn, await rest.list(f"{path}/steps"))

    rows = await asyncio.gather(*(row(path, turn) for path, turn in paths.items()))
    by_path = dict(zip(paths, rows, strict=True))
    return [
        TurnSet(
            selector=each.selector.text,
            sessions=seen,
            failed=each.failed,
            cut=each.cut,
            turns=tuple(by_path[path] for path, _ in each.turns),
        )
        for each in found
    ]


def turn_row(turn: Json, steps: Sequence[Json]) -> TurnRow:
    """Of a turn that has ended, as the REST API shows it and its steps."""
    started, ended = (datetime.fromisoformat(turn[key]) for key in ("started_at", "ended_at"))
    cost = turn["cost"]
    return TurnRow(
        id=turn["id"],
        session_id=turn["session_id"],
        status=turn["status"],
        started_at=started,
        total_ms=max((ended - started).total_seconds() * 1000, 0.0),
        usage=_usage(turn["usage"]),
        cost=None if cost is None else Decimal(cost["total"]),
        currency=None if cost is None else cost["currency"],
        steps=tuple(_step_row(step) for step in steps if step["status"] == "completed"),
    )


def _step_row(step: Json) -> StepRow:
    timings = step["timings"]
    return StepRow(
        tool=step["tool"]["name"] if step["tool"] else None,
        attempts=len(step["attempts"]),
        usage=_usage(step["usage"]),
        timings=Timings(**{key: timings[key] for key in Timings.model_fields}),
    )


def _usage(usage: Json) -> Usage:
    return Usage(**{key: usage[key] for key in Usage.model_fields if key in usage})
