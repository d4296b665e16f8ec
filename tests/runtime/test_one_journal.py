"""A session has one journal per process, whoever makes, finds or loads it at the same time: who
waits on a second one is never told of what the first one takes in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Session, Turn
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.service import Service
from agent_serving.testing import Say, ScriptedEngine
from tests.runtime.odd_store import OddStore
from tests.runtime.talk import TENANT, begin, open_session, settle

SLOW = Say("word " * 30, delay=0.04)
MARK = RequestMark(key="k" * 40, body="b" * 40)


@pytest.fixture
def odd(redis: EmbeddedRedis, prefix: str) -> OddStore:
    return OddStore(RedisSessionStore.connect(redis.url, prefix=prefix))


async def open_marked(service: Service) -> Session:
    agent = await service.agents.resolve(AgentDraft(name="test"))
    return (await service.sessions.open(TENANT, agent, mark=MARK)).value


async def test_a_session_that_is_used_before_its_maker_is_told_wakes_all_who_wait(
    start: Any, odd: OddStore
) -> None:
    service = await start(ScriptedEngine([SLOW]), store=odd)
    begun: list[Turn] = []

    async def append(write: Any, args: tuple[Any, ...]) -> Any:
        sequence = await write()
        if args[0].version == 0:
            # The same request once more: it knows the session's id by the reservation.
            known = await service.sessions.maker.known(TENANT, MARK)
            begun.append(await begin(service, known, "go"))
        return sequence

    odd.around["append"] = append
    session = await open_marked(service)
    assert (await settle(service, session, begun[0])).status == "completed"


async def test_a_session_that_is_made_while_it_is_looked_for_wakes_all_who_wait(
    start: Any, odd: OddStore
) -> None:
    service = await start(ScriptedEngine([SLOW]), store=odd)
    reserved, missed, under_way = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reserve(write: Any, _: tuple[Any, ...]) -> Any:
        found = await write()
        reserved.set()
        return found

    async def append(write: Any, args: tuple[Any, ...]) -> Any:
        if args[0].version == 0:
            await missed.wait()
        return await write()

    async def load(read: Any, _: tuple[Any, ...]) -> Any:
        stored = await read()
        if stored is None:
            missed.set()
            await under_way.wait()
        return stored

    odd.around.update(reserve=reserve, append=append, load=load)
    first = asyncio.create_task(open_marked(service))
    await reserved.wait()
    again = asyncio.create_task(open_marked(service))
    session = await first
    turn = await begin(service, session, "go")
    under_way.set()
    assert (await again).id == session.id
    assert (await settle(service, session, turn)).status == "completed"


async def test_a_session_that_is_loaded_twice_at_once_is_as_new_as_either_load(
    start: Any, odd: OddStore
) -> None:
    engine = ScriptedEngine([SLOW])
    here, there = await start(engine, store=odd), await start(engine)
    session = await open_session(there)
    old_read, new_read, old_kept = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def load(read: Any, _: tuple[Any, ...]) -> Any:
        stored = await read()
        if not old_read.is_set():
            old_read.set()
            await new_read.wait()
        elif not new_read.is_set():
            new_read.set()
            await old_kept.wait()
        return stored

    odd.around["load"] = load
    old = asyncio.create_task(here.sessions.get(TENANT, session.id))
    await old_read.wait()
    turn = await begin(there, session, "go")
    new = asyncio.create_task(here.sessions.turn(TENANT, session.id, turn.id))
    assert (await old).turns == ()
    old_kept.set()
    assert (await new).id == turn.id
