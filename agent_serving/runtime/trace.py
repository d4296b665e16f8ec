"""W3C trace context (https://www.w3.org/TR/trace-context/): reading and writing `traceparent`."""

from __future__ import annotations

import re
import secrets
from typing import NamedTuple

from agent_serving.domain.span_names import INVOKE_AGENT
from agent_serving.ports.tracer import Tracer

_TRACEPARENT = re.compile(
    r"^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$"
)
_SAMPLED = 0x01
LONGEST_TRACESTATE = 512
"""The specification asks for at least so many characters to be passed on."""


class Parent(NamedTuple):
    """The caller's span."""

    trace_id: str
    span_id: str
    sampled: bool


def new_trace_id() -> str:
    return secrets.token_hex(16)


def new_span_id() -> str:
    return secrets.token_hex(8)


def traceparent(trace_id: str, span_id: str | None, *, sampled: bool = True) -> str:
    return f"00-{trace_id}-{span_id or new_span_id()}-{'01' if sampled else '00'}"


def parse_traceparent(header: str | None) -> Parent | None:
    """None where the header is absent or invalid: the specification asks that an invalid one be
    ignored, and that a version of the future be read as far as it is known."""
    found = _TRACEPARENT.match(header.strip()) if header else None
    if found is None or set(found[2]) == {"0"} or set(found[3]) == {"0"}:
        return None
    if found[1] == "00" and found[5] is not None:
        return None
    return Parent(found[2], found[3], bool(int(found[4], 16) & _SAMPLED))


def parse_tracestate(header: str | None) -> str | None:
    """As it came, to be passed on; None where it is absent or cannot be."""
    text = (header or "").strip()
    if not text or len(text) > LONGEST_TRACESTATE or not text.isascii() or not text.isprintable():
        return None
    return text


class TurnContext(NamedTuple):
    """Where a turn stands in traces; told to the engine and to tools."""

    trace_id: str
    parent_span_id: str | None
    sampled: bool
    tracestate: str | None


def turn_context(
    tracer: Tracer | None, header: str | None, state: str | None = None
) -> TurnContext:
    """Of a turn that is started by a request with these `traceparent` and `tracestate`. What the
    caller does not record is not recorded here, unless the operator's sampler says otherwise."""
    parent = parse_traceparent(header)
    trace_id = parent.trace_id if parent else new_trace_id()
    sampled = parent.sampled if parent else True
    if tracer is not None:
        known = parent.sampled if parent else None
        sampled = tracer.samples(trace_id, INVOKE_AGENT, parent_sampled=known)
    return TurnContext(
        trace_id=trace_id,
        parent_span_id=parent.span_id if parent else None,
        sampled=sampled,
        # Without a valid `traceparent` it belongs to nothing.
        tracestate=parse_tracestate(state) if parent else None,
    )
