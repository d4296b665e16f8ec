"""The mixed load of a soak: callers that do all that can be done with a session, over and over."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress

from agent_serving.cli.rest import Json, Rest, RestError

PERSON = {
    "type": "function",
    "name": "ask_person",
    "description": "Ask a person.",
    "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
}
AGENT: Json = {
    "name": "soak",
    "tools": ["calculator", PERSON],
    "limits": {"max_steps": 6},
    "sampling": {"max_output_tokens": 512},
}
TELL, COUNT, ASK = "Tell me a story.", "What is 17 * 23?", "Ask a person about it."
ACTS_OF_A_SESSION = 4
TOO_LATE = ("turn_not_active", "session_busy")
"""Refusals that are right: the turn has ended in the same moment."""
SETTLED = ("completed", "incomplete", "failed", "cancelled", "waiting")
BAD = ("failed",)
POLL_SECONDS = 0.05
LEAVES_WITHIN = 1.0


class SoakLoad:
    """`seconds` of each turn that is over, `errors` of requests and turns that went wrong."""

    def __init__(self, rest: Rest, callers: int) -> None:
        self._rest = rest
        self._callers = callers
        self.seconds: list[float] = []
        self.errors: list[str] = []

    async def run(self, seconds: float) -> None:
        """Returns when the time is up and every session is deleted again."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._caller(until) for _ in range(self._callers)))

    async def _caller(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                await self._session()
            except RestError as error:
                self.errors.append(error.message)
                await asyncio.sleep(POLL_SECONDS)

    async def _session(self) -> None:
        opened = await self._rest.post("/v1/sessions", {"agent": AGENT})
        path = f"/v1/sessions/{opened['id']}"
        following = asyncio.create_task(self._follow(path))
        try:
            for act in random.choices(self._acts, k=ACTS_OF_A_SESSION):  # noqa: S311  # no secret
                await act(path)
        finally:
            try:
                await self._rest.delete(path)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    @property
    def _acts(self) -> Sequence[Callable[[str], Awaitable[None]]]:
        return (
            self._wait, self._stream, self._poll, self._count, self._ask, self._queue,
            self._steer, self._interrupt, self._cancel, self._fork,
        )  # fmt: skip

    # --- turns, in all modes ------------------------------------------------------------------

    async def _wait(self, path: str) -> None:
        await self._timed(self._begin(path, TELL, mode="wait"))

    async def _count(self, path: str) -> None:
        await self._timed(self._begin(path, COUNT, mode="wait"))

    async def _stream(self, path: str) -> None:
        async def streamed() -> Json:
            last: Json = {}
            body = {"input": COUNT, "mode": "stream"}
            async with aclosing(self._rest.stream(f"{path}/turns", body)) as events:
                async for event in events:
                    last = event.body
            return {"status": last["type"].removeprefix("turn."), "id": last["turn_id"]}

        await self._timed(streamed())

    async def _poll(self, path: str) -> None:
        async def polled() -> Json:
            return await self._settled(path, await self._begin(path, TELL))

        await self._timed(polled())

    async def _ask(self, path: str) -> None:
        """A tool that the caller runs."""
        turn = await self._begin(path, ASK, mode="wait")
        results = [
            {"type": "tool_result", "call_id": asked["call_id"], "output": "It is so."}
            for asked in turn["required_inputs"]
        ]
        if results:
            answered = f"{path}/turns/{turn['id']}/inputs"
            turn = await self._rest.post(answered, {"inputs": results})
        self._check(await self._settled(path, turn))

    # --- turns that get into each other's way -------------------------------------------------

    async def _queue(self, path: str) -> None:
        turns = [await self._begin(path, TELL, on_conflict="queue") for _ in range(2)]
        for turn in turns:
            self._check(await self._settled(path, turn))

    async def _steer(self, path: str) -> None:
        await self._against(path, lambda: self._begin(path, "Be brief.", on_conflict="steer"))

    async def _interrupt(self, path: str) -> None:
        await self._against(path, lambda: self._begin(path, COUNT, on_conflict="interrupt"))

    async def _cancel(self, path: str) -> None:
        first = await self._begin(path, TELL)
        with _unless_too_late():
            await self._rest.post(f"{path}/turns/{first['id']}/cancel")
        self._check(await self._settled(path, first))

    async def _against(self, path: str, other: Callable[[], Awaitable[Json]]) -> None:
        first = await self._begin(path, TELL)
        with _unless_too_late():
            self._check(await self._settled(path, await other()))
        self._check(await self._settled(path, first))

    async def _fork(self, path: str) -> None:
        fork = await self._rest.post(f"{path}/fork")
        forked = f"/v1/sessions/{fork['id']}"
        try:
            await self._wait(forked)
        finally:
            await self._rest.delete(forked)

    # --- followers that come and go -----------------------------------------------------------

    async def _follow(self, path: str) -> None:
        try:
            await self._come_and_go(path)
        except RestError as error:
            if error.refusal != "not_found":  # the session was deleted
                self.errors.append(error.message)

    async def _come_and_go(self, path: str) -> None:
        after = 0
        while True:
            with suppress(TimeoutError):
                async with (
                    asyncio.timeout(random.random() * LEAVES_WITHIN),  # noqa: S311  # no secret
                    aclosing(self._rest.follow(f"{path}/events", after)) as events,
                ):
                    async for event in events:
                        after = event.body["sequence"]

    # --- inside -------------------------------------------------------------------------------

    async def _begin(self, path: str, text: str, **how: str) -> Json:
        return await self._rest.post(
            f"{path}/turns", {"input": text, "mode": "background", "on_conflict": "queue", **how}
        )

    async def _settled(self, path: str, turn: Json) -> Json:
        while turn["status"] not in SETTLED:
            await asyncio.sleep(POLL_SECONDS)
            turn = await self._rest.get(f"{path}/turns/{turn['id']}")
        return turn

    async def _timed(self, turn: Awaitable[Json]) -> None:
        begun = time.perf_counter()
        self._check(await turn, time.perf_counter() - begun)

    def _check(self, turn: Json, seconds: float | None = None) -> None:
        if turn["status"] in BAD:
            self.errors.append(f"turn {turn['id']} is {turn['status']}")
        elif seconds is not None:
            self.seconds.append(seconds)


@contextmanager
def _unless_too_late() -> Iterator[None]:
    try:
        yield
    except RestError as error:
        if error.refusal not in TOO_LATE:
            raise
