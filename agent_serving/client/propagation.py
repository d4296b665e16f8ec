"""The caller's trace goes on in the service, where the caller has one."""

from __future__ import annotations

import sys


def trace_headers() -> dict[str, str]:
    """W3C `traceparent` (and `tracestate`) of the current span; nothing where there is none.
    OpenTelemetry is not imported for it: a program with a span has done so."""
    headers: dict[str, str] = {}
    if "opentelemetry.trace" in sys.modules:
        from opentelemetry.trace.propagation import tracecontext

        tracecontext.TraceContextTextMapPropagator().inject(headers)
    return headers
