"""Who may run which session: leases with a fence, and sessions that are handed over."""

from __future__ import annotations

from agent_serving.adapters.redis import feed
from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import SessionKeys, handed_over_key
from agent_serving.adapters.redis.refusals import fenced, gone
from agent_serving.ports import Handovers, Lease

_HANDOVERS = 10_000
"""How many are kept: for replicas that were busy for a moment. Older ones are found as orphans."""


class Leases:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._handed_over = handed_over_key(prefix)
        self._acquire = gateway.script("lease_acquire")
        self._renew = gateway.script("lease_renew")
        self._release = gateway.script("lease_release")

    async def acquire(self, session_id: str, owner: str, ttl_ms: int) -> Lease | None:
        keys = SessionKeys(self._prefix, session_id)
        epoch, version = await self._gateway.ask(
            self._acquire([keys.lease, keys.meta, keys.log], encode(owner), ttl_ms)
        )
        if epoch < 0:
            raise gone(session_id)
        return Lease(owner, epoch, version) if epoch else None

    async def renew(self, session_id: str, lease: Lease, ttl_ms: int) -> None:
        keys, owner = self._keys(session_id), encode(lease.owner)
        state: int = await self._gateway.ask(self._renew(keys, fence(lease), owner, ttl_ms))
        if state < 0:
            raise gone(session_id)
        if state == 0:
            raise fenced(session_id)

    async def release(self, session_id: str, lease: Lease) -> None:
        keys = self._keys(session_id)
        await self._gateway.ask(self._release(keys, fence(lease), lease.epoch))

    async def hand_over(self, session_id: str) -> None:
        await self._gateway.ask(
            ("XADD", self._handed_over, "MAXLEN", "~", _HANDOVERS, "*", "id", encode(session_id))
        )

    async def handovers(self, after: str | None, block_ms: int) -> Handovers:
        key = self._handed_over
        if after is None:
            last = await self._gateway.ask(("XREVRANGE", key, "+", "-", "COUNT", 1))
            after = decode(last[0][0]) if last else "0-0"

        def commands(milliseconds: int) -> list[Command]:
            block = ("BLOCK", milliseconds) if milliseconds > 0 else ()
            return [("XREAD", *block, "STREAMS", key, after)]

        reply = await self._gateway.wait(commands, block_ms)
        entries = feed.streams(reply[0]).get(encode(key), ())
        return Handovers(
            cursor=decode(entries[-1][0]) if entries else after,
            session_ids=tuple(dict.fromkeys(decode(entry[1][b"id"]) for entry in entries)),
        )

    def _keys(self, session_id: str) -> list[str]:
        keys = SessionKeys(self._prefix, session_id)
        return [keys.lease, keys.meta]


def fence(lease: Lease | None) -> bytes:
    """What a script compares; empty where the writer needs no lease."""
    return b"" if lease is None else b"%d %s" % (lease.epoch, encode(lease.owner))
