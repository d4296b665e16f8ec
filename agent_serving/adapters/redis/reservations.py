"""Ids that are reserved for what requests with an Idempotency-Key make: each in a slot of its
own, since the object's slot is known by its id only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from agent_serving.adapters.redis.gateway import Gateway, decode, encode
from agent_serving.adapters.redis.keys import reservation_key
from agent_serving.domain.receipt import KEPT, RequestMark, mismatch
from agent_serving.ports import Reserved

KEPT_MS = KEPT // timedelta(milliseconds=1)


class Reservations:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._reserve = gateway.script("reserve")

    async def reserve(self, mark: RequestMark, object_id: str, at: datetime) -> Reserved:
        milliseconds = int(at.timestamp() * 1000)
        row = await self._gateway.ask(
            self._reserve([self._key(mark)], mark.body, encode(object_id), milliseconds, KEPT_MS)
        )
        return _read(row, mark)

    async def find(self, mark: RequestMark) -> Reserved | None:
        row = await self._gateway.ask(("HMGET", self._key(mark), "body", "id", "at"))
        return None if row[0] is None else _read(row, mark)

    async def release(self, mark: RequestMark) -> None:
        await self._gateway.ask(("UNLINK", self._key(mark)))

    def _key(self, mark: RequestMark) -> str:
        return reservation_key(self._prefix, mark.key)


def _read(row: Sequence[bytes], mark: RequestMark) -> Reserved:
    body, object_id, milliseconds = row
    if decode(body) != mark.body:
        raise mismatch()
    return Reserved(decode(object_id), datetime.fromtimestamp(int(milliseconds) / 1000, UTC))
