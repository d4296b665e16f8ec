"""W3C trace context (https://www.w3.org/TR/trace-context/): reading and writing `traceparent`."""

from __future__ import annotations

import re
import secrets

_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$")


def new_trace_id() -> str:
    return secrets.token_hex(16)


def traceparent(trace_id: str, span_id: str | None) -> str:
    return f"00-{trace_id}-{span_id or secrets.token_hex(8)}-01"


def parse_traceparent(header: str | None) -> tuple[str, str] | None:
    """(trace id, span id), or None where the header is absent or invalid: the specification
    asks that an invalid one be ignored."""
    found = _TRACEPARENT.match(header.strip()) if header else None
    if found is None or set(found[1]) == {"0"} or set(found[2]) == {"0"}:
        return None
    return found[1], found[2]
