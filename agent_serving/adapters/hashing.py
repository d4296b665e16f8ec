"""The `Hasher` port: argon2id."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_AT_ONCE = 2


class Argon2Hasher:
    """With OWASP's least parameters (19 MiB, 2 passes): about 20 ms. A secret of ours has 192
    random bits, which no guessing reaches; the hash keeps a copy of the store from being of use.
    Two hashes run at once, so that many first requests leave the process its time and memory."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._seats = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, secret: str) -> str:
        async with self._seats:
            return await asyncio.to_thread(self._hasher.hash, secret)

    async def matches(self, digest: str, secret: str) -> bool:
        async with self._seats:
            return await asyncio.to_thread(self._matches, digest, secret)

    def _matches(self, digest: str, secret: str) -> bool:
        try:
            return self._hasher.verify(digest, secret)
        except (Argon2Error, InvalidHashError):
            return False
