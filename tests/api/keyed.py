"""A service that asks for keys, and who has which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from agent_serving.adapters.clock import SystemClock
from agent_serving.adapters.hashing import Argon2Hasher
from agent_serving.adapters.ids import MonotonicIds
from agent_serving.adapters.redis import RedisKeyring
from agent_serving.domain.access import Key, Scope
from agent_serving.ports import Tokens
from agent_serving.runtime.access import Access, KeyDesk
from tests.api.conftest import Serve, Served


class MovedClock(SystemClock):
    """The system's, and as much later as is wished."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.later


@dataclass
class Keyed:
    served: Served
    desk: KeyDesk
    keyring: RedisKeyring
    clock: MovedClock
    made: list[str] = field(default_factory=list)

    async def make(self, tenant: str, *scopes: Scope, **more: Any) -> tuple[Key, str]:
        key, secret = await self.desk.create(tenant, scopes or ("run",), actor="cli:test", **more)
        self.made.append(secret)
        return key, secret

    @asynccontextmanager
    async def as_(self, secret: str) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"authorization": f"Bearer {secret}"}
        url = self.served.http.base_url
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=30, trust_env=False
        ) as http:
            yield http

    @asynccontextmanager
    async def tenant(self, name: str, *scopes: Scope) -> AsyncIterator[httpx.AsyncClient]:
        _, secret = await self.make(name, *scopes)
        async with self.as_(secret) as http:
            yield http


async def keyed(
    serve: Serve, *, required: bool = True, tokens: Tokens | None = None, **served: Any
) -> Keyed:
    found: list[RedisKeyring] = []
    clock = MovedClock()

    def access(keyring: RedisKeyring) -> Access:
        found.append(keyring)
        return Access(keyring, Argon2Hasher(), clock, required=required, tokens=tokens)

    running = await serve(**served, access=access)
    desk = KeyDesk(found[0], Argon2Hasher(), clock, MonotonicIds().new)
    return Keyed(running, desk, found[0], clock)
