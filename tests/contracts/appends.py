"""Facts to append, for tests of stores."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from agent_serving.ports import Append

_NUMBERS = itertools.count(1)


def new_session() -> str:
    """A session id; later ones are greater."""
    return f"sess_{next(_NUMBERS):026d}"


def fact(session_id: str, version: int, **changes: Any) -> Append:
    """The fact that follows `version`, one event wide."""
    body = f'{{"fact":{version + 1},"of":"{session_id}"}}'.encode()
    plain = Append(
        session_id=session_id,
        tenant="acme",
        version=version,
        fact=body,
        width=1,
        summary=f'{{"id":"{session_id}","version":{version + 1}}}'.encode(),
        open=False,
    )
    return replace(plain, **changes)
