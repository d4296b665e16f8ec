"""The header Prefer: how long a caller likes to be kept waiting (RFC 7240, section 4.3)."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request, Response

# What cannot be read is not a preference, and is passed over, as the RFC asks for.
_WAIT = re.compile(r'(?:^|,)\s*wait\s*=\s*"?(\d{1,5})"?\s*(?=[,;]|$)', re.IGNORECASE)

Preferred = Annotated[
    str | None,
    Header(
        description="`wait=N` (RFC 7240): where a turn is waited for, answer after N seconds at "
        "the latest, with the turn as it is then. `preference-applied` in the answer says that it "
        "was heeded.",
        examples=["wait=20"],
    ),
]


async def _patience(request: Request, prefer: Preferred = None) -> int | None:
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return None if found is None else int(found[1])


Patience = Annotated[int | None, Depends(_patience)]
"""Seconds; None where the caller does not say."""


def heeded(response: Response, patience: int | None) -> None:
    if patience is not None:
        response.headers["preference-applied"] = f"wait={patience}"
