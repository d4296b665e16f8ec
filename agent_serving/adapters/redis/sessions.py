"""Which sessions there are, and which may have an open turn.

These two indexes lie outside the slots of the sessions, so no script can keep them in step with
the logs. Each is written such that it may name a session too many, never one too few; what is
found to be stale is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent_serving.adapters.redis.gateway import Command, Gateway, decode, encode
from agent_serving.adapters.redis.keys import SessionKeys, open_key, sessions_key
from agent_serving.adapters.redis.paging import Look, Scan, page
from agent_serving.ports import Append, Listing

_BATCH = 500


class SessionIndex:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._open = open_key(prefix)
        self._list_open = gateway.script("open_list")
        self._unmark = gateway.script("open_unmark")

    def around(self, append: Append, command: Command) -> tuple[list[Command], int]:
        """The commands of an append with the index writes it needs, and the place of its own."""
        before: list[Command] = []
        after: list[Command] = []
        member = encode(append.session_id)
        if append.version == 0:
            listed: Command = ("ZADD", sessions_key(self._prefix, append.tenant), 0, member)
            before.append(listed)
            # Again: a listing may have met the entry before its log was there, and dropped it.
            after.append(listed)
        if append.open:
            before.append(("ZADD", self._open, "GT", append.version + 1, member))
        return [*before, command, *after], len(before)

    async def settle(self, versions: Mapping[str, int]) -> None:
        """Take their marks away: session → version at which no turn was open. A mark stays that was
        set for a later fact, or where the log has come back without that version."""
        await self._still_open([(encode(each), version) for each, version in versions.items()])

    def forgotten(self, session_id: str, tenant: str) -> list[Command]:
        """The commands that take a deleted session out."""
        member = encode(session_id)
        return [
            ("ZREM", sessions_key(self._prefix, tenant), member),
            ("ZREM", self._open, member),
        ]

    async def page(self, tenant: str, scan: Scan, limit: int) -> Listing:
        rows, more = await page(
            self._gateway,
            sessions_key(self._prefix, tenant),
            scan,
            limit,
            ask=lambda member: ("HGET", self._keys(member).meta, "summary"),
            read=lambda summary: summary,
            look=Look(lambda member: ("EXISTS", self._keys(member).meta), bool),
        )
        return Listing(rows=rows, more=more)

    async def open(self, *, orphaned: bool = False) -> list[str]:
        """With `orphaned`, those whose lease nobody holds."""
        flat: list[bytes] = await self._gateway.ask(self._list_open([self._open]))
        marks = [(flat[i], int(float(flat[i + 1]))) for i in range(0, len(flat), 2)]
        found: list[str] = []
        for start in range(0, len(marks), _BATCH):
            batch: Sequence[tuple[bytes, int]] = marks[start : start + _BATCH]
            if orphaned:
                batch = await self._unheld(batch)
            found += await self._still_open(batch)
        return found

    async def _unheld(self, marks: Sequence[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
        held = await self._gateway.send(
            *(("EXISTS", self._keys(member).lease) for member, _ in marks)
        )
        return [mark for mark, lease in zip(marks, held, strict=True) if not lease]

    async def _still_open(self, marks: Sequence[tuple[bytes, int]]) -> list[str]:
        """The sessions with a turn that may be open; the marks of the others go."""
        commands: list[Command] = []
        for member, _ in marks:
            keys = self._keys(member)
            commands += [("XLEN", keys.log), ("HGET", keys.meta, "open"), ("EXISTS", keys.gone)]
        replies = await self._gateway.send(*commands)
        found: list[str] = []
        stale: list[Command] = []
        for index, (member, marked) in enumerate(marks):
            version, is_open, gone = replies[3 * index : 3 * index + 3]
            if _settled(marked, version=version, is_open=is_open == b"1", gone=bool(gone)):
                stale.append(self._unmark([self._open], member, marked))
            else:
                found.append(decode(member))
        await self._gateway.send(*stale)
        return found

    def _keys(self, member: bytes) -> SessionKeys:
        return SessionKeys(self._prefix, decode(member))


def _settled(marked: int, *, version: int, is_open: bool, gone: bool) -> bool:
    """Whether a mark set for the fact that makes version `marked` can go: that fact, if it is
    still on its way, will be refused, and none before it left a turn open."""
    if gone:
        return True
    if version == 0:
        # Expired; unless the mark belongs to a first fact that is about to be written.
        return marked > 1
    return marked <= version and not is_open
