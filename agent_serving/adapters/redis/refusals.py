"""What a script's refusal means."""

from __future__ import annotations

from agent_serving.domain.errors import Fenced, LogGone


def gone(session_id: str) -> LogGone:
    return LogGone(
        f"session {session_id!r} is gone: it was deleted, has expired, or never was here",
        details={"session_id": session_id},
    )


def fenced(session_id: str) -> Fenced:
    return Fenced(f"session {session_id!r} is run by somebody else now; nothing was changed")
