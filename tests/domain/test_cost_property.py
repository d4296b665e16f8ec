"""Tokens and money over random lives: what steps, turns, the session and the books say is one."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_serving.domain import events as e
from agent_serving.domain.charge import Charge, added, charge
from agent_serving.domain.cost import Cost, total_of
from agent_serving.domain.errors import ImpossibleEvent
from agent_serving.domain.fold import apply
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.session import Session
from agent_serving.domain.values import Timings, Usage
from tests.domain.facts import at, opened, session_with
from tests.domain.test_fold_properties import ATTEMPTS, LIVES

money = st.decimals(0, 1000, places=7)
BOOKS = st.builds(
    PriceBook,
    currency=st.just("EUR"),
    models=st.fixed_dictionaries(
        {
            "*": st.builds(
                ModelPrices,
                input=money,
                cached_input=money,
                output=money,
                gpu_hour=money,
                gpus=st.integers(1, 8),
                kv_hour=money,
            )
        }
    ),
    tools=st.dictionaries(st.sampled_from(["add", "pay"]), money),
)
USAGES = st.integers(0, 10**6).flatmap(
    lambda tokens: st.builds(
        Usage,
        input_tokens=st.just(tokens),
        cached_tokens=st.integers(0, tokens),
        output_tokens=st.integers(0, 10**6),
        reasoning_tokens=st.integers(0, 10**6),
        model_steps=st.integers(0, 1),
    )
)
milliseconds = st.floats(0, 1e7, allow_subnormal=False)
TIMINGS = st.builds(Timings, prefill_ms=milliseconds, decode_ms=milliseconds)


def priced(session: Session, fact: e.AnyFact, book: PriceBook, data: st.DataObject) -> e.AnyFact:
    """As the runtime prices it, with any usage and timings at all."""
    match fact:
        case e.StepRestarted() | e.StepResumed() | e.ModelReplied() | e.StepFailed() if (
            fact.attempt is not None
        ):
            usage, timings = data.draw(USAGES), data.draw(TIMINGS)
            attempt = fact.attempt.but(usage=usage, timings=timings)
            step = session.active.last_model_step if session.active else None
            cost = book.attempt(session, step, attempt) if step else Cost()
            return fact.but(attempt=attempt.but(cost=cost))
        case e.ToolStarted():
            return fact.but(cost=book.call(session, fact.call.name))
        case e.ToolFinished():
            steps = session.active.tool_steps if session.active else ()
            step_of_call = next(step for step in steps if step.id == fact.step_id)
            return fact.but(cost=book.residency(session, step_of_call, fact.at))
        case _:
            return fact


def live(
    names: list[str], books: list[PriceBook], data: st.DataObject
) -> tuple[Session, list[Charge]]:
    """The session, and what was charged; the price book changes on the way."""
    session, charges = session_with(opened()), []
    for position, name in enumerate(names):
        book = books[position * len(books) // len(names)]
        try:
            fact = ATTEMPTS[name](session).but(at=at(position * 0.7))
            fact = priced(session, fact, book, data)
            after = apply(session, fact)
        except (AssertionError, StopIteration, ImpossibleEvent):
            continue  # there is nothing to speak of, or it cannot be
        made = charge(session, after, fact)
        charges += [made] if made else []
        session = after
    return session, charges


def entered(charges: list[Charge]) -> Charge | None:
    """What the books have: whole numbers, added up."""
    return charges[0].but(amounts=dict(added(charges))) if charges else None


@given(LIVES, st.lists(BOOKS, min_size=1, max_size=3), st.data())
@settings(max_examples=300)
def test_steps_add_up_to_turns_turns_to_the_session_and_charges_to_all_of_it(
    names: list[str], books: list[PriceBook], data: st.DataObject
) -> None:
    session, charges = live(names, books, data)
    for turn in session.turns:
        assert sum((step.usage for step in turn.steps), Usage()) == turn.usage
        assert total_of(step.cost for step in turn.steps) == turn.cost
    assert sum((turn.usage for turn in session.turns), Usage()) == session.usage
    assert total_of(turn.cost for turn in session.turns) == session.cost
    assert session.cost.total == sum((turn.cost.total for turn in session.turns), Decimal(0))
    sums = entered(charges)
    if sums is None:
        assert (session.usage, session.cost) == (Usage(), Cost())
        return
    assert sums.usage == session.usage
    assert sums.cost.but(currency=None) == session.cost.but(currency=None)
    if session.active is None:
        assert sums.worked == session.spent_time


@given(LIVES, BOOKS, st.data())
@settings(max_examples=100)
def test_by_tool_and_by_hour_the_charges_are_the_same_sum(
    names: list[str], book: PriceBook, data: st.DataObject
) -> None:
    session, charges = live(names, [book], data)
    calls = [charge for charge in charges if charge.account.tool is not None]
    steps = [charge for charge in charges if charge.account.tool is None]
    tools = [step for turn in session.turns for step in turn.tool_steps]
    assert total_of(c.cost for c in calls).total == total_of(s.cost for s in tools).total
    assert total_of(c.cost for c in (*calls, *steps)).total == session.cost.total


def test_the_random_lives_cost_something() -> None:
    """Guards the properties above against becoming empty."""
    prices = ModelPrices(input=Decimal(1), output=Decimal(1), kv_hour=Decimal(1000))
    book = PriceBook(currency="EUR", models={"*": prices}, tools={"add": Decimal(1)})
    seen: list[bool] = []

    @given(st.data())
    @settings(max_examples=20)
    def some(data: st.DataObject) -> None:
        names = ["accept", "plan", "restart", "call", "start 0", "start 2", "finish 0", "end"]
        session, charges = live(names, [book], data)
        cost = session.cost
        assert session.turns[0].status == "completed"
        assert cost.tool == 2
        assert cost.kv_residency > 0
        seen.append(cost.input > 0 and len(charges) == 6)

    some()
    assert any(seen)
