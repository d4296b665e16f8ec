"""The books of each tenant: what was used, by day, hour and account.

A charge is written with its fact, in the session's slot, onto the session's bill. From there it is
entered into the tenant's books, which lie in another slot: later, maybe twice, maybe by two
processes at once. The books remember the last version that they have of each session, so each
charge counts once. Reading enters what is still on bills first, so it misses none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import BookKeys, SessionKeys
from agent_serving.domain.charge import Account, Charge
from agent_serving.ports import Append

HOURS = 24
KEEP_SECONDS = 400 * 24 * 3600
_DAYS_AT_ONCE = 31
_ENTRIES_AT_ONCE = 200
_BILLS_AT_ONCE = 16


class Books:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._charge = gateway.script("charge")
        self._settle = gateway.script("bill_settle")
        self._unmark = gateway.script("open_unmark")

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

    async def charges(self, tenant: str, since: int, until: int) -> list[Charge]:
        marks = await self._gateway.ask(("ZRANGE", self._keys(tenant).unbilled, 0, -1))
        for start in range(0, len(marks), _BILLS_AT_ONCE):
            some = marks[start : start + _BILLS_AT_ONCE]
            await self.enter({decode(member): tenant for member in some})
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

    async def enter(self, sessions: Mapping[str, str]) -> None:
        """Enter their bills; session → tenant. Takes as many exchanges for all as for one."""
        while sessions:
            bills = await self._bills(sessions)
            charged = [bill for bill in bills if bill.charges]
            send = self._gateway.send
            await send(*(command for bill in charged for command in self._entering(bill)))
            left = await send(*(self._settle([bill.key], bill.last) for bill in charged))
            entered = [bill for bill, lines in zip(charged, left, strict=True) if lines == 0]
            stale = [bill for bill in bills if bill.is_stale]
            await send(
                *(
                    self._unmark([self._keys(bill.tenant).unbilled], bill.member, bill.last)
                    for bill in (*entered, *stale)
                )
            )
            longer = {bill.session_id for bill in charged} - {bill.session_id for bill in entered}
            sessions = {each: sessions[each] for each in longer}

    async def _bills(self, sessions: Mapping[str, str]) -> list[_Bill]:
        keys = [SessionKeys(self._prefix, session_id) for session_id in sessions]
        commands: list[Command] = []
        for each, tenant in zip(keys, sessions.values(), strict=True):
            # In the order in which a charge is written, so that a bill that is empty, though its
            # mark is for a version that is in the log, will have nothing of that version.
            commands += [
                ("ZSCORE", self._keys(tenant).unbilled, encode(each.session_id)),
                ("XLEN", each.log),
                ("LRANGE", each.bill, 0, _ENTRIES_AT_ONCE - 1),
            ]
        replies = await self._gateway.send(*commands)
        return [
            _bill(each, sessions[each.session_id], *replies[3 * place : 3 * place + 3])
            for place, each in enumerate(keys)
        ]

    def _entering(self, bill: _Bill) -> Iterable[Command]:
        def place(line: tuple[int, Charge]) -> tuple[str, int]:
            return line[1].account.tenant, line[1].hour // HOURS

        # Sorting is stable: within a day the versions stay in order.
        for (tenant, day), group in groupby(sorted(bill.charges, key=place), key=place):
            arguments: list[bytes | str | int] = [bill.member, KEEP_SECONDS]
            for version, charge in group:
                arguments += [version, len(charge.amounts)]
                for name, amount in charge.amounts.items():
                    arguments += [_field(charge, name), amount]
            keys = self._keys(tenant)
            yield self._charge([keys.day(day), keys.entered(day)], *arguments)

    def _keys(self, tenant: str) -> BookKeys:
        return BookKeys(self._prefix, tenant)


@dataclass(frozen=True, slots=True)
class _Bill:
    """What is on a session's bill, from its top; `marked` is the version of the last fact that may
    have put something there, `version` that of the log."""

    key: str
    session_id: str
    tenant: str
    charges: Sequence[tuple[int, Charge]]
    marked: int | None
    version: int

    @property
    def member(self) -> bytes:
        return encode(self.session_id)

    @property
    def is_stale(self) -> bool:
        """The append that it was marked for was refused, or is on no bill any more."""
        if self.charges or self.marked is None:
            return False
        return self.version == 0 or self.marked <= self.version

    @property
    def last(self) -> int:
        """The version up to which it is settled."""
        return self.charges[-1][0] if self.charges else self.marked or 0


def _bill(
    keys: SessionKeys, tenant: str, marked: float | None, version: int, lines: list[bytes]
) -> _Bill:
    return _Bill(
        key=keys.bill,
        session_id=keys.session_id,
        tenant=tenant,
        charges=[_line(line) for line in lines],
        marked=None if marked is None else int(float(marked)),
        version=version,
    )


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
