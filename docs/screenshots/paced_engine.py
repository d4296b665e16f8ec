"""A scripted engine that takes the time a model on a GPU would, and tells where it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

from agent_serving.ports import Chunk, Finished, Generation
from agent_serving.testing import Say, ScriptedEngine

PREFILL_SECONDS = 0.016
"""The shortest prefill there is."""
PREFILL_SECONDS_PER_TOKEN = 0.00009


class PacedEngine(ScriptedEngine):
    """`scripts` is each agent's replies in order, by words of its instructions; the last one is
    said again and again."""

    def __init__(self, scripts: Mapping[str, Sequence[Say]]) -> None:
        super().__init__(self._answer_to, context_length=131_072)
        self._scripts = {words: list(replies) for words, replies in scripts.items()}
        self.queue_seconds = 0.004

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        prompt = tuple(generation.prompt)
        moments = [time.perf_counter()]
        await asyncio.sleep(self.queue_seconds)
        moments.append(time.perf_counter())
        uncached = len(prompt) - self._cached(prompt)
        await asyncio.sleep(PREFILL_SECONDS + PREFILL_SECONDS_PER_TOKEN * uncached)
        moments.append(time.perf_counter())
        async for piece in super().generate(generation):
            if isinstance(piece, Finished):
                moments.append(time.perf_counter())
                yield replace(piece, timings=piece.timings.but(**_phases(moments)))
            else:
                yield piece

    def _answer_to(self, prompt: str) -> Say:
        script = next(found for words, found in self._scripts.items() if words in prompt)
        return script.pop(0) if len(script) > 1 else script[0]


def _phases(moments: Sequence[float]) -> dict[str, float]:
    begin, queued, prefilled, end = (moment * 1000 for moment in moments)
    return {
        "engine_queue_ms": queued - begin,
        "prefill_ms": prefilled - queued,
        "decode_ms": end - prefilled,
    }
