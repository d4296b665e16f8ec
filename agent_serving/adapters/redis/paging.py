"""Pages of a sorted set whose members all have score 0: they lie in order of their bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from agent_serving.adapters.redis.gateway import Command, Gateway, encode

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked of the store about a member, and whether the answer means that it is there."""

    ask: Callable[[bytes], Command]
    is_there: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Scan:
    """A walk over the members between `low` and `high` (both excluded; None: no bound). A walk
    that is `against` the order of the list starts at its far end: its rows come out reversed."""

    low: bytes | None
    high: bytes | None
    ascending: bool
    against: bool

    @classmethod
    def of(cls, *, after: str | None, before: str | None, descending: bool) -> Scan:
        """`after` and `before` are places in the list, so with `descending` what comes after an
        id is smaller. `before` alone means the page that ends there."""
        against = before is not None and after is None
        first = None if after is None else encode(after)
        last = None if before is None else encode(before)
        low, high = (last, first) if descending else (first, last)
        return cls(low=low, high=high, ascending=descending == against, against=against)

    def command(self, key: str, count: int) -> Command:
        return (self.verb, key, *self.bounds, "LIMIT", 0, count)

    @property
    def verb(self) -> str:
        return "ZRANGEBYLEX" if self.ascending else "ZREVRANGEBYLEX"

    @property
    def bounds(self) -> tuple[bytes, bytes]:
        low = b"-" if self.low is None else b"(" + self.low
        high = b"+" if self.high is None else b"(" + self.high
        return (low, high) if self.ascending else (high, low)

    def beyond(self, member: bytes) -> Scan:
        """The rest of the walk, once it has come to `member`."""
        return replace(self, low=member) if self.ascending else replace(self, high=member)


async def page(
    gateway: Gateway,
    key: str,
    scan: Scan,
    limit: int,
    *,
    ask: Callable[[bytes], Command],
    read: Callable[[Any], Row | None],
    look: Look,
) -> tuple[tuple[Row, ...], bool]:
    """`limit` rows, each read from what its member is asked for, and whether there are more.
    Members that have no row are dropped (see `drop`) and others take their places."""
    rows: list[Row] = []
    against = scan.against
    while (wanted := limit + 1 - len(rows)) > 0:
        members: Sequence[bytes] = await gateway.ask(scan.command(key, wanted))
        if not members:
            break
        found = [read(reply) for reply in await gateway.send(*map(ask, members))]
        rows += [row for row in found if row is not None]
        gone = [m for m, row in zip(members, found, strict=True) if row is None]
        await drop(gateway, key, gone, look)
        if len(members) < wanted:
            break
        scan = scan.beyond(members[-1])
    first = rows[:limit]
    return tuple(reversed(first) if against else first), len(rows) > limit


async def drop(gateway: Gateway, key: str, members: Sequence[bytes], look: Look) -> None:
    """Take members out of a list, and put back those that are there by now: who makes a thing
    names it before and behind."""
    if not members:
        return
    replies = await gateway.send(("ZREM", key, *members), *map(look.ask, members))
    there = [m for m, reply in zip(members, replies[1:], strict=True) if look.is_there(reply)]
    if there:
        await gateway.send(*(("ZADD", key, 0, member) for member in there))
