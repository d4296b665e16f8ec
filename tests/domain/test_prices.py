from __future__ import annotations

from decimal import Decimal

import pytest

from agent_serving.domain import events as e
from agent_serving.domain.cost import Cost
from agent_serving.domain.prices import ModelPrices, PriceBook, uncovered
from agent_serving.domain.session import Session
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import Timings, Usage
from tests.domain.facts import (
    accepted,
    at,
    call_item,
    finished,
    opened,
    planned,
    replied,
    session_with,
    started,
    then,
)

PRICES = ModelPrices(
    input=Decimal("0.20"), cached_input=Decimal("0.02"), output=Decimal("0.60"), kv_hour=Decimal(36)
)
BOOK = PriceBook(currency="EUR", models={"m": PRICES}, tools={"add": Decimal("0.001")})


def running(rendered: int = 1000) -> Session:
    return then(session_with(opened(), accepted()), lambda s: planned(s, rendered))


def step_of(session: Session) -> ModelStep:
    step = session.active.last_model_step if session.active else None
    assert step is not None
    return step


def attempt(status: str = "completed", **usage: int) -> e.Attempt:
    return e.Attempt(
        number=1,
        rid="r",
        worker="w",
        status=status,  # type: ignore[arg-type]
        usage=Usage(**usage),
        timings=Timings(prefill_ms=120.5, decode_ms=879.5),
    )


def test_tokens_are_priced_by_the_million() -> None:
    session = running()
    used = attempt(input_tokens=1000, cached_tokens=400, output_tokens=50)
    cost = BOOK.attempt(session, step_of(session), used)
    assert cost.input == Decimal("0.00012")
    assert cost.cached_input == Decimal("0.000008")
    assert cost.output == Decimal("0.00003")
    assert cost.total == Decimal("0.000158")
    assert cost.gpu_seconds == Decimal(1)
    assert cost.currency == "EUR"


def test_gpu_time_is_added_to_what_it_was_used_for() -> None:
    prices = ModelPrices(gpu_hour=Decimal("3.60"), gpus=2)
    book = PriceBook(currency="EUR", models={"*": prices})
    session = running()
    cost = book.attempt(session, step_of(session), attempt(input_tokens=1000))
    assert (cost.input, cost.output) == (Decimal("0.000241"), Decimal("0.001759"))
    assert cost.gpu_seconds == 2


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_attempt_that_came_to_nothing_costs_what_it_used(status: str) -> None:
    session = running()
    used = attempt(status, input_tokens=1000, output_tokens=3)
    assert BOOK.attempt(session, step_of(session), used).total == Decimal("0.0002018")


def test_lost_tokens_cost_what_they_cost_beyond_the_price_of_cached_ones() -> None:
    session = then(running(), lambda s: replied(s, call_item(), tokens=24))
    session = then(session, lambda s: started(s, call_item().call))
    session = then(session, lambda s: finished(s, call_item().call), lambda s: planned(s, 100))
    step = step_of(session)
    assert step.expected_tokens == 1024
    used = attempt(input_tokens=1124, cached_tokens=23)
    cost = BOOK.attempt(session, step, used)
    assert cost.prefix_miss == 1000 * (PRICES.input - PRICES.cached_input) / 1_000_000
    assert cost.prefix_miss < cost.input
    hit = BOOK.attempt(session, step, attempt(input_tokens=1124, cached_tokens=1023))
    assert hit.prefix_miss == 0
    unknown = BOOK.attempt(session, step, attempt("cancelled", input_tokens=1124))
    assert unknown.prefix_miss == 0


def test_a_model_without_prices_has_no_cost() -> None:
    session = running()
    empty = PriceBook(currency="EUR", models={"other": PRICES})
    assert empty.attempt(session, step_of(session), attempt(input_tokens=9)) == Cost()
    assert PriceBook(models={"m": PRICES}).call(session, "add") == Cost()


def test_a_session_keeps_its_currency() -> None:
    session = running()
    step = step_of(session)
    priced = attempt(input_tokens=1000)
    priced = priced.but(cost=BOOK.attempt(session, step, priced))
    session = then(session, lambda s: replied(s).but(attempt=priced))
    dollars = BOOK.but(currency="USD")
    assert dollars.attempt(session, step, priced) == Cost()
    assert BOOK.attempt(session, step, priced).currency == "EUR"


def test_a_call_is_priced_by_its_tool() -> None:
    assert BOOK.call(running(), "add").total == Decimal("0.001")
    assert BOOK.call(running(), "other") == Cost(currency="EUR")


# --- KV that waits for tools ----------------------------------------------------------------

FIRST, SECOND = call_item(n=0), call_item(n=1)


def test_kv_is_charged_for_the_tokens_and_the_time_that_a_tool_held_it() -> None:
    session = then(running(990), lambda s: replied(s, FIRST, tokens=10))
    session = then(session, lambda s: started(s, FIRST.call, at=at(1)))
    step = session.turns[0].tool_steps[0]
    # 1000 tokens for 10 seconds at 36 a million tokens and hour.
    assert BOOK.residency(session, step, at(11)).total == Decimal("0.0001")


def test_parallel_calls_hold_the_same_kv_once() -> None:
    session = then(
        running(990),
        lambda s: replied(s, FIRST, SECOND, tokens=10),
        lambda s: started(s, FIRST.call, at=at(1)),
        lambda s: started(s, SECOND.call, at=at(3)),
    )
    first, second = session.turns[0].tool_steps
    alone = BOOK.residency(session, first, at(11))
    session = then(session, lambda s: finished(s, FIRST.call).but(at=at(11), cost=alone))
    rest = BOOK.residency(session, second, at(13))
    assert rest.total == Decimal("0.00002")
    assert (alone + rest).total == Decimal("0.00012")


def test_a_call_that_ends_while_its_reply_streams_holds_nothing_up() -> None:
    session = then(running(), lambda s: started(s, FIRST.call, at=at(1)))
    step = session.turns[0].tool_steps[0]
    assert BOOK.residency(session, step, at(11)).total == 0


def test_nothing_is_held_for_a_call_of_the_callers() -> None:
    session = then(running(), lambda s: replied(s, FIRST))
    session = then(session, lambda s: started(s, FIRST.call, executor="client"))
    assert BOOK.residency(session, session.turns[0].tool_steps[0], at(99)) == Cost()


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], 10),
        ([(0, 4)], 6),
        ([(2, 4), (3, 6)], 6),
        ([(8, 20)], 8),
        ([(-5, 30)], 0),
        ([(-9, -1), (11, 12)], 10),
    ],
)
def test_time_that_is_charged_already_is_left_out(others: list[tuple[int, int]], left: int) -> None:
    spans = [(at(start), at(end)) for start, end in others]
    assert uncovered(at(0), at(10), spans).total_seconds() == left
