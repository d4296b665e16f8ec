"""What is asked of a turn, and what became of the asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Turn
from agent_serving.domain.values import Budget, Item, Limits, Output, ToolChoice, Value

OnConflict = Literal["reject", "queue", "steer", "interrupt"]


class TurnRequest(Value):
    """`input` is one text per user message. `history` is what was said elsewhere before a session's
    first turn; where there is some, `input` may be empty."""

    input: tuple[str, ...]
    history: tuple[Item, ...] = ()
    tool_choice: ToolChoice = "auto"
    output: Output | None = None
    limits: Limits | None = None
    budget: Budget = Budget()
    metadata: dict[str, str] = {}
    ends_at_calls: bool = False
    echo: dict[str, Any] = {}
    follows: str | None = None
    """The turn that must be the session's last; None where any may be."""
    traceparent: str | None = None
    tracestate: str | None = None
    mark: RequestMark | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A request that was taken: the turn it went to, and the feed number of the first event that
    tells of it; None where that was told of an earlier request with this Idempotency-Key, of which
    this one is a replay unless it had something to add."""

    turn: Turn
    sequence: int | None
    replayed: bool = False
