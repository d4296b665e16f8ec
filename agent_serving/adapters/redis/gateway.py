"""The way to Redis: connections, scripts, retries, and foreign errors made ours.

Every command that goes through here may be sent twice: when an answer is lost, nobody knows
whether the command ran. Commands are therefore idempotent by themselves, or carry a nonce by
which a script recognises its own repetition.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from agent_serving.adapters.redis.connections import Command as Command
from agent_serving.adapters.redis.connections import Connections
from agent_serving.domain.errors import InvalidRequest, StoreFull, StoreUnavailable

_PAUSES = (0.0, 0.05, 0.2, 0.5)
"""Seconds before each new try. Together less than a second: a restart of Redis is ridden out,
a Redis that is down is reported soon."""
_PATIENCE = 2.0
"""Seconds after which no new try begins, but for the first, which settles a lost answer."""
FULL_SECONDS = 5.0
"""When to come back to a Redis without memory: somebody has to make room first."""
_CONNECT_TIMEOUT = 3.0
_SOCKET_TIMEOUT = 5.0
_LOST = (RedisConnectionError, RedisTimeoutError, ReadOnlyError, OSError, TimeoutError)
_REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError)


def encode(text: str) -> bytes:
    """UTF-8 that also carries lone surrogates, as JSON does."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua file of this folder. Its first lines say what its keys and arguments are."""

    source: bytes
    sha: str

    @classmethod
    def named(cls, name: str) -> Script:
        source = files(__package__).joinpath(f"{name}.lua").read_bytes()
        return cls(source=source, sha=hashlib.sha1(source, usedforsecurity=False).hexdigest())

    def __call__(self, keys: Sequence[str], *arguments: bytes | str | int) -> Command:
        return ("EVALSHA", self.sha, len(keys), *keys, *arguments)


