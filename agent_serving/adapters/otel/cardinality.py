"""How many values an attribute may have: a name that callers choose must not fill the memory."""

from __future__ import annotations

from collections import defaultdict

from agent_serving.adapters.otel.metric_names import OTHER

VALUES = 100


class Bounded:
    """The first `limit` values of each attribute, as they come; those behind them are one."""

    def __init__(self, limit: int = VALUES) -> None:
        self._limit = limit
        self._known: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, attribute: str, value: str) -> str:
        known = self._known[attribute]
        if value not in known:
            if len(known) >= self._limit:
                return OTHER
            known.add(value)
        return value
