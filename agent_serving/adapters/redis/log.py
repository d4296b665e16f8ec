"""A session's log: its facts, its transcript's tokens, and the end of both."""

from __future__ import annotations

import secrets
import struct
from datetime import UTC, datetime, timedelta

from agent_serving.adapters.redis.books import Books
from agent_serving.adapters.redis.gateway import Command, Gateway
from agent_serving.adapters.redis.keys import SessionKeys
from agent_serving.adapters.redis.leases import fence
from agent_serving.adapters.redis.refusals import fenced, gone
from agent_serving.adapters.redis.sessions import SessionIndex
from agent_serving.adapters.redis.settlements import Settlements
from agent_serving.domain.errors import SequenceGap, StaleWriter, StoreUnavailable
from agent_serving.ports import Append, Stored

_GONE_MS = 24 * 60 * 60 * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REPLICAS_MS = 2_000


class SessionLog:
    """An append returns when `replicas` of the server have it too."""

    def __init__(
        self,
        gateway: Gateway,
        prefix: str,
        index: SessionIndex,
        books: Books,
        settlements: Settlements,
        *,
        replicas: int,
    ) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._index = index
        self._books = books
        self._settlements = settlements
        self._replicas = replicas
        self._append = gateway.script("append")
        self._load = gateway.script("load")
        self._delete = gateway.script("delete")

    async def append(self, append: Append) -> int:
        if append.width < 1:
            raise ValueError(f"a fact stands for at least one event, not {append.width}")
        commands, place = self._index.around(append, self._append_command(append))
        mark = self._books.mark(append)
        if mark is not None:
            commands, place = [mark, *commands], place + 1
        if self._replicas:
            commands = [*commands, ("WAIT", self._replicas, _REPLICAS_MS)]
        replies = await self._gateway.send(*commands)
        if self._replicas and replies[-1] < self._replicas:
            raise StoreUnavailable(
                f"only {replies[-1]} of {self._replicas} replicas of Redis have the fact; it is in "
                "the log all the same, and may be lost with the primary"
            )
        state, value, *rest = replies[place]
        where = f"session {append.session_id!r}"
        match state:
            case b"ok":
                if not append.open and rest == [b"1"]:
                    self._settlements.soon(append.session_id, append.tenant, append.version + 1)
                return int(value)
            case b"stale":
                raise StaleWriter(
                    f"{where}: the log is at version {value}, the writer at {append.version}; "
                    "load the session again",
                    details={"version": value},
                )
            case b"gap":
                raise SequenceGap(
                    f"{where}: the writer is at version {append.version}, the log only at {value}; "
                    "facts are missing between them",
                    details={"version": value},
                )
            case b"fenced":
                raise fenced(append.session_id)
            case _:
                raise gone(append.session_id)

    def _append_command(self, append: Append) -> Command:
        keys = self._keys(append.session_id)
        return self._append(
            [
                keys.meta,
                keys.log,
                keys.live,
                keys.tokens,
                keys.snapshot,
                keys.memory,
                keys.reply,
                keys.gone,
                keys.bill,
            ],
            append.version,
            append.width,
            append.fact,
            struct.pack(f"<{len(append.tokens)}I", *append.tokens),
            append.summary,
            "1" if append.open else "0",
            append.snapshot or b"",
            "" if append.expires_at is None else _milliseconds(append.expires_at),
            secrets.token_bytes(12),
            self._books.entry(append),
            fence(append.lease),
            "1" if append.settles else "0",
        )

    async def load(self, session_id: str, *, after_version: int = 0) -> Stored | None:
        keys = self._keys(session_id)
        reply = await self._gateway.ask(
            self._load([keys.meta, keys.log, keys.snapshot], after_version)
        )
        if reply is None:
            return None
        version, snapshot, facts = reply
        return Stored(snapshot=snapshot, facts=tuple(facts), version=version)

    async def tokens(self, session_id: str, start: int = 0, end: int | None = None) -> list[int]:
        if start < 0 or (end is not None and end < 0):
            raise ValueError(f"transcript positions count from 0, not [{start}, {end})")
        if end is not None and end <= start:
            return []
        last = -1 if end is None else 4 * end - 1
        packed: bytes = await self._gateway.ask(
            ("GETRANGE", self._keys(session_id).tokens, 4 * start, last)
        )
        return list(struct.unpack(f"<{len(packed) // 4}I", packed))

    async def delete(self, session_id: str, tenant: str) -> None:
        keys = self._keys(session_id)
        await self._gateway.send(
            self._delete([keys.gone, *keys.data], _GONE_MS),
            *self._index.forgotten(session_id, tenant),
        )

    async def stored_bytes(self, session_id: str) -> int:
        keys = self._keys(session_id)
        sizes = await self._gateway.send(
            *(("MEMORY USAGE", key) for key in (*keys.data, keys.bill))
        )
        return sum(size or 0 for size in sizes)

    def _keys(self, session_id: str) -> SessionKeys:
        return SessionKeys(self._prefix, session_id)


def _milliseconds(time: datetime) -> int:
    """Since 1970; rounded up, so that nothing expires early."""
    return -((_EPOCH - time) // timedelta(milliseconds=1))