class Gateway:
    """Sends commands, in order, in one round trip. Blocking reads have connections of their own,
    so that however many wait, writes go through."""

    def __init__(self, client: Redis, *, max_readers: int) -> None:
        pool = client.connection_pool
        if pool.connection_kwargs.get("decode_responses"):
            raise InvalidRequest(
                "the store's Redis client must return bytes: leave out decode_responses",
                param="redis",
            )
        self._client = client
        ours = _without_its_bounds(pool)
        self._writers, self._readers = Connections(ours), Connections(ours)
        self._places = asyncio.Semaphore(pool.max_connections)
        self._seats = asyncio.Semaphore(max_readers)
        self._scripts: dict[str, Script] = {}

    @property
    def address(self) -> str:
        """Where Redis is, without user and password."""
        pool = self._client.connection_pool
        settings = pool.connection_kwargs
        if "path" in settings:
            return f"unix://{settings['path']}"
        scheme = "rediss" if issubclass(pool.connection_class, SSLConnection) else "redis"
        host, port = settings.get("host", "localhost"), settings.get("port", 6379)
        return f"{scheme}://{host}:{port}/{settings.get('db', 0)}"

    def script(self, name: str) -> Script:
        script = Script.named(name)
        self._scripts[script.sha] = script
        return script

    async def send(self, *commands: Command) -> list[Any]:
        """The replies. Raises StoreUnavailable."""
        if not commands:
            return []

        async def attempt() -> list[Any]:
            async with asyncio.timeout(_SOCKET_TIMEOUT), self._places:
                return await self._attempt(self._writers, commands)

        return await self._settle(attempt)

    async def ask(self, command: Command) -> Any:
        return (await self.send(command))[0]

    async def wait(self, blocking: Callable[[int], Sequence[Command]], block_ms: int) -> list[Any]:
        """Send `blocking(ms)`, which may block for so long. A reader that finds no seat in its
        time looks once, without blocking."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + block_ms / 1000
        try:
            async with asyncio.timeout_at(deadline):
                await self._seats.acquire()
        except TimeoutError:
            return await self.send(*blocking(0))

        async def attempt() -> list[Any]:
            left = deadline - loop.time()
            async with asyncio.timeout(max(0.0, left) + _SOCKET_TIMEOUT):
                return await self._attempt(self._readers, blocking(max(0, int(left * 1000))))

        try:
            return await self._settle(attempt)
        finally:
            self._seats.release()

    async def aclose(self) -> None:
        for each in (self._writers, self._readers, self._client):
            await each.aclose()

    async def _settle(self, attempt: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        # redis-py looks at an idle connection under a timeout of zero, and there a cancellation of
        # the caller can be taken for that timeout. It is told again here, or the caller lives on.
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        try:
            return await self._tried(attempt)
        finally:
            if task and task.cancelling() > before:
                raise asyncio.CancelledError

    async def _tried(self, attempt: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for pause in _PAUSES:
            try:
                return await attempt()
            except _REFUSED as error:
                raise self._unavailable(error) from error
            except _LOST as error:
                if pause > 0 and loop.time() - started > _PATIENCE:
                    raise self._unavailable(error) from error
                if isinstance(error, ReadOnlyError):
                    # The server was demoted: its name may lead to another one now.
                    await self._writers.close_idle()
            except RedisError as error:
                raise self._unavailable(error) from error
            await asyncio.sleep(pause)
        try:
            return await attempt()
        except (*_LOST, RedisError) as error:
            raise self._unavailable(error) from error

    async def _attempt(self, connections: Connections, commands: Sequence[Command]) -> list[Any]:
        replies = await connections.exchange(commands)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            # Redis forgets scripts when it restarts. What ran already may run again (see above).
            loads = [("SCRIPT LOAD", script.source) for script in self._scripts.values()]
            replies = (await connections.exchange([*loads, *commands]))[len(loads) :]
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        where = f"Redis at {self.address}"
        match error:
            case AuthenticationError() | AuthorizationError():
                text = (
                    f"{where} refused the user or the password; "
                    "put the right ones into the store's URL"
                )
            case NoPermissionError():
                text = f"{where} does not let this user run a command that the store needs: {error}"
            case ResponseError() if _is_full(error):
                return StoreFull(
                    f"{where} has reached its maxmemory and takes no more. Raise it, delete "
                    "sessions (DELETE /v1/sessions/{id} frees theirs) or open new ones with a "
                    "ttl_seconds; turns under way wait, and all goes on by itself once there is "
                    "room.",
                    retry_after=FULL_SECONDS,
                )
            case RedisTimeoutError() | TimeoutError():
                text = f"{where} did not answer in time; the call may or may not have taken effect"
            case ResponseError():
                text = f"{where} refused a command: {error}"
            case _:
                text = (
                    f"{where} cannot be reached ({type(error).__name__}: {error}); "
                    "calls work again as soon as it answers"
                )
        return StoreUnavailable(text)


def _is_full(error: ResponseError) -> bool:
    """Redis before 7 tells of it in the text of a script's error."""
    return isinstance(error, OutOfMemoryError) or "-OOM command not allowed" in str(error)


def client_of(url: str, *, max_connections: int) -> Redis:
    """A client as the gateway likes it; nothing is sent yet. Raises InvalidRequest (the URL)."""
    settings: dict[str, Any] = {
        "max_connections": max_connections,
        "socket_connect_timeout": _CONNECT_TIMEOUT,
    }
    if not url.startswith("unix:"):
        settings["socket_keepalive"] = True
    try:
        pool = ConnectionPool.from_url(url, **settings)
        # What no connection takes is refused here, and not at the first command.
        pool.connection_class(**_without_its_bounds(pool).connection_kwargs)
        return Redis.from_pool(pool)
    except (ValueError, TypeError) as error:
        # Neither the URL nor the error's text is repeated: they may hold a password.
        raise InvalidRequest(
            "the store's URL cannot be read: write redis://[user:password@]host[:port][/db], "
            "rediss://… for TLS, or unix://path",
            param="redis",
        ) from error


def _without_its_bounds(pool: ConnectionPool) -> ConnectionPool:
    """Connections to the same server; the gateway decides what is waited for, and tried again."""
    settings = {
        name: value
        for name, value in pool.connection_kwargs.items()
        # What a client adds by itself for RESP 3, and a wait for a connection, belong to its pool.
        if not name.startswith(("maint_notifications", "oss_cluster", "orig_"))
        and name != "timeout"
    }
    settings |= {"protocol": 2, "socket_timeout": None, "retry": Retry(NoBackoff(), 0)}
    return ConnectionPool(connection_class=pool.connection_class, **settings)
