"""Pages of a sorted set whose members all have score 0: they lie in order of their bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent_serving.adapters.redis.gateway import Command, encode


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
