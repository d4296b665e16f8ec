"""The Engine port on a pool of SGLang processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from agent_serving.adapters.sglang.exchange import Exchange
from agent_serving.adapters.sglang.grammars import COMPILE_SECONDS, Grammars
from agent_serving.adapters.sglang.pool import Member, Pool
from agent_serving.adapters.sglang.rendering import Renderer
from agent_serving.adapters.sglang.request import body_of, check, headers_of
from agent_serving.adapters.sglang.stream import Deltas, Frame
from agent_serving.adapters.sglang.timings import Stopwatch, timings_of, usage_of
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import AgentServingError, EngineUnavailable, VoidReply
from agent_serving.domain.values import Message, ToolSpec
from agent_serving.ports import Chunk, Finished, Generation, Spelled, Worker

_CLOSE_SECONDS = 5.0


class SglangEngine:
    """`urls` are the workers' base addresses. Nothing is asked of them before `probe()`.

    `chunk_seconds` bounds the wait for the next chunk of a reply, the engine's queue included.
    Raises InvalidRequest for addresses that cannot be used.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        api_key: str | None = None,
        chunk_seconds: float = 300.0,
        compile_seconds: float = COMPILE_SECONDS,
        isolate_tenants: bool = False,
    ) -> None:
        self._isolated = isolate_tenants
        self._pool = Pool(urls, api_key=api_key, chunk_seconds=chunk_seconds)
        self._renderer = Renderer(self._pool)
        self._exchanges: set[Exchange] = set()
        self._grammars = Grammars(self._pool, self.generate, compile_seconds=compile_seconds)

    def workers(self) -> Sequence[Worker]:
        return self._pool.workers()

    async def probe(self) -> None:
        await self._pool.probe()

    async def incarnation(self, worker: str) -> str | None:
        return await self._pool.incarnation(worker)

    async def render_opening(
        self,
        *,
        dialect: Dialect,
        instructions: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
    ) -> tuple[int, ...]:
        return await self._renderer.opening(
            dialect=dialect, instructions=instructions, tools=tools, messages=messages
        )

    async def render_delta(
        self, *, dialect: Dialect, messages: Sequence[Message]
    ) -> tuple[int, ...]:
        return await self._renderer.delta(dialect=dialect, messages=messages)

    async def end_of_turn(self, *, dialect: Dialect) -> int:
        return await self._renderer.end_of_turn(dialect=dialect)

    async def spell(self, tokens: Sequence[int], *, behind: Sequence[int]) -> Spelled:
        return await self._renderer.spell(tokens, behind=behind)

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        member = self._pool.member(generation.worker)
        check(generation, member.worker)
        body = body_of(generation, member, isolated=self._isolated)
        exchange = Exchange(member.client, body, headers_of(generation))
        self._exchanges.add(exchange)
        try:
            async with aclosing(_pieces(exchange, generation, member)) as pieces:
                async for piece in pieces:
                    yield piece
        except EngineUnavailable:
            self._pool.doubt(member.worker.name)
            raise
        finally:
            await exchange.close()
            self._exchanges.discard(exchange)

    async def check_constraint(self, constraint: Constraint, *, param: str) -> None:
        await self._grammars.check(constraint, param=param)

    async def close_session(self, session_id: str) -> None:
        async def at(member: Member) -> None:
            with contextlib.suppress(AgentServingError):
                await member.client.post(
                    "/close_session", {"session_id": session_id}, seconds=_CLOSE_SECONDS
                )

        keeping = [each for each in self._pool.ready() if each.worker.session_radix_cache]
        await asyncio.gather(*(at(member) for member in keeping))

    async def aclose(self) -> None:
        await asyncio.gather(*(exchange.close() for exchange in self._exchanges))
        await self._pool.aclose()


async def _pieces(
    exchange: Exchange, generation: Generation, member: Member
) -> AsyncGenerator[Chunk | Finished, None]:
    deltas = Deltas(member.worker.name, incremental=member.worker.incremental_streaming)
    watch = Stopwatch(sent=exchange.sent)
    while True:
        at, frame = await exchange.frame()
        _check_prompt(frame, generation, member)
        chunk = deltas.cut(frame)
        watch.chunk(at, len(chunk.tokens))
        if chunk.tokens or chunk.text:
            yield chunk
        if frame.finish is not None:
            watch.ended = at
            yield _finished(frame, watch)
            return


def _check_prompt(frame: Frame, generation: Generation, member: Member) -> None:
    """Before anything of the frame comes out: what has, is kept, and the last of it looks whole."""
    counted = frame.meta.get("prompt_tokens")
    if counted is None and frame.finish is None:
        return
    if counted != len(generation.prompt):
        raise VoidReply(
            f"The engine {member.worker.name} counts {counted} prompt tokens where "
            f"{len(generation.prompt)} were sent: it changed the prompt, so the reply is void "
            "(--allow-auto-truncate must be off)."
        )


def _finished(frame: Frame, watch: Stopwatch) -> Finished:
    return Finished(
        reason="stop" if frame.finish == "stop" else "length",
        usage=usage_of(frame.meta),
        timings=timings_of(watch, frame.meta),
    )
