"""One request to the engine, as the facts tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from agent_serving.domain.cost import Cost
from agent_serving.domain.values import Failure, PrefixReason, Timings, Usage, Value


class Attempt(Value):
    """One request to the engine. A step has one for each try; the last is the one that counted."""

    number: int
    rid: str
    worker: str
    status: Literal["completed", "failed", "cancelled"]
    started_at: datetime | None = None
    usage: Usage = Usage()
    timings: Timings = Timings()
    cost: Cost = Cost()
    incarnation: str | None = None
    """Which start of the worker answered; None where it does not tell."""
    page_tokens: int = 1
    """The worker's cache keeps whole pages of so many tokens."""
    prefix_reason: PrefixReason | None = None
    """Why tokens that an engine had seen before were computed again; `cold` where none had been;
    None where none were, or where the engine did not come to say what it had cached."""
    error: Failure | None = None
