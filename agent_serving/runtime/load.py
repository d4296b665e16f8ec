"""What this process has in hand at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent_serving.domain.session import OPEN, Session, TurnStatus


@dataclass(frozen=True, slots=True)
class Load:
    """`turns` counts by status those that are open or queued in the sessions that this process
    runs, so that replicas add up; a turn that waits for its caller is run by none. `adopted`
    counts the sessions taken over from a process that had left their turn open."""

    turns: Mapping[TurnStatus, int]
    followers: int
    adopted: int


def unfinished(session: Session) -> Iterator[TurnStatus]:
    """The statuses of its open and queued turns, without a look at its history: behind a turn
    that has begun and ended there is none."""
    for turn in reversed(session.turns):
        if turn.status in OPEN or turn.status == "queued":
            yield turn.status
        elif turn.started_at is not None:
            return
