"""One feed out of two streams: facts (the log) and deltas (live), numbered by one counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from agent_serving.ports import FactEntry, LiveEntry

Entry: TypeAlias = FactEntry | LiveEntry
StreamEntry: TypeAlias = tuple[bytes, Mapping[bytes, bytes]]


def number(entry: StreamEntry) -> int:
    """The feed number that a stream entry's id stands for."""
    return int(entry[0].partition(b"-")[0])


def streams(reply: Any) -> dict[bytes, Sequence[StreamEntry]]:
    """The reply of XREAD by stream, as either protocol gives it: RESP 3 adds a list around."""
    return {
        name: entries[0] if isinstance(entries[0], list) else entries
        for name, entries in dict(reply or ()).items()
    }


def merge(facts: Sequence[StreamEntry], deltas: Sequence[StreamEntry], limit: int) -> list[Entry]:
    """In order, at most `limit`. Each stream was read up to `limit` entries: what was cut off
    behind them comes later than `limit` entries that are here, so nothing is passed over."""
    entries: list[Entry] = [_fact(entry) for entry in facts]
    entries += [LiveEntry(number(entry), entry[1][b"event"]) for entry in deltas]
    return sorted(entries, key=lambda entry: entry.sequence)[:limit]


def _fact(entry: StreamEntry) -> FactEntry:
    """Its id is the last number that it takes."""
    width = int(entry[1][b"width"])
    return FactEntry(number(entry) - width + 1, width, entry[1][b"fact"])
