"""The `Quotas` port over Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import (
    BatchKeys,
    QuotaKeys,
    SessionKeys,
    batches_key,
    sessions_key,
)
from agent_serving.ports.quotas import Kind, Rate

_MINUTE = 60_000_000
_SECOND = 1_000_000
_OPENING_MS = 30_000
_BATCH = 200


class RedisQuotas:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._request = gateway.script("quota_request")
        self._take = gateway.script("quota_take")
        self._hold = gateway.script("quota_hold")

    async def request(self, tenant: str, per_minute: int) -> Rate:
        interval = max(1, round(_MINUTE / per_minute))
        allowed, remaining, wait, reset = await self._gateway.ask(
            self._request([self._keys(tenant).requests], interval, per_minute)
        )
        return Rate(
            allowed=allowed == 1,
            limit=per_minute,
            remaining=remaining,
            reset=reset / _SECOND,
            retry_after=wait / _SECOND,
        )

    async def take(self, tenant: str, kind: Kind, member: str, *, most: int, ttl_ms: int) -> bool:
        key = self._keys(tenant).held(kind)
        return bool(await self._gateway.ask(self._take([key], encode(member), most, ttl_ms)))

    async def hold(self, tenant: str, kind: Kind, members: Sequence[str], *, ttl_ms: int) -> None:
        if members:
            key = self._keys(tenant).held(kind)
            await self._gateway.ask(self._hold([key], ttl_ms, *map(encode, members)))

    async def release(self, tenant: str, kind: Kind, member: str) -> None:
        await self._gateway.ask(("ZREM", self._keys(tenant).held(kind), encode(member)))

    async def open_session(self, tenant: str, session_id: str, *, most: int) -> bool:
        """Sessions that are being opened are counted before those that are open: one that passes
        from the first to the second between the two looks counts twice, never not at all."""
        opening = await self._gateway.ask(
            self._hold([self._opening(tenant)], _OPENING_MS, encode(session_id))
        )
        if await self._count(tenant, opening) <= most:
            return True
        # The index may name sessions that have expired.
        await self._drop_expired(tenant)
        return await self._count(tenant, opening) <= most

    async def opened(self, tenant: str, session_id: str) -> None:
        await self._gateway.ask(("ZREM", self._opening(tenant), encode(session_id)))

    async def stored_bytes(self, tenant: str) -> int:
        total = 0
        for index, kind in (
            (sessions_key(self._prefix, tenant), SessionKeys),
            (batches_key(self._prefix, tenant), BatchKeys),
        ):
            async for members in self._members(index):
                commands: list[Command] = [
                    ("MEMORY USAGE", key)
                    for member in members
                    for key in kind(self._prefix, decode(member)).data
                ]
                total += sum(size or 0 for size in await self._gateway.send(*commands))
        return total

    async def _count(self, tenant: str, opening: Sequence[bytes]) -> int:
        index = sessions_key(self._prefix, tenant)
        there, count = await self._gateway.send(("ZMSCORE", index, *opening), ("ZCARD", index))
        return int(count) + sum(score is None for score in there)

    async def _drop_expired(self, tenant: str) -> None:
        index = sessions_key(self._prefix, tenant)
        async for members in self._members(index):
            metas = [SessionKeys(self._prefix, decode(member)).meta for member in members]
            there = await self._gateway.send(*(("EXISTS", meta) for meta in metas))
            gone = [member for member, is_there in zip(members, there, strict=True) if not is_there]
            if gone:
                await self._gateway.send(("ZREM", index, *gone))

    async def _members(self, index: str) -> AsyncIterator[Sequence[bytes]]:
        bound = b"-"
        while members := await self._gateway.ask(
            ("ZRANGEBYLEX", index, bound, "+", "LIMIT", 0, _BATCH)
        ):
            yield members
            bound = b"(" + members[-1]

    def _opening(self, tenant: str) -> str:
        return self._keys(tenant).held("opening")

    def _keys(self, tenant: str) -> QuotaKeys:
        return QuotaKeys(self._prefix, tenant)
