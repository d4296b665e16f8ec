"""A reply that was cut short goes on, wherever it was cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.adapters.scheduler.fifo import FifoScheduler
from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.values import Limits, Sampling
from agent_serving.ports import Chunk, Finished, Generation, Spelled
from agent_serving.runtime import model_step
from agent_serving.testing import FIRST_CONTROL_TOKEN, Break, Say, ScriptedEngine
from tests.runtime.dying import (
    ByteEngine,
    die,
    dies_within,
    events_of,
    shown,
)
from tests.runtime.odd_store import Copy, OddStore, copy_of, roll_back
from tests.runtime.talk import TENANT, begin, open_session, say, settle, until, until_kept

TEXT = "<think>\nÜber\n</think>\n\nHé 🌍, <b> 中文!"
ITEMS = ["Über", "Hé 🌍, <b> 中文!"]
LENGTH = len(TEXT.encode()) + 1
CUTS = range(1, LENGTH)


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_step, "BACKOFF_SECONDS", 0.0)


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


async def opened_at(service: Any, cuts: Any) -> list[tuple[Any, Any]]:
    """A session and its turn for each place in which the engine is to die."""

    async def one(cut: int) -> tuple[Any, Any]:
        session = await open_session(service, tools=(), instructions=f"{cut}.")
        return session, await begin(service, session, f"Say it, and die at {cut}")

    return list(await asyncio.gather(*(one(cut) for cut in cuts)))


async def assert_whole(service: Any, engine: ByteEngine, session: Any, turn: Any) -> None:
    """One step, whose items, tokens, books and deltas are those of a reply that nobody cut."""
    whole = (*engine.encode(TEXT), FIRST_CONTROL_TOKEN)
    [step] = turn.model_steps
    assert (turn.status, step.finish) == ("completed", "stop")
    assert [item.text for item in step.items] == ITEMS
    store = store_of(service)
    assert tuple(await store.tokens(session.id, step.prompt_tokens)) == whole
    assert list(shown(await events_of(service, session)).values()) == ITEMS
    first, *rest = [r for r in engine.requests if r.session_id == session.id]
    base = list(first.prompt)
    for request in rest:
        said = tuple(request.prompt[len(base) :])
        assert list(request.prompt[: len(base)]) == base
        assert whole[: len(said)] == said
        assert request.max_new_tokens <= first.max_new_tokens - len(said)


async def test_an_engine_that_dies_at_any_byte_is_asked_for_the_rest(start: Any) -> None:
    engine = ByteEngine(dies_within(TEXT))
    service = await start(engine)
    for cut, (session, turn) in enumerate(await opened_at(service, CUTS), 1):
        turn = await settle(service, session, turn)
        await assert_whole(service, engine, session, turn)
        lost, last = turn.model_steps[0].attempts
        assert (lost.status, lost.usage.output_tokens) == ("failed", cut)
        assert last.usage.output_tokens <= LENGTH
        assert 0 <= turn.usage.output_tokens - LENGTH < 4, "a part of a character, twice"
        assert await store_of(service).kept(session.id) is None


@pytest.mark.usefixtures("short_leases")
async def test_a_replica_that_dies_at_any_byte_is_gone_on_from(start: Any, odd: OddStore) -> None:
    silent, engine = ByteEngine(dies_within(TEXT)), ByteEngine(dies_within(TEXT))
    silent.hangs = True
    places = FifoScheduler(silent.workers, max_running_per_worker=len(CUTS))
    first = await start(silent, store=odd, scheduler=places)
    turns = await opened_at(first, CUTS)
    for cut, (session, _) in enumerate(turns, 1):
        await until_kept(first, session, cut)
    await die(first, odd)
    engine.requests += silent.requests
    second = await start(engine)
    for cut, (session, turn) in enumerate(turns, 1):
        turn = await settle(second, session, turn)
        await assert_whole(second, engine, session, turn)
        lost, _ = turn.model_steps[0].attempts
        sent = next(r for r in silent.requests if r.session_id == session.id)
        assert (lost.rid, lost.worker, lost.usage.output_tokens) == (sent.rid, "scripted", cut)
        assert lost.usage.input_tokens == len(sent.prompt)
        assert lost.error is not None
        assert lost.error.code == "lost"


def store_of(service: Any) -> Any:
    return service._runners._ports.store


def answers(*lines: Any, **more: Any) -> ScriptedEngine:
    return ScriptedEngine(lines, **more)


async def lone(service: Any, **draft: Any) -> Any:
    return await open_session(service, tools=(), **draft)


async def test_a_reply_may_be_cut_more_than_once(start: Any) -> None:
    engine = answers(Break("Hel"), Break("lo, "), "world.")
    service = await start(engine)
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == "Hello, world."
    opening, second, third = (engine.decode(r.prompt) for r in engine.requests)
    assert (second, third) == (f"{opening}Hel", f"{opening}Hello, ")
    outputs = [a.usage.output_tokens for a in turn.model_steps[0].attempts]
    assert outputs == [3, 4, len("world.") + 1]
    inputs = [a.usage.input_tokens for a in turn.model_steps[0].attempts]
    assert inputs == [len(r.prompt) for r in engine.requests]
    events = await events_of(service, session)
    assert list(shown(events).values()) == ["Hello, world."]
    resumed = [e.data["kept_tokens"] for e in events if e.type == "step.resumed"]
    assert resumed == [3, 7]
    assert "step.restarted" not in {e.type for e in events}


async def test_what_lost_attempts_have_computed_is_in_the_books_once(start: Any) -> None:
    prices = ModelPrices(input=Decimal(1), output=Decimal(10))
    book = PriceBook(currency="EUR", models={"*": prices})
    service = await start(answers(Break("Hel"), "lo."), prices=book)
    session = await lone(service)
    turn = await say(service, session, "hi")
    prompt = turn.model_steps[0].prompt_tokens
    assert turn.usage.output_tokens == len("Hello.") + 1
    assert turn.usage.input_tokens == prompt + prompt + len("Hel")
    assert turn.usage.model_steps == 1
    charges = await store_of(service).charges(TENANT, since=0, until=10**6)
    mine = [c for c in charges if c.usage.output_tokens]
    assert sum(c.usage.output_tokens for c in mine) == turn.usage.output_tokens
    assert sum((c.cost.total for c in mine), Decimal(0)) == turn.cost.total > 0


async def test_the_last_attempt_that_fails_too_fails_the_turn(start: Any) -> None:
    service = await start(answers(Break("a"), Break("b"), Break("c")))
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert (turn.status, turn.usage.output_tokens) == ("failed", 3)
    assert await store_of(service).kept(session.id) is None


async def test_a_lost_reply_that_had_reached_its_limit_is_not_asked_for_again(start: Any) -> None:
    engine = answers(Break("ten tokens"))
    service = await start(engine)
    session = await lone(service, sampling=Sampling(max_output_tokens=10))
    turn = await say(service, session, "hi")
    assert (turn.status, turn.reason) == ("incomplete", "max_output_tokens")
    assert turn.output_text == "ten tokens"
    assert turn.usage.model_steps == len(engine.requests) == 1


async def test_a_turn_that_has_tokens_left_for_a_part_of_the_rest_gets_that_part(
    start: Any,
) -> None:
    engine = answers(Break("half a"), " reply")
    service = await start(engine)
    session = await lone(service)
    turn = await say(service, session, "hi", limits=Limits(max_output_tokens=9))
    assert (turn.status, turn.output_text) == ("incomplete", "half a re")
    assert [r.max_new_tokens for r in engine.requests] == [9, 3]


async def test_text_that_its_tokens_do_not_spell_is_void(start: Any) -> None:
    """As with a tokenizer whose decoding depends on what is far away: there is no seam."""
    engine = answers(Break("Hel"), "Hello!")

    async def spell(tokens: Any, *, behind: Any) -> Spelled:
        return Spelled(len(tokens), "something else")

    engine.spell = spell  # type: ignore[method-assign]
    service = await start(engine)
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == "Hello!"
    assert [a.status for a in turn.model_steps[0].attempts] == ["failed", "failed", "completed"]
    assert list(shown(await events_of(service, session)).values()) == ["Hello!"]


async def test_another_worker_goes_on_where_there_is_one(start: Any) -> None:
    class TwoWorkers(ScriptedEngine):
        def workers(self) -> Any:
            [worker] = super().workers()
            return tuple(replace(worker, name=name) for name in ("left", "right"))

    engine = TwoWorkers([Break("Hel"), "lo."])
    service = await start(engine)
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == "Hello."
    assert {request.worker for request in engine.requests} == {"left", "right"}
    assert [a.worker for a in turn.model_steps[0].attempts] == [r.worker for r in engine.requests]


async def test_what_streams_is_kept_in_the_writes_that_tell_it(start: Any, odd: OddStore) -> None:
    """No round trip of its own, but for the end-of-turn token, which makes no text."""
    writes: list[tuple[int, bool]] = []
    service = await start(answers(Say("word " * 60, delay=0.005)), store=odd)
    publish = odd._store.publish

    async def counting(session_id: str, events: Any, **more: Any) -> None:
        writes.append((len(events), more["keep"] is not None))
        await publish(session_id, events, **more)

    odd._store.publish = counting  # type: ignore[method-assign]
    session = await lone(service)
    await say(service, session, "hi")
    assert all(keeps for _, keeps in writes)
    assert [events for events, _ in writes[:-1]].count(0) == 0


class Slow(ByteEngine):
    """So that a reply takes several writes. Nothing is said while `stopped` is held."""

    told = ""

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.stopped = asyncio.Lock()

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        async for part in super().generate(generation):
            async with self.stopped:
                pass
            yield part
            self.told += part.text if isinstance(part, Chunk) else ""
            await asyncio.sleep(0.05)


async def test_what_a_write_could_not_keep_the_next_one_keeps(start: Any, odd: OddStore) -> None:
    service = await start(Slow([Break("word " * 40), "end."]), store=odd)
    odd.fail_once("publish")
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert "publish" not in odd.around
    assert turn.output_text == "word " * 40 + "end."
    assert turn.usage.output_tokens == len(turn.output_text) + 1


def loses(odd: OddStore, url: str, engine: Slow, *, kept: int, written: int) -> None:
    """Of `written` writes of a reply that were answered Redis comes back with the first `kept`."""
    copy: Copy = {}
    number = 0

    async def publish(write: Any, args: tuple[Any, ...]) -> None:
        nonlocal copy, number
        async with engine.stopped:
            if number == kept:
                copy = await copy_of(url, args[0])
            if number == written:
                await roll_back(url, args[0], copy)
            await write()
            number += 1

    odd.around["publish"] = publish


STORY = "Once upon a time there was a king, who had a daughter, who had a golden ball"


@pytest.mark.parametrize(("kept", "written"), [(0, 1), (0, 3), (1, 2), (3, 6)])
async def test_what_redis_has_lost_of_a_reply_is_kept_again(
    start: Any, odd: OddStore, redis: EmbeddedRedis, kept: int, written: int
) -> None:
    # Long, so that the loss comes before the next attempt's facts, however slow the writes are.
    told = f"{STORY}, and another one. " * 2
    engine = Slow([Break(told), "."])
    service = await start(engine, store=odd)
    loses(odd, redis.url, engine, kept=kept, written=written)
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == f"{told}."
    assert turn.usage.output_tokens == len(turn.output_text) + 1


async def test_what_redis_has_lost_of_the_second_attempt_is_kept_again(
    start: Any, odd: OddStore, redis: EmbeddedRedis
) -> None:
    """Of either attempt one write is kept, when the second one's is lost."""
    engine = Slow([Break("Once "), Break(STORY[5:]), "."])
    service = await start(engine, store=odd)
    loses(odd, redis.url, engine, kept=1, written=2)
    session = await lone(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == f"{STORY}."


@pytest.mark.usefixtures("short_leases")
async def test_a_replica_that_dies_behind_a_loss_of_redis_is_gone_on_from(
    start: Any, odd: OddStore, redis: EmbeddedRedis
) -> None:
    silent = Slow([Break(STORY)])
    silent.hangs = True
    first = await start(silent, store=odd)
    loses(odd, redis.url, silent, kept=2, written=4)
    session = await lone(first)
    turn = await begin(first, session, "hi")
    await until(lambda: silent.told == STORY)
    await until_kept(first, session, len(STORY))
    await die(first, odd)
    second = await start(ByteEngine(["."]))
    assert (await settle(second, session, turn)).output_text == f"{STORY}."
