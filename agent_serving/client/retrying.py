"""Whether a request is sent again, and when: pure decisions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

FIRST_SECONDS = 0.25
MOST_SECONDS = 8.0
LONGEST_ASKED_SECONDS = 60.0
"""A service that asks for more is not waited for: the caller should know."""

_REFUSED_FOR_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


def is_temporary(status: int, headers: Mapping[str, str]) -> bool:
    """What the service says of it (`x-should-retry`) counts first."""
    match headers.get("x-should-retry"):
        case "true":
            return True
        case "false":
            return False
        case _:
            return status in _REFUSED_FOR_NOW or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def pause(failures: int, headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait after so many failures in a row; None where that is too long."""
    asked = _asked(headers, now or datetime.now(UTC))
    if asked is not None and asked > LONGEST_ASKED_SECONDS:
        return None
    grown = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** (failures - 1))
    # Spread, so that those that failed together do not come back together.
    spread = grown * random.uniform(0.5, 1.0)  # noqa: S311  # nothing secret hangs on it
    return max(spread, asked or 0.0)


def _asked(headers: Mapping[str, str], now: datetime) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if value >= 0 else None
