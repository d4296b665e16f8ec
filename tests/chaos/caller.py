"""A caller that knows two addresses: it asks again under the same key, follows the events, and
answers what the turn waits for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api import sse
from tests.chaos.fleet import Fleet

Json = dict[str, Any]

PERSON = {"type": "function", "name": "person", "description": "Ask a person."}
SCRIPTED_AGENT = {"tools": ["pay", "look", PERSON], "limits": {"max_seconds": 86_400}}
SETTLED = ("completed", "incomplete", "failed", "cancelled")
TURN_SECONDS = 90.0
RESOLUTIONS = itertools.cycle(("abandon", "retry", "result"))


@dataclass
class Followed:
    """What a follower of one session was told, over all of its connections."""

    events: list[Json] = field(default_factory=list)
    connections: int = 0

    @property
    def last(self) -> int:
        return self.events[-1]["sequence"] if self.events else 0


@dataclass
class Told:
    """One turn as its caller knows it. `retries` has the keys of the calls that the caller wanted
    run again."""

    session: str
    turn: str
    status: str = "lost"
    followed: Followed = field(default_factory=Followed)
    retries: list[str] = field(default_factory=list)
    doubts: int = 0
    turns_of_session: int = 1
    items: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)


class Caller:
    def __init__(self, fleet: Fleet, agent: Json) -> None:
        self._fleet = fleet
        self._agent = agent
        self._session: str | None = None
        self._turns = 0
        self._followed = Followed()

    async def turn(self, body: Json) -> Told:
        """A turn of this caller's session, to its end, and what is left of it in the service.
        Raises nothing where it does not get there: the turn is lost."""
        if self._session is None:
            opened = await self.ask("POST", "/v1/sessions", {"agent": self._agent})
            self._session = f"/v1/sessions/{opened['id']}"
        body = {"mode": "background", **body}
        turn = await self.ask("POST", f"{self._session}/turns", body)
        self._turns += 1
        told = Told(self._session, turn["id"], followed=self._followed)
        told.turns_of_session = self._turns
        following = asyncio.create_task(self._follow(told))
        try:
            async with asyncio.timeout(TURN_SECONDS):
                status = await self._settle(told)
                await following
            told.status = status
        except TimeoutError:
            pass
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        return told

    async def read_back(self, told: Told) -> None:
        """What the service has of the session behind its last turn, all of it."""
        told.events = await self._pages(f"{told.session}/events?", "sequence")
        told.items = await self._pages(f"{told.session}/items?order=asc&", "id")
        session = await self.ask("GET", told.session)
        if session["turn_count"] != told.turns_of_session:
            told.status = f"lost ({session['turn_count']} turns, not {told.turns_of_session})"

    async def ask(self, verb: str, path: str, body: Json | None = None) -> Json:
        """The answer, on whichever replica gives one."""
        key = {"idempotency-key": secrets.token_hex(12)} if verb == "POST" else {}
        replica = self._fleet.any()
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await replica.http.request(verb, path, json=body, headers=key)
                if answer.is_success:
                    found: Json = answer.json()
                    return found
                if answer.status_code not in (429, 502, 503):
                    raise RuntimeError(f"{verb} {path}: {answer.status_code} {answer.text}")
            await asyncio.sleep(0.1)
            replica = self._fleet.any(but=replica)

    async def _settle(self, told: Told) -> str:
        path = f"{told.session}/turns/{told.turn}"
        while True:
            turn = await self.ask("GET", path)
            if turn["status"] in SETTLED:
                return str(turn["status"])
            if turn["status"] == "waiting" and turn["required_inputs"]:
                inputs = [self._answer(told, asked) for asked in turn["required_inputs"]]
                await self.ask("POST", f"{path}/inputs", {"inputs": inputs})
            await asyncio.sleep(0.2)

    def _answer(self, told: Told, asked: Json) -> Json:
        call = {"type": asked["type"], "call_id": asked["call_id"]}
        if asked["type"] == "tool_result":
            return call | {"output": "I do not know."}
        told.doubts += 1
        resolution = next(RESOLUTIONS)
        if resolution == "retry":
            told.retries.append(asked["call_id"])
        output = {"output": "it was paid"} if resolution == "result" else {}
        return call | {"resolution": resolution} | output

    async def _follow(self, told: Told) -> None:
        """To the turn's end, over as many connections as it takes."""
        followed, replica = told.followed, self._fleet.any()
        while True:
            headers = {"accept": "text/event-stream"}
            if followed.last:
                headers["last-event-id"] = str(followed.last)
            followed.connections += 1
            with contextlib.suppress(httpx.TransportError):
                path = f"{told.session}/events"
                async with replica.http.stream("GET", path, headers=headers) as stream:
                    if stream.status_code == 200:
                        async for sent in sse.read(stream):
                            followed.events.append(sent.data)
                            if is_end(sent.data, told.turn):
                                return
            await asyncio.sleep(0.1)
            replica = self._fleet.any(but=replica)

    async def _pages(self, path: str, cursor: str) -> list[Json]:
        rows: list[Json] = []
        while True:
            after = f"&after={rows[-1][cursor]}" if rows else ""
            page = await self.ask("GET", f"{path}limit=100{after}")
            rows += page["data"]
            if not page["has_more"]:
                return rows


def is_end(event: Json, turn: str) -> bool:
    return event["turn_id"] == turn and event["type"] in {f"turn.{status}" for status in SETTLED}
