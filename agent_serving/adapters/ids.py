"""Ids that sort by time, also within a millisecond of one process: ULIDs, never going back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80
_LENGTH = 26


class MonotonicIds:
    """`new("sess")` → `sess_` + a ULID (26 characters: 48 bits of milliseconds, 80 of chance).

    Each is larger than the one before, also when the clock is set back: 128 bits are counted on
    from the last id by a random amount where the time alone would not be larger.
    """

    def __init__(
        self, milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    ) -> None:
        self._milliseconds = milliseconds
        self._last = 0
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        with self._lock:
            value = self._milliseconds() << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
            if value >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
                # Not by one: who knows an id could count on to the next.
                value = self._last + 1 + secrets.randbits(_RANDOM_BITS // 2)
            self._last = value
        return f"{prefix}_{_written(value)}"


def _written(value: int) -> str:
    digits = (_CROCKFORD[value >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
    return "".join(digits)
