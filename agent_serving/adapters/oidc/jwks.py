"""An identity provider's public keys: read when one is needed, kept, and read again when it signs
with another."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

import httpx
from jwt import PyJWK

from agent_serving.adapters.oidc.key_set import KeySet, Unreadable, parse
from agent_serving.domain.errors import IssuerUnavailable
from agent_serving.ports import Clock

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""A key that the provider has taken back is refused soon after."""
BETWEEN_SECONDS = 10.0
"""Between two looks, whatever tokens come: unknown ids are free to make up."""
_CALL_SECONDS = 5.0
_MOST_BYTES = 262_144


class KeySource(Protocol):
    async def read(self) -> bytes:
        """Raises Unreadable."""
        ...

    async def aclose(self) -> None: ...


class KeyUrl:
    """`direct`: past the proxy that the environment names."""

    def __init__(self, url: str, *, direct: bool = False) -> None:
        self._url = url
        self._http = httpx.AsyncClient(timeout=_CALL_SECONDS, trust_env=not direct)

    async def read(self) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(_CALL_SECONDS), self._http.stream("GET", self._url) as got:
                if got.status_code != httpx.codes.OK:
                    raise Unreadable(f"{self._url} answers {got.status_code}")
                async for part in got.aiter_bytes():
                    body += part
                    if len(body) > _MOST_BYTES:
                        raise Unreadable(f"{self._url} answers more than {_MOST_BYTES} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unreadable(f"{self._url}: {type(error).__name__} {error}") from error
        return bytes(body)

    async def aclose(self) -> None:
        await self._http.aclose()


class KeyFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> bytes:
        try:
            return await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            raise Unreadable(str(error)) from error

    async def aclose(self) -> None:
        return


class Jwks:
    """Known keys work on while the provider cannot be reached, and while they are read anew."""

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._keys: KeySet = {}
        self._read_at = self._looked_at = float("-inf")
        self._problem: str | None = None
        self._looking = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """None where the provider has no such key for this algorithm. Raises IssuerUnavailable
        where that cannot be known."""
        if kid in self._keys:
            self._refresh_soon()
        else:
            await self.look()
            if kid not in self._keys and self._problem is not None:
                raise IssuerUnavailable(
                    "The identity provider's keys cannot be read now, and the token is signed by "
                    "one that is not known here yet. Come back later; the log says why.",
                    retry_after=max(0.0, self._looked_at + BETWEEN_SECONDS - self._now()),
                )
        return self._keys.get(kid, {}).get(algorithm)

    async def look(self) -> str | None:
        """Read the keys, unless that was done just now. What went wrong, if anything."""
        async with self._looking:
            if self._now() - self._looked_at >= BETWEEN_SECONDS:
                self._looked_at = self._now()
                try:
                    self._keys = parse(await self._source.read())
                except Unreadable as problem:
                    self._problem = str(problem)
                    log.warning("the identity provider's keys cannot be read: %s", problem)
                else:
                    self._problem, self._read_at = None, self._now()
            return self._problem

    async def aclose(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        await self._source.aclose()

    def _refresh_soon(self) -> None:
        now, running = self._now(), self._refreshing
        is_old = now - self._read_at > FRESH_SECONDS and now - self._looked_at >= BETWEEN_SECONDS
        if is_old and (running is None or running.done()):
            self._refreshing = asyncio.create_task(self._refresh(), name="jwks")

    async def _refresh(self) -> None:
        await self.look()

    def _now(self) -> float:
        return self._clock.monotonic()
