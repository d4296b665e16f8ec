"""A chat's session on the service, as it stands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from rich.console import Console

from agent_serving.cli.chat_turn import ChatTurn, begun, past
from agent_serving.cli.rest import Event, Json, Rest, RestError

PAST_TURNS = 3
SETTLED = frozenset(
    {"turn.waiting", "turn.completed", "turn.incomplete", "turn.failed", "turn.cancelled"}
)


@dataclass(slots=True)
class Conversation:
    """`session` changes with a fork. `agent` is what a new session is opened with. `turn` is the
    last one; `required` is what it waits for."""

    rest: Rest
    out: Console
    session: str
    agent: str | Json
    turn: str | None = None
    required: list[Json] = field(default_factory=list)
    _sequence: int = 0
    _live: ChatTurn = field(init=False)

    def __post_init__(self) -> None:
        self._live = ChatTurn(self.out)

    @property
    def path(self) -> str:
        return f"/v1/sessions/{self.session}"

    @property
    def turn_path(self) -> str:
        """Raises RestError where there is no turn."""
        if self.turn is None:
            raise RestError("There is no turn yet.")
        return f"{self.path}/turns/{self.turn}"

    async def say(self, text: str) -> None:
        self.turn, self._live = None, ChatTurn(self.out)
        body: Json = {"input": text, "mode": "stream"}
        await self._show(self.rest.stream(f"{self.path}/turns", body))

    async def answer(self, inputs: list[Json]) -> None:
        """Give what the turn waits for, and see it go on."""
        await self.rest.post(f"{self.turn_path}/inputs", {"inputs": inputs})
        await self.follow()

    async def follow(self) -> None:
        """The turn from where it was seen last, to where it is over or waits."""
        query = f"turn_id={self.turn}&after={self._sequence}"
        await self._show(self.rest.follow(f"{self.path}/events?{query}"))

    async def cancel(self) -> None:
        """Cancel the turn under way, and see it end."""
        self.required = []
        # It may have been taken although its first event was not seen.
        active = (await self.rest.get(self.path))["active_turn"]
        if active is not None:
            self.turn = active
            await self.rest.post(f"{self.turn_path}/cancel")
            await self.follow()

    async def resume(self) -> list[str]:
        """Show the last turns, and the one under way as it goes on; what was said in them."""
        session = await self.rest.get(self.path)
        page = await self.rest.get(f"{self.path}/turns?order=desc&limit={PAST_TURNS}")
        turns: list[Json] = page["data"][::-1]
        if page["has_more"]:
            earlier = session["turn_count"] - len(turns)
            self.out.print(f"  ({earlier} earlier turns)", style="dim")
        for turn in turns:
            self.turn = turn["id"]
            shown = past(turn) if turn["id"] != session["active_turn"] else begun(turn)
            for line in shown:
                self.out.print(line, soft_wrap=True)
        if session["active_turn"] is not None:
            self.turn = session["active_turn"]
            await self.follow()
        return [item["text"] for turn in turns for item in turn["input"]]

    async def fork(self) -> None:
        self._enter((await self.rest.post(f"{self.path}/fork"))["id"])
        self.out.print(f"Now in {self.session}, which shares all that was said.", soft_wrap=True)

    async def undo(self) -> None:
        """Go on in a fork that ends before the last turn."""
        page = await self.rest.get(f"{self.path}/turns?order=desc&limit=2")
        match page["data"]:
            case []:
                raise RestError("There is no turn yet.")
            case [_]:
                made = await self.rest.post("/v1/sessions", {"agent": self.agent})
            case [_, before, *_]:
                made = await self.rest.post(f"{self.path}/fork", {"at_turn": before["id"]})
        left = self.session
        self._enter(made["id"])
        self.out.print(
            f"Now in {self.session}, without the last turn; {left} still has it.", soft_wrap=True
        )

    def _enter(self, session: str) -> None:
        self.session, self.turn, self.required, self._sequence = session, None, [], 0
        self._live = ChatTurn(self.out)

    async def _show(self, stream: AsyncGenerator[Event, None]) -> None:
        self.required, last = [], ""
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    self.turn = event.body["turn_id"] or self.turn
                    self._sequence = event.body["sequence"]
                    self._live.show(event)
                    last = event.type
                    if last in SETTLED:
                        break
        finally:
            self._live.close()
        if last == "turn.waiting":
            await self._wait()

    async def _wait(self) -> None:
        turn = await self.rest.get(self.turn_path)
        self.required = turn["required_inputs"]
        if (paused := turn["paused"]) is not None:
            raise RestError(
                f"The turn waits: the {paused['scope']}'s {paused['budget']} is reached. It goes "
                "on when that is raised; /cancel ends it."
            )
