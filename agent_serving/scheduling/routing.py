"""Which worker a session calls home. Pure, and the same on every replica."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence, Set


def home(session_id: str, workers: Sequence[str]) -> str:
    """The worker with the highest weight for this session (rendezvous hashing, Thaler and
    Ravishankar 1998): when one worker leaves, only the sessions that lived there move.

    `workers` is not empty; its order does not matter.
    """
    return max(workers, key=lambda worker: (_weight(session_id, worker), worker))


def choose(session_id: str, ready: Sequence[str], avoid: Set[str] = frozenset()) -> str | None:
    """The session's home among the ready workers, `avoid` left out unless only those are left;
    None where no worker is ready."""
    preferred = [worker for worker in ready if worker not in avoid]
    candidates = preferred or ready
    return home(session_id, candidates) if candidates else None


def _weight(session_id: str, worker: str) -> bytes:
    return hashlib.blake2b(f"{session_id}\0{worker}".encode(), digest_size=8).digest()
