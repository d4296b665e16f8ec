"""Objects that are made once, however often a request with an Idempotency-Key comes.

What a request does to a session is marked in its fact, so it is recorded by what it does. A request
that makes a session has no log to look into before: it reserves the id, which lies in a slot of its
own. The first fact of that id is then the record; a log can begin only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent_serving.domain import events as e
from agent_serving.domain import receipt as receipts
from agent_serving.domain.errors import LogGone, NotFound, StaleWriter
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Session
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.quotas import TenantQuotas

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """`replayed`: an earlier request with this key made it; this one changed nothing."""

    value: T
    replayed: bool = False


class SessionMaker:
    def __init__(self, ports: Ports, journals: Journals, quotas: TenantQuotas) -> None:
        self._ports = ports
        self._journals = journals
        self._quotas = quotas

    async def known(self, tenant: str, mark: RequestMark | None) -> Session | None:
        """The session that the request made before; None where it made none that is here now.
        Raises IdempotencyMismatch."""
        reserved = await self._ports.store.reserved(mark) if mark is not None else None
        if reserved is None:
            return None
        journal = await self._journals.find(reserved.object_id)
        if journal is None or journal.session.tenant != tenant:
            return None
        return journal.session

    async def make(
        self,
        fact: e.SessionOpened | e.SessionForked,
        tokens: Sequence[int] = (),
        *,
        mark: RequestMark | None = None,
    ) -> Made[Session]:
        """With a `mark` the session has the id of the first request that came with it.

        Raises IdempotencyMismatch, NotFound (that session was deleted or has expired),
        LimitReached."""
        if mark is None:
            return Made(await self._stored(fact, tokens))
        reserved = await self._ports.store.reserve(mark, fact.session_id, at=fact.at)
        if fact.expires_at is not None and fact.at - reserved.at >= fact.expires_at - fact.at:
            raise _gone(reserved.object_id)
        is_first = reserved.object_id == fact.session_id
        fact = fact.but(session_id=reserved.object_id, request=mark)
        if not is_first and await self._journals.find(fact.session_id) is not None:
            return await self._again(fact, mark)
        try:
            return Made(await self._stored(fact, tokens))
        except StaleWriter:
            return await self._again(fact, mark)
        except LogGone:
            raise _gone(reserved.object_id) from None

    async def _stored(
        self, fact: e.SessionOpened | e.SessionForked, tokens: Sequence[int]
    ) -> Session:
        async with self._quotas.session(fact.tenant, fact.session_id):
            return (await self._journals.create(fact, tokens)).session

    async def _again(
        self, fact: e.SessionOpened | e.SessionForked, mark: RequestMark
    ) -> Made[Session]:
        journal = await self._journals.open(fact.session_id, fact.tenant)
        receipts.find(journal.session.receipts, mark, fact.at)
        return Made(journal.session, replayed=True)

    async def forget(self, mark: RequestMark | None) -> None:
        """The request was refused after all: it may come again, also with another body."""
        if mark is not None:
            await self._ports.store.release(mark)


def _gone(session_id: str) -> NotFound:
    return NotFound(
        f"The first request with this Idempotency-Key opened session {session_id}, which was "
        "deleted or has expired since. Send a new key to open another one.",
        param="idempotency-key",
    )
