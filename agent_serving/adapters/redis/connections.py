"""Connections to Redis, each for one exchange at a time.

redis-py makes, checks and speaks through them. Its pool and its pipelines are passed by: with them
an exchange takes about twice the processor's time (`python benchmarks/redis_exchange.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Command: TypeAlias = tuple[bytes | str | int, ...]


class Connections:
    """As many as there are exchanges at a time; the one that was used last is taken first. `pool`
    says where they lead."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._parsers: Mapping[Any, Callable[[Any], Any]]
        self._parsers = Redis.from_pool(pool).response_callbacks
        self._idle: list[AbstractConnection] = []
        self._closed = False

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The replies, errors among them; all commands go out together. Raises RedisError,
        OSError."""
        connection = self._idle.pop() if self._idle else self._made()
        try:
            await self._pool.ensure_connection(connection)
            await connection.send_packed_command(connection.pack_commands(commands))
            replies = [await self._reply(connection, command) for command in commands]
        except BaseException:
            # What is still to come would be taken for the answer to something else.
            await connection.disconnect(nowait=True)
            raise
        self._idle.append(connection)
        if self._closed:
            await self.close_idle()
        return replies

    def _made(self) -> AbstractConnection:
        made: AbstractConnection = self._pool.connection_class(**self._pool.connection_kwargs)
        return made

    async def close_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        """Those in use are closed when they no longer are."""
        self._closed = True
        await self.close_idle()

    async def _reply(self, connection: AbstractConnection, command: Command) -> Any:
        try:
            reply = await connection.read_response()
        except ResponseError as error:
            return error
        parse = self._parsers.get(command[0])
        return reply if parse is None else parse(reply)
