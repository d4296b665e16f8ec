"""A real store in front of which things go wrong on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.domain.errors import StoreUnavailable

Around = Callable[[Callable[[], Awaitable[Any]], tuple[Any, ...]], Awaitable[Any]]


class OddStore:
    """`around["append"] = odd` has each append go through `odd(call, arguments)`."""

    def __init__(self, store: RedisSessionStore) -> None:
        self._store = store
        self.around: dict[str, Around] = {}

    def __getattr__(self, name: str) -> Any:
        inner, odd = getattr(self._store, name), self.around.get(name)
        if odd is None:
            return inner

        async def method(*args: Any, **named: Any) -> Any:
            return await odd(lambda: inner(*args, **named), args)

        return method

    def lose_answers(self, of: str, times: int = 1) -> None:
        """Facts of this type are written, and nobody is told."""

        async def odd(write: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
            nonlocal times
            sequence = await write()
            if f'"type":"{of}"'.encode() in args[0].fact and times > 0:
                times -= 1
                raise StoreUnavailable("odd: the answer was lost")
            return sequence

        self.around["append"] = odd

    def count(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of each call from now on."""
        calls: list[tuple[Any, ...]] = []

        async def odd(call: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
            calls.append(args)
            return await call()

        self.around[method] = odd
        return calls

    def delay(self, of: str, seconds: float) -> None:
        async def odd(write: Callable[[], Awaitable[Any]], args: tuple[Any, ...]) -> Any:
            if f'"type":"{of}"'.encode() in args[0].fact:
                await asyncio.sleep(seconds)
            return await write()

        self.around["append"] = odd

    def fail_once(self, method: str) -> None:
        async def odd(call: Callable[[], Awaitable[Any]], _: tuple[Any, ...]) -> Any:
            # Of several calls in one moment one fails.
            if self.around.get(method) is not odd:
                return await call()
            del self.around[method]
            raise StoreUnavailable("odd: not now")

        self.around[method] = odd


Copy = dict[bytes, tuple[int, Any]]
"""Key → the milliseconds that it has left (0: it stays), and what it holds."""


async def copy_of(url: str, session_id: str) -> Copy:
    """All that Redis has of a session."""
    copy: Copy = {}
    async with Redis.from_url(url) as client:
        async for key in client.scan_iter(f"*{session_id}*"):
            async with client.pipeline(transaction=True) as pipe:
                left, held = await pipe.pttl(key).dump(key).execute()
            if held is not None:  # else it has just run out
                copy[key] = (max(left, 0), held)
    return copy


async def roll_back(url: str, session_id: str, copy: Copy) -> None:
    """As a failover does to a replica that was behind: at once."""
    async with Redis.from_url(url) as client, client.pipeline(transaction=True) as pipe:
        async for key in client.scan_iter(f"*{session_id}*"):
            pipe.delete(key)
        for key, (left, held) in copy.items():
            pipe.restore(key, left, held, replace=True)
        await pipe.execute()
