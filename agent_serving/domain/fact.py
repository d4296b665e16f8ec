"""What all facts have in common."""

from __future__ import annotations

from datetime import datetime

from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.values import Value


class Fact(Value):
    """`at` is when it happened (UTC); `request`, whose Idempotency-Key it records as taken."""

    at: datetime
    request: RequestMark | None = None
