"""What is asked of a turn, and what is constrained, while its reply is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.values import RegexOutput
from agent_serving.runtime import model_step
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.dying import ByteEngine, die, events_of, shown
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, begin, open_session, reload, say, settle, until, until_kept

pytestmark = pytest.mark.usefixtures("short_leases")


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


def silent_behind(text: str) -> ByteEngine:
    engine = ByteEngine([Break(text)])
    engine.hangs = True
    return engine


async def orphaned(start: Any, odd: OddStore, text: str, **draft: Any) -> tuple[Any, Any]:
    """A session and its turn, whose owner died when it had said `text`."""
    engine = silent_behind(text)
    owner = await start(engine, store=odd)
    session = await open_session(owner, **{"tools": (), **draft})
    turn = await begin(owner, session, "go")
    await until_kept(owner, session, len(text))
    await die(owner, odd)
    return session, turn


async def ended(service: Any, session: Any, turn: Any) -> Any:
    await settle(service, session, turn)
    await until(lambda: not service._runners.runs(session.id))
    found = (await reload(service, session)).turn(turn.id)
    assert found is not None
    return found


async def test_a_cancel_that_no_owner_hears_keeps_what_was_said(start: Any, odd: OddStore) -> None:
    session, turn = await orphaned(start, odd, "I was saying")
    engine = ByteEngine(["Yes?"])
    service = await start(engine)
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await ended(service, session, turn)
    [step] = turn.model_steps
    assert (turn.status, step.finish, turn.output_text) == (
        "cancelled",
        "cancelled",
        "I was saying",
    )
    assert step.usage.output_tokens == len("I was saying")
    assert (await say(service, session, "and?")).output_text == "Yes?"
    assert "I was saying<|im_end|>" in engine.decode(engine.requests[0].prompt)


async def test_a_turn_that_interrupts_a_dead_owner_keeps_what_was_said(
    start: Any, odd: OddStore
) -> None:
    session, turn = await orphaned(start, odd, "I was saying", tools=("add",))
    engine = ByteEngine(["Yes?"])
    service = await start(engine)
    assert (await say(service, session, "stop", on_conflict="interrupt")).output_text == "Yes?"
    turn = await ended(service, session, turn)
    assert (turn.status, turn.output_text) == ("cancelled", "I was saying")
    assert "I was saying<|im_end|>" in engine.decode(engine.requests[0].prompt)


async def test_a_cancel_between_two_attempts_keeps_what_was_said(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_step, "BACKOFF_SECONDS", 5.0)
    engine = ByteEngine([Break("I was saying"), "something else"])
    service = await start(engine)
    session = await open_session(service, tools=())
    turn = await begin(service, session, "go")
    journal = service._runners._journals.at_hand(session.id)
    await journal.until(lambda s: s.active and any(m.attempts for m in s.active.model_steps))
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await ended(service, session, turn)
    assert (turn.status, turn.output_text) == ("cancelled", "I was saying")
    assert turn.usage.output_tokens == len("I was saying")
    assert [a.status for a in turn.model_steps[0].attempts] == ["failed", "cancelled"]
    assert len(engine.requests) == 1


async def test_a_cancel_while_the_rest_streams_keeps_both_parts(start: Any, odd: OddStore) -> None:
    session, turn = await orphaned(start, odd, "Once upon")
    engine = silent_behind(" a time")
    service = await start(engine)
    await until_kept(service, session, len("Once upon a time"))
    await service.sessions.cancel(TENANT, session.id, turn.id)
    turn = await ended(service, session, turn)
    assert (turn.status, turn.output_text) == ("cancelled", "Once upon a time")
    assert list(shown(await events_of(service, session)).values()) == ["Once upon a time"]


async def test_a_queued_turn_that_is_cancelled_takes_nothing_from_the_reply_that_streams(
    start: Any, odd: OddStore
) -> None:
    engine = silent_behind("Once upon")
    owner = await start(engine, store=odd)
    session = await open_session(owner, tools=())
    turn = await begin(owner, session, "go")
    await until_kept(owner, session, len("Once upon"))
    queued = await begin(owner, session, "and then?", on_conflict="queue")
    await owner.sessions.cancel(TENANT, session.id, queued.id)
    await die(owner, odd)
    service = await start(ByteEngine([" a time."]))
    assert (await ended(service, session, turn)).output_text == "Once upon a time."


async def test_a_steer_is_heard_behind_the_whole_reply(start: Any, odd: OddStore) -> None:
    session, turn = await orphaned(start, odd, "Once upon")
    engine = ByteEngine([Say(" a time.", delay=1.0), "In short: no."])
    service = await start(engine)
    await until(lambda: engine.requests)
    await service.sessions.steer(TENANT, session.id, turn.id, ["be brief"])
    turn = await ended(service, session, turn)
    assert [step.text for step in turn.model_steps] == ["Once upon a time.", "In short: no."]


async def test_a_fork_of_a_session_whose_reply_was_lost_begins_with_the_same_tokens(
    start: Any, odd: OddStore
) -> None:
    session, turn = await orphaned(start, odd, "Once upon")
    engine = ByteEngine([" a time.", "And then?"])
    service = await start(engine)
    await ended(service, session, turn)
    fork = (await service.forks.fork(TENANT, session.id)).value
    assert (await say(service, fork, "go on")).output_text == "And then?"
    whole = engine.decode(engine.requests[1].prompt)
    assert "<|im_start|>assistant\nOnce upon a time.<|im_end|>" in whole


@pytest.mark.parametrize("output", [None, RegexOutput(pattern="It is [a-z]+.")])
async def test_a_reply_that_was_whole_needs_no_engine(
    start: Any, odd: OddStore, output: Any
) -> None:
    """Its owner died between the last token and the fact."""
    engine, unused = ByteEngine(["It is done."]), ByteEngine(["?"])
    reached = asyncio.Event()

    async def never_replied(write: Any, args: tuple[Any, ...]) -> Any:
        if b'"type":"model_replied"' in args[0].fact:
            reached.set()
            raise StoreUnavailable("odd: never")
        return await write()

    owner = await start(engine, store=odd, tools=())
    plain = await open_session(owner, tools=(), output=output)
    odd.around["append"] = never_replied
    turn = await begin(owner, plain, "go")
    await asyncio.wait_for(reached.wait(), 20)
    await die(owner, odd)
    service = await start(unused, tools=())
    turn = await ended(service, plain, turn)
    [step] = turn.model_steps
    assert (turn.status, step.finish) == ("completed", "stop")
    assert step.usage.model_steps == 1
    assert step.usage.output_tokens == len(engine.encode(step.text)) + 1
    assert unused.requests == []


async def test_a_constrained_reply_starts_anew_and_says_from_where_its_text_is_void(
    start: Any, odd: OddStore
) -> None:
    session, turn = await orphaned(start, odd, "abc", output=RegexOutput(pattern="[a-z]{5}"))
    engine = ByteEngine(["vwxyz"])
    service = await start(engine)
    turn = await ended(service, session, turn)
    assert turn.output_text == "vwxyz"
    lost, last = turn.model_steps[0].attempts
    assert (lost.usage.output_tokens, last.usage.output_tokens) == (3, 6)
    events = await events_of(service, session)
    [restarted] = [e for e in events if e.type == "step.restarted"]
    void = [e for e in events if e.type.endswith(".delta") and e.sequence < restarted.sequence]
    first = next(e for e in events if e.step_id == restarted.step_id and e.type == "item.added")
    assert restarted.data["void_from"] == first.sequence < void[0].sequence
    assert list(shown(events).values()) == ["vwxyz"]
    assert "step.resumed" not in {e.type for e in events}


async def test_a_follower_sees_the_reply_once_wherever_it_begins_to_read(
    start: Any, odd: OddStore
) -> None:
    session, turn = await orphaned(start, odd, "Once upon")
    service = await start(ByteEngine([Say(" a time, far away.", delay=0.02, chunk=3)]))
    live = asyncio.create_task(events_of(service, session))
    await ended(service, session, turn)
    elsewhere = await start(ScriptedEngine())
    late = await events_of(elsewhere, session)
    assert [(e.sequence, e.data) for e in await live] == [(e.sequence, e.data) for e in late]
    sequences = [e.sequence for e in late]
    assert sequences == sorted(set(sequences))
    for read, after in enumerate(sequences, 1):
        page = await elsewhere.feed.page(session, after, 10_000)
        behind = [(e.type, e.sequence, e.data) for e in page][: len(late) - read]
        assert behind == [(e.type, e.sequence, e.data) for e in late[read:]]
    assert list(shown(late).values()) == ["Once upon a time, far away."]
    assert len({e.data["item"]["id"] for e in late if e.type == "item.added"}) == 1
