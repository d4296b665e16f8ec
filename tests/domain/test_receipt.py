from __future__ import annotations

from datetime import timedelta

import pytest

from agent_serving.domain import receipt as receipts
from agent_serving.domain.errors import IdempotencyMismatch
from agent_serving.domain.fold import apply
from agent_serving.domain.receipt import KEPT, RequestMark
from tests.domain.facts import accepted, at, opened

MARK = RequestMark(key="k", body="b")
AFTER = KEPT / timedelta(seconds=1)


def test_a_fact_with_a_mark_is_the_receipt_of_its_request() -> None:
    session = apply(apply(None, opened()), accepted(request=MARK))
    assert receipts.taken(session.receipts, MARK, at(1))
    assert session.receipts[0].turn_id == "turn_1"
    assert not receipts.taken(session.receipts, RequestMark(key="other", body="b"), at(1))
    assert not receipts.taken(session.receipts, None, at(1))


def test_the_first_fact_of_a_session_leaves_a_receipt_too() -> None:
    session = apply(None, opened().but(request=MARK))
    assert receipts.taken(session.receipts, MARK, at(1))
    assert not receipts.taken(session.receipts, MARK.but(part=2), at(1))


def test_a_later_part_replaces_an_earlier_one() -> None:
    session = apply(None, opened().but(request=MARK))
    session = apply(session, accepted(request=MARK.but(part=2)))
    assert [(r.part, r.turn_id) for r in session.receipts] == [(2, "turn_1")]


def test_another_body_under_the_same_key_is_refused() -> None:
    session = apply(None, opened().but(request=MARK))
    with pytest.raises(IdempotencyMismatch):
        receipts.find(session.receipts, RequestMark(key="k", body="other"), at(1))


def test_a_receipt_is_kept_for_24_hours_and_then_dropped() -> None:
    session = apply(None, opened().but(request=MARK))
    assert receipts.find(session.receipts, MARK, at(AFTER - 1)) is not None
    assert receipts.find(session.receipts, MARK, at(AFTER)) is None
    other = RequestMark(key="k2", body="b")
    later = apply(session, accepted(request=other).but(at=at(AFTER)))
    assert [r.key for r in later.receipts] == ["k2"]
