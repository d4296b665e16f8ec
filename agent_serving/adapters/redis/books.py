"""The books of each tenant: what was used, by day, hour and account.

A charge is written with its fact, in the session's slot, onto the session's bill. From there it is
entered into the tenant's books, which lie in another slot: later, maybe twice, maybe by two
processes at once. The books remember the last version that they have of each session, so each
charge counts once. Reading enters what is still on bills first, so it misses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterable, Sequence
from itertools import groupby

from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import BookKeys, SessionKeys
from agent_serving.domain.charge import Account, Charge
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.ports import Append

log = logging.getLogger(__name__)

HOURS = 24
KEEP_SECONDS = 400 * 24 * 3600
_DAYS_AT_ONCE = 31
_ENTRIES_AT_ONCE = 200
_SESSIONS_AT_ONCE = 16
SOON_SECONDS = 0.5
"""A session whose turn waits for its caller again and again is entered once in that time."""
CLOSING_SECONDS = 2.0


class Books:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._charge = gateway.script("charge")
        self._settle = gateway.script("bill_settle")
        self._unmark = gateway.script("open_unmark")
        self._due: dict[str, str] = {}
        """Session → tenant."""
        self._task: asyncio.Task[None] | None = None

    def mark(self, append: Append) -> Command | None:
        """Says that the session's bill may have something on it; to be sent before the append."""
        if append.charge is None:
            return None
        key = self._keys(append.tenant).unbilled
        return ("ZADD", key, "GT", append.version + 1, encode(append.session_id))

    def entry(self, append: Append) -> bytes:
        """A line of the bill; empty where there is nothing to charge."""
        if append.charge is None:
            return b""
        return f"{append.version + 1} {append.charge.model_dump_json()}".encode()

    def enter_soon(self, session_id: str, tenant: str) -> None:
        """Beside what is going on: nobody waits for it, as reading enters what is missing."""
        self._due[session_id] = tenant
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._enter_later(), name="books")

    async def aclose(self) -> None:
        """Enter what is due, as far as that takes no longer than `CLOSING_SECONDS`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._enter_due()

    async def _enter_later(self) -> None:
        while self._due:
            await asyncio.sleep(SOON_SECONDS)
            await self._enter_due()

    async def _enter_due(self) -> None:
        due = list(self._due)
        for start in range(0, len(due), _SESSIONS_AT_ONCE):
            some = due[start : start + _SESSIONS_AT_ONCE]
            await asyncio.gather(*(self._enter_one(session_id) for session_id in some))

    async def _enter_one(self, session_id: str) -> None:
        """What cannot be entered now stays due; who reads the books enters it, too."""
        tenant = self._due.pop(session_id)
        try:
            await self._enter(session_id, tenant)
        except StoreUnavailable:
            self._due.setdefault(session_id, tenant)
        except asyncio.CancelledError:
            self._due.setdefault(session_id, tenant)
            raise
        except Exception:
            log.exception("the bill of %s cannot be entered", session_id)

    async def charges(self, tenant: str, since: int, until: int) -> list[Charge]:
        marks = await self._gateway.ask(("ZRANGE", self._keys(tenant).unbilled, 0, -1))
        for member in marks:
            await self._enter(decode(member), tenant)
        found: list[Charge] = []
        days = range(since // HOURS, (until - 1) // HOURS + 1)
        for start in range(0, len(days), _DAYS_AT_ONCE):
            chunk = days[start : start + _DAYS_AT_ONCE]
            keys = [self._keys(tenant).day(day) for day in chunk]
            for page in await self._gateway.send(*(("HGETALL", key) for key in keys)):
                found += _read(tenant, page)
        return sorted(
            (row for row in found if since <= row.hour < until),
            key=lambda row: (row.hour, row.account.model_dump_json()),
        )

    async def _enter(self, session_id: str, tenant: str) -> None:
        keys = SessionKeys(self._prefix, session_id)
        marks, member = self._keys(tenant).unbilled, encode(session_id)
        while True:
            lines, version, marked = await self._gateway.send(
                ("LRANGE", keys.bill, 0, _ENTRIES_AT_ONCE - 1),
                ("XLEN", keys.log),
                ("ZSCORE", marks, member),
            )
            if not lines:
                if marked is not None and (version == 0 or int(float(marked)) <= version):
                    # The append that it was set for was refused, or is on no bill any more.
                    await self._gateway.send(self._unmark([marks], member, int(float(marked))))
                return
            charges = [_line(line) for line in lines]
            last = charges[-1][0]
            await self._gateway.send(*self._entering(session_id, charges))
            left = await self._gateway.ask(self._settle([keys.bill], last))
            if left == 0:
                await self._gateway.send(self._unmark([marks], member, last))
                return

    def _entering(
        self, session_id: str, charges: Sequence[tuple[int, Charge]]
    ) -> Iterable[Command]:
        def place(line: tuple[int, Charge]) -> tuple[str, int]:
            return line[1].account.tenant, line[1].hour // HOURS

        # Sorting is stable: within a day the versions stay in order.
        for (tenant, day), group in groupby(sorted(charges, key=place), key=place):
            arguments: list[bytes | str | int] = [encode(session_id), KEEP_SECONDS]
            for version, charge in group:
                arguments += [version, len(charge.amounts)]
                for name, amount in charge.amounts.items():
                    arguments += [_field(charge, name), amount]
            keys = self._keys(tenant)
            yield self._charge([keys.day(day), keys.entered(day)], *arguments)

    def _keys(self, tenant: str) -> BookKeys:
        return BookKeys(self._prefix, tenant)


def _line(line: bytes) -> tuple[int, Charge]:
    version, _, body = line.partition(b" ")
    return int(version), Charge.model_validate_json(body)


def _field(charge: Charge, amount: str) -> bytes:
    account = charge.account.model_dump(exclude={"tenant"}, exclude_none=True)
    return f"{charge.hour} {amount} {json.dumps(account, sort_keys=True)}".encode()


def _read(tenant: str, page: dict[bytes, bytes]) -> list[Charge]:
    """The rows of a day: one for each hour and account."""
    rows: dict[tuple[int, bytes], dict[str, int]] = {}
    for field, amount in page.items():
        hour, name, account = field.split(b" ", 2)
        rows.setdefault((int(hour), account), {})[name.decode()] = int(amount)
    return [
        Charge(hour=hour, account=Account(tenant=tenant, **json.loads(account)), amounts=amounts)
        for (hour, account), amounts in rows.items()
    ]
