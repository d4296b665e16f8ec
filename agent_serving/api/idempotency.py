"""The header Idempotency-Key: a request that comes again is answered, not done again.

An answer is not stored. What the first request made is found by its key and shown as it stands now;
a turn is waited for, or streamed from what the first request put in, as that asked for it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from agent_serving.api.context import Context
from agent_serving.api.errors import BadHeader
from agent_serving.domain.receipt import RequestMark

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

REPLAYED = {"idempotent-replayed": "true"}

Key = Annotated[
    str | None,
    Header(
        description="A value of your own for this request, new for each new one: 1 to 255 visible "
        "ASCII characters. Within 24 hours the same request with the same key is done once: the "
        "answer to a repetition shows what the first one made, as it stands now, and has the "
        "header `idempotent-replayed: true`. A refused request leaves no trace of its key.",
        json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    ),
]


async def _mark(request: Request, api: Context, idempotency_key: Key = None) -> RequestMark | None:
    """Raises BadHeader."""
    if idempotency_key is None:
        return None
    given = request.headers.getlist("idempotency-key")
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise BadHeader(
            "The header Idempotency-Key must come once, with 1 to 255 visible ASCII characters; "
            "a UUID is a good one.",
            param="idempotency-key",
        )
    return RequestMark(
        key=_digest(api.tenant, request.method, request.scope["path"], given[0]),
        body=_digest(_canonical(await request.body())),
    )


Mark = Annotated[RequestMark | None, Depends(_mark)]


def tell(response: Response, *, replayed: bool) -> None:
    if replayed:
        response.headers.update(REPLAYED)


def _digest(*parts: str) -> str:
    """Each part with its length, so that no two lists of parts read the same."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def _canonical(body: bytes) -> str:
    """Blanks and the order of fields say nothing."""
    return json.dumps(json.loads(body), sort_keys=True) if body.strip() else ""
