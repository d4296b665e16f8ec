"""A turn by its id alone: which session has it is found out.

A turn's id begins with the time at which it was made, and a session is listed with the time of its
first and its last fact. Only sessions that lived at that time are asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from agent_serving.cli.rest import Json, Rest, RestError

NEWEST = "last"
MOST_SESSIONS = 5000
"""How many of the newest sessions are looked through."""

SLACK = timedelta(minutes=1)
"""By which the clocks of two replicas may differ."""

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class FoundTurn:
    session_id: str
    turn: Json

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session_id}/turns/{self.turn['id']}"


async def find_turn(rest: Rest, name: str, session_id: str | None = None) -> FoundTurn:
    """`name` is a turn's id, SESSION/TURN, or `last`: the last turn, of the session or of the
    newest session that has one. Raises RestError where there is none."""
    if "/" in name:
        session_id, _, name = name.partition("/")
    if name == NEWEST:
        return await _last(rest, session_id)
    if session_id is not None:
        path = f"/v1/sessions/{quote(session_id, safe='')}/turns/{quote(name, safe='')}"
        return FoundTurn(session_id, await rest.get(path))
    made = made_at(name)
    if made is None:
        raise RestError(f"{name!r} is no turn's id; one looks like turn_01k9… in full.")
    async for session in sessions(rest, MOST_SESSIONS):
        if not lived(session, made - SLACK, made + SLACK):
            continue
        async for turn in turns(rest, session):
            if turn["id"] == name:
                return FoundTurn(session["id"], turn)
    raise RestError(
        f"None of the newest {MOST_SESSIONS} sessions at {rest.url} has a turn {name}. "
        "Name its session, if you know it: --session sess_…"
    )


async def _last(rest: Rest, session_id: str | None) -> FoundTurn:
    if session_id is not None:
        newest = f"/v1/sessions/{quote(session_id, safe='')}/turns?order=desc&limit=1"
        for turn in (await rest.get(newest))["data"]:
            return FoundTurn(session_id, turn)
        raise RestError(f"Session {session_id} has no turn yet.")
    async for session in sessions(rest, MOST_SESSIONS):
        if session["turn_count"]:
            return await _last(rest, session["id"])
    raise RestError(f"No session at {rest.url} has a turn yet. `agent-serving chat` starts one.")


async def sessions(rest: Rest, most: int, query: str = "") -> AsyncIterator[Json]:
    """The newest sessions first, at most so many of them."""
    seen, after = 0, ""
    while seen < most:
        limit = min(_PAGE, most - seen)
        page = await rest.get(f"/v1/sessions?order=desc&limit={limit}{after}{query}")
        for session in page["data"]:
            yield session
        seen += len(page["data"])
        if not page["has_more"] or not page["last_id"]:
            return
        after = f"&after={page['last_id']}"


async def turns(rest: Rest, session: Json) -> AsyncIterator[Json]:
    """A session's own turns, the newest first: not those that a fork inherited."""
    opened, after = datetime.fromisoformat(session["created_at"]), ""
    while True:
        path = f"/v1/sessions/{session['id']}/turns?order=desc&limit={_PAGE}{after}"
        page = await rest.get(path)
        for turn in page["data"]:
            if datetime.fromisoformat(turn["created_at"]) < opened:
                return
            yield turn
        if not page["has_more"]:
            return
        after = f"&after={page['last_id']}"


def lived(session: Json, since: datetime, until: datetime) -> bool:
    """Whether anything happened to the session in that time."""
    return (
        datetime.fromisoformat(session["created_at"]) <= until
        and datetime.fromisoformat(session["updated_at"]) >= since
    )


def made_at(turn_id: str) -> datetime | None:
    """When the id was made: its first 48 bits are milliseconds (a ULID). None of another id."""
    kind, _, digits = turn_id.partition("_")
    if kind != "turn" or len(digits) != 26 or not set(digits) <= set(_DIGITS):
        return None
    value = 0
    for digit in digits:
        value = value * 32 + _DIGITS.index(digit)
    try:
        return datetime.fromtimestamp((value >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
