"""The `BatchStore` port over Redis. What belongs to one batch lies in one slot.

The lists of a tenant's batches and of the unfinished ones lie outside of it. They may name a batch
too many, never one too few: one that is not there is dropped, one that is put is named before and
behind.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import BatchKeys, batches_key, unfinished_key
from agent_serving.adapters.redis.paging import Look, Scan, drop, page
from agent_serving.domain.batch import (
    Batch,
    BatchHead,
    BatchRequest,
    Outcome,
    cost_of,
    usage_of,
)
from agent_serving.domain.errors import LogGone, StoreUnavailable
from agent_serving.domain.values import Agent
from agent_serving.ports.batches import BatchListing, BatchRow, NewBatch, UnderWay

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GONE_MS = 24 * 60 * 60 * 1000
_REPLICAS_MS = 2_000
_AMOUNT = b"amount:"
_COUNTERS = {
    "completed": "completed",
    "incomplete": "incomplete",
    "failed": "failed",
    "cancelled": "stopped",
}


class BatchTable:
    """A batch is accepted when `replicas` of the server have it too. What is lost with a primary
    of the rest is found again in the sessions."""

    def __init__(self, gateway: Gateway, prefix: str, *, replicas: int = 0) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._replicas = replicas
        self._unfinished = unfinished_key(prefix)
        self._put = gateway.script("batch_put")
        self._take = gateway.script("batch_take")
        self._park = gateway.script("batch_park")
        self._settle = gateway.script("batch_settle")
        self._cancel = gateway.script("batch_cancel")
        self._delete = gateway.script("batch_delete")

    async def put(self, batch: NewBatch) -> bool:
        head, member = batch.head, encode(batch.head.id)
        named: list[Command] = [
            ("ZADD", batches_key(self._prefix, head.tenant), 0, member),
            ("ZADD", self._unfinished, 0, member),
        ]
        waiting: list[Command] = [("WAIT", self._replicas, _REPLICAS_MS)] if self._replicas else []
        replies = await self._gateway.send(*named, self._putting(batch), *named, *waiting)
        if self._replicas and replies[-1] < self._replicas:
            raise StoreUnavailable(
                f"only {replies[-1]} of {self._replicas} replicas of Redis have the batch; it runs "
                "all the same, and may be lost with the primary"
            )
        made: int = replies[len(named)]
        if made < 0:
            raise LogGone(f"Batch {head.id} was deleted.")
        return bool(made)

    def _putting(self, batch: NewBatch) -> Command:
        keys, head = self._keys(batch.head.id), batch.head
        requests: list[bytes] = []
        for request in batch.requests:
            requests += [encode(request.custom_id), _json(request)]
        return self._put(
            [keys.meta, keys.requests, keys.places, keys.agents, keys.gone],
            _json(head),
            secrets.token_bytes(12),
            len(batch.requests),
            "" if head.expires_at is None else _milliseconds(head.expires_at),
            len(batch.agents),
            *map(_json, batch.agents),
            *requests,
        )

    async def get(self, batch_id: str) -> Batch | None:
        return _read(await self._gateway.ask(("HGETALL", self._keys(batch_id).meta)))

    async def page(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> BatchListing:
        rows, more = await page(
            self._gateway,
            batches_key(self._prefix, tenant),
            Scan.of(after=after, before=before, descending=descending),
            limit,
            ask=lambda member: ("HGETALL", self._keys(decode(member)).meta),
            read=_read,
            look=Look(self._ends, lambda ends: ends[0] is not None),
        )
        return BatchListing(rows, more=more)

    async def agents(self, batch_id: str) -> list[Agent]:
        bodies = await self._gateway.ask(("LRANGE", self._keys(batch_id).agents, 0, -1))
        return [Agent.model_validate_json(body) for body in bodies]

    async def rows(self, batch_id: str, start: int, stop: int) -> list[BatchRow]:
        if stop <= start:
            return []
        keys, places = self._keys(batch_id), range(start, stop)
        bodies, outcomes = await self._gateway.send(
            ("LRANGE", keys.requests, start, stop - 1), ("HMGET", keys.outcomes, *places)
        )
        return [
            BatchRow(
                place,
                BatchRequest.model_validate_json(body),
                None if outcome is None else Outcome.model_validate_json(outcome),
            )
            for place, body, outcome in zip(places, bodies, outcomes, strict=False)
        ]

    async def requests(self, batch_id: str, places: Sequence[int]) -> dict[int, BatchRequest]:
        key = self._keys(batch_id).requests
        bodies = await self._gateway.send(*(("LINDEX", key, place) for place in places))
        return {
            place: BatchRequest.model_validate_json(body)
            for place, body in zip(places, bodies, strict=True)
            if body is not None
        }

    async def place(self, batch_id: str, custom_id: str) -> int | None:
        found = await self._gateway.ask(("HGET", self._keys(batch_id).places, encode(custom_id)))
        return None if found is None else int(found)

    async def take(self, batch_id: str, below: int) -> None:
        keys = self._keys(batch_id)
        await self._gateway.ask(self._take([keys.meta, keys.running], below))

    async def under_way(self, batch_id: str) -> UnderWay:
        keys = self._keys(batch_id)
        running, waiting = await self._gateway.send(
            ("SMEMBERS", keys.running), ("SMEMBERS", keys.waiting)
        )
        return UnderWay(tuple(sorted(map(int, running))), tuple(sorted(map(int, waiting))))

    async def park(self, batch_id: str, place: int, *, waiting: bool) -> None:
        keys = self._keys(batch_id)
        where = [keys.meta, keys.running, keys.waiting]
        await self._gateway.ask(self._park(where, place, "1" if waiting else "0"))

    async def settle(
        self,
        batch_id: str,
        place: int,
        outcome: Outcome,
        *,
        at: datetime,
        amounts: Mapping[str, int],
        currency: str | None = None,
    ) -> None:
        keys = self._keys(batch_id)
        pairs: list[str | int] = []
        for name, amount in amounts.items():
            pairs += [name, amount]
        await self._gateway.ask(
            self._settle(
                [keys.meta, keys.running, keys.waiting, keys.outcomes],
                place,
                _COUNTERS[outcome.status],
                _json(outcome),
                at.isoformat(),
                currency or "",
                *pairs,
            )
        )

    async def cancel(self, batch_id: str, *, at: datetime) -> Batch | None:
        keys = self._keys(batch_id)
        where = [keys.meta, keys.running, keys.waiting]
        _, meta = await self._gateway.send(
            self._cancel(where, at.isoformat()), ("HGETALL", keys.meta)
        )
        return _read(meta)

    async def delete(self, batch_id: str, tenant: str) -> bool:
        keys, member = self._keys(batch_id), encode(batch_id)
        if not await self._gateway.ask(self._delete([keys.gone, *keys.data, keys.lease], _GONE_MS)):
            return False
        await self._gateway.send(
            ("ZREM", batches_key(self._prefix, tenant), member),
            ("ZREM", self._unfinished, member),
        )
        return True

    async def unfinished(self) -> list[str]:
        return [decode(m) for m in await self._gateway.ask(("ZRANGE", self._unfinished, 0, -1))]

    async def forget(self, batch_id: str) -> None:
        unfinished = Look(self._ends, lambda ends: ends[0] is not None and ends[1] is None)
        await drop(self._gateway, self._unfinished, [encode(batch_id)], unfinished)

    def _ends(self, member: bytes) -> Command:
        """Its beginning and its end, as far as there are."""
        return ("HMGET", self._keys(decode(member)).meta, "head", "ended")

    def _keys(self, batch_id: str) -> BatchKeys:
        return BatchKeys(self._prefix, batch_id)


def _json(value: BatchHead | BatchRequest | Agent | Outcome) -> bytes:
    return value.model_dump_json().encode()


def _read(meta: Mapping[bytes, bytes]) -> Batch | None:
    """None where there is no such batch."""
    if b"head" not in meta:
        return None
    counters = ("taken", "waiting", "completed", "incomplete", "failed", "stopped")
    amounts = {
        decode(field.removeprefix(_AMOUNT)): int(amount)
        for field, amount in meta.items()
        if field.startswith(_AMOUNT)
    }
    currency = meta.get(b"currency")
    return Batch(
        **dict(BatchHead.model_validate_json(meta[b"head"])),
        **{name: int(meta.get(name.encode(), 0)) for name in counters},
        usage=usage_of(amounts),
        cost=cost_of(amounts, None if currency is None else decode(currency)),
        cancelled_at=_time(meta.get(b"cancelled")),
        ended_at=_time(meta.get(b"ended")),
    )


def _time(text: bytes | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(decode(text))


def _milliseconds(time: datetime) -> int:
    """Since 1970; rounded up, so that nothing expires early."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))
