"""What is to be done once a session's turn has ended or waits, and nobody waits for: the mark that
it may have an open turn goes, and its bill is entered into the books.

It is done a little later, for many sessions at once: that is a few exchanges, however many they
are. Nothing depends on it: what was not done is found by whoever reads the marks or the books.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from agent_serving.adapters.redis.books import Books
from agent_serving.adapters.redis.sessions import SessionIndex
from agent_serving.domain.errors import StoreUnavailable

log = logging.getLogger(__name__)

SOON_SECONDS = 0.5
"""A session whose turn waits for its caller again and again is settled once in that time."""
CLOSING_SECONDS = 2.0
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Due:
    tenant: str
    version: int
    """At which no turn was open, as far as its writer knows: the log has the last word."""


class Settlements:
    def __init__(self, index: SessionIndex, books: Books) -> None:
        self._index = index
        self._books = books
        self._due: dict[str, _Due] = {}
        self._task: asyncio.Task[None] | None = None

    def soon(self, session_id: str, tenant: str, version: int) -> None:
        """No turn of the session was open at `version`."""
        self._due[session_id] = _Due(tenant, version)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later(), name="settlements")

    async def aclose(self) -> None:
        """Do what is due, as far as that takes no longer than `CLOSING_SECONDS`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._settle_due()

    async def _later(self) -> None:
        while self._due:
            await asyncio.sleep(SOON_SECONDS)
            await self._settle_due()

    async def _settle_due(self) -> None:
        due = list(self._due.items())
        for start in range(0, len(due), _AT_ONCE):
            some = due[start : start + _AT_ONCE]
            try:
                await self._settle(dict(some))
            except Exception:
                # One bill that cannot be read is not to keep the others.
                for session_id, one in some:
                    await self._settle_alone(session_id, one)

    async def _settle_alone(self, session_id: str, due: _Due) -> None:
        """Stays due where the store cannot be reached."""
        try:
            await self._settle({session_id: due})
        except StoreUnavailable:
            return
        except Exception:
            log.exception("the bill of %s cannot be entered", session_id)
            self._done(session_id, due)

    async def _settle(self, some: Mapping[str, _Due]) -> None:
        await self._index.settle({each: due.version for each, due in some.items()})
        await self._books.enter({each: due.tenant for each, due in some.items()})
        for session_id, due in some.items():
            self._done(session_id, due)

    def _done(self, session_id: str, due: _Due) -> None:
        """Unless it is due again."""
        if self._due.get(session_id) is due:
            del self._due[session_id]
