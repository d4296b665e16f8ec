"""What a script's refusal means."""

from __future__ import annotations

from agent_serving.domain.errors import Fenced, LogGone, SequenceGap


def gone(session_id: str) -> LogGone:
    return LogGone(
        f"session {session_id!r} is gone: it was deleted, has expired, or never was here",
        details={"session_id": session_id},
    )


def torn(session_id: str) -> SequenceGap:
    return SequenceGap(
        f"session {session_id!r}: the write that this one goes on from is not there any more; "
        "write all of it again"
    )


def fenced(session_id: str) -> Fenced:
    return Fenced(f"session {session_id!r} is run by somebody else now; nothing was changed")
