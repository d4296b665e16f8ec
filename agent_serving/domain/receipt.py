"""What is kept of a request that carries an Idempotency-Key, so that it is taken once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from agent_serving.domain.errors import IdempotencyMismatch
from agent_serving.domain.values import Value

KEPT = timedelta(hours=24)


class RequestMark(Value):
    """`key` is a digest of tenant, method, path and the caller's key, `body` one of the body.
    `part` numbers the facts of a request that makes several, from 1."""

    key: str
    body: str
    part: int = 1


class Receipt(RequestMark):
    """The last part of a request that was taken, the turn that it went to, and the ids of the items
    that it added between turns."""

    at: datetime
    turn_id: str | None = None
    items: tuple[str, ...] = ()


def find(receipts: Iterable[Receipt], mark: RequestMark | None, now: datetime) -> Receipt | None:
    """None where the request is new, or older than is kept. Raises IdempotencyMismatch."""
    if mark is None:
        return None
    found = next((r for r in receipts if r.key == mark.key and now - r.at < KEPT), None)
    if found is not None and found.body != mark.body:
        raise mismatch()
    return found


def taken(receipts: Iterable[Receipt], mark: RequestMark | None, now: datetime) -> bool:
    """Whether this part of the request was. Raises IdempotencyMismatch."""
    found = find(receipts, mark, now)
    return found is not None and mark is not None and found.part >= mark.part


def receipt(
    mark: RequestMark, *, at: datetime, turn_id: str | None, items: tuple[str, ...]
) -> Receipt:
    return Receipt(
        key=mark.key, body=mark.body, part=mark.part, at=at, turn_id=turn_id, items=items
    )


def with_receipt(receipts: tuple[Receipt, ...], made: Receipt) -> tuple[Receipt, ...]:
    """One for each request: a later part replaces an earlier one. Expired ones are dropped."""
    kept = (r for r in receipts if r.key != made.key and made.at - r.at < KEPT)
    return (*kept, made)


def mismatch() -> IdempotencyMismatch:
    return IdempotencyMismatch(
        "This Idempotency-Key came before with another body. Send a new key for a new request, "
        "or the same body to get the answer to the first one.",
        param="idempotency-key",
    )
