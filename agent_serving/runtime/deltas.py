"""The live text of a reply on its way to followers: batched, coalesced, never in the way. The reply
itself is kept with it, in the same writes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from agent_serving.domain.errors import AgentServingError, SequenceGap, StoreUnavailable
from agent_serving.domain.feed import Public
from agent_serving.domain.partial import Ending, Part
from agent_serving.ports import Keep, Lease, SessionStore
from agent_serving.runtime.reply import Reply

FLUSH_SECONDS = 0.02

Place: TypeAlias = tuple[int, int, Ending | None]
"""In a reply: tokens, chunks, and how the engine has ended it."""
NOWHERE: Place = (0, 0, None)


@dataclass(frozen=True, slots=True)
class _Batch:
    """On its way, under one nonce however often it is sent: it is in the store once, or not."""

    nonce: bytes
    events: tuple[bytes, ...]
    keep: Keep
    up_to: Place


class DeltaWriter:
    """One writer per reply. Deltas are a courtesy: what they told is told again by the fact that
    ends the item, so a store that fails here does not fail the step. Neither what is in the feed
    nor what is kept of the reply has a hole: behind a batch that could not be sent nothing is,
    until it was; behind one that the store has lost the reply is kept anew, from its beginning."""

    def __init__(self, store: SessionStore, session_id: str, lease: Lease, reply: Reply) -> None:
        self._store = store
        self._session_id = session_id
        self._lease = lease
        self._reply = reply
        self._kept: _Batch | None = None
        """The last batch that was kept for certain; None: one cannot say."""
        self._waiting: list[Public] = []
        self._unsent: _Batch | None = None
        self._timer: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()

    def add(self, events: Iterable[Public]) -> None:
        """To be called for each chunk, also for one that makes no event."""
        for event in events:
            if not (self._waiting and self._merge(self._waiting[-1], event)):
                self._waiting.append(event)
        if self._timer is None:
            self._timer = asyncio.create_task(self._later())

    async def flush(self) -> None:
        """All that was added is in the feed when this returns, where the store can be reached;
        call it before the next fact."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            await asyncio.gather(timer, return_exceptions=True)
        await self._send()

    async def _later(self) -> None:
        while self._waiting or self._unsent or self._behind():
            await asyncio.sleep(FLUSH_SECONDS)
            await asyncio.shield(self._send())
        self._timer = None

    def _behind(self) -> bool:
        return self._kept_up_to() != self._here()

    def _kept_up_to(self) -> Place:
        return NOWHERE if self._kept is None else self._kept.up_to

    def _here(self) -> Place:
        return len(self._reply.tokens), len(self._reply.text), self._reply.finish

    async def _send(self) -> None:
        async with self._sending:
            while batch := self._next():
                try:
                    await self._store.publish(
                        self._session_id,
                        batch.events,
                        keep=batch.keep,
                        lease=self._lease,
                        nonce=batch.nonce,
                    )
                except StoreUnavailable:
                    return
                except SequenceGap:
                    self._kept = None
                    self._unsent = self._batch(batch.events)
                    continue
                except AgentServingError:
                    self._unsent, self._kept = None, None
                    self._waiting.clear()
                    return
                self._unsent, self._kept = None, batch

    def _next(self) -> _Batch | None:
        if self._unsent is None and (self._waiting or self._behind()):
            self._unsent = self._batch()
        return self._unsent

    def _batch(self, unsent: tuple[bytes, ...] = ()) -> _Batch:
        """All that was added, behind events that could not be sent."""
        events, self._waiting = self._waiting, []
        told = (event.model_dump_json().encode() for event in events)
        return _Batch(secrets.token_bytes(12), (*unsent, *told), self._keep(), self._here())

    def _keep(self) -> Keep:
        reply = self._reply
        tokens, chunks, _ = self._kept_up_to()
        part = Part(tokens=tuple(reply.tokens[tokens:]), text="".join(reply.text[chunks:]))
        return Keep(
            head=reply.head().model_dump_json(exclude_defaults=True).encode(),
            part=part.model_dump_json().encode(),
            behind=None if self._kept is None else self._kept.nonce,
        )

    def _merge(self, last: Public, event: Public) -> bool:
        same = (
            event.type.endswith(".delta")
            and last.type == event.type
            and last.data["item_id"] == event.data["item_id"]
        )
        if same:
            joined = last.data["delta"] + event.data["delta"]
            self._waiting[-1] = last.but(data={**last.data, "delta": joined})
        return same
