"""Engines and replicas that die in the middle of a reply."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any

from agent_serving.domain.errors import EngineUnavailable
from agent_serving.domain.feed import TERMINAL_EVENTS
from agent_serving.ports import Chunk, Finished, Generation, Spelled
from agent_serving.runtime.follow import SessionEvent
from agent_serving.testing import FIRST_CONTROL_TOKEN, Break, Line, ScriptedEngine
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import reload


class ByteEngine(ScriptedEngine):
    """A token is a byte, so that most characters take several. Like SGLang it holds text back until
    a character is whole. Where it `hangs`, a `Break` is followed by silence, not by an error."""

    hangs = False

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(text.encode(errors="surrogateescape"))

    def decode(self, tokens: Iterable[int]) -> str:
        text, run = "", bytearray()
        for token in tokens:
            if token < FIRST_CONTROL_TOKEN:
                run.append(token)
                continue
            text += run.decode(errors="replace") + super().decode([token])
            run.clear()
        return text + run.decode(errors="replace")

    async def spell(self, tokens: Sequence[int], *, behind: Sequence[int]) -> Spelled:
        self._require_up()
        count = len(tokens)
        while self.decode(tokens[:count]).endswith("\N{REPLACEMENT CHARACTER}"):
            count -= 1
        return Spelled(count, self.decode(tokens[:count]))

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        async with aclosing(super().generate(generation)) as parts:
            try:
                async for part in parts:
                    yield self._whole(part, decoder) if isinstance(part, Chunk) else part
            except EngineUnavailable:
                if self.hangs:
                    await asyncio.Event().wait()
                raise

    def _whole(self, chunk: Chunk, decoder: codecs.IncrementalDecoder) -> Chunk:
        said = bytes(token for token in chunk.tokens if token < FIRST_CONTROL_TOKEN)
        controls = [token for token in chunk.tokens if token >= FIRST_CONTROL_TOKEN]
        return Chunk(decoder.decode(said) + self.decode(controls), chunk.tokens)


def dies_within(text: str) -> Callable[[str], Line]:
    """A script: asked "… at N" the engine dies behind N bytes of `text`; asked to go on behind a
    part of it, it says the rest."""

    def answer(prompt: str) -> Line:
        asked, _, said = prompt.rpartition("<|im_start|>assistant\n")
        if not text.startswith(said):
            return "?"
        if said:
            return text.removeprefix(said)
        at = int(asked.rpartition(" at ")[2].partition("<|im_end|>")[0])
        return Break(text.encode()[:at].decode(errors="surrogateescape"))

    return answer


async def die(service: Any, odd: OddStore) -> None:
    """As kill -9 has it: the lease stays until it runs out, and nobody is told."""

    async def nothing(*_: Any) -> None:
        return

    for last_will in ("append", "publish", "renew_lease", "release_lease", "hand_over"):
        odd.around[last_will] = nothing
    await service.aclose()


async def events_of(service: Any, session: Any) -> list[SessionEvent]:
    """Up to the end of the turn."""
    session, events = await reload(service, session), []
    async with asyncio.timeout(20), aclosing(service.feed.follow(session, 0)) as feed:
        async for event in feed:
            events.append(event)
            if event.type in TERMINAL_EVENTS:
                break
    return events


def shown(events: list[SessionEvent]) -> dict[str, str]:
    """What a follower has put together out of deltas, by item, with void text taken out."""
    texts: dict[str, tuple[str | None, list[tuple[int, str]]]] = {}
    for event in events:
        if event.type == "step.restarted":
            void = event.data["void_from"]
            texts = {
                item: (step, [s for s in said if step != event.step_id or s[0] < void])
                for item, (step, said) in texts.items()
            }
        elif event.type in ("output_text.delta", "reasoning_text.delta"):
            _, said = texts.setdefault(event.data["item_id"], (event.step_id, []))
            said.append((event.sequence, event.data["delta"]))
    joined = {item: "".join(text for _, text in said) for item, (_, said) in texts.items()}
    return {item: text for item, text in joined.items() if text}
