"""The indexes that lie outside the sessions' slots, with other processes in every gap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import RedisSessionStore
from agent_serving.adapters.redis.gateway import Command, Gateway
from agent_serving.adapters.redis.keys import SessionKeys, sessions_key
from agent_serving.adapters.redis.paging import Scan
from agent_serving.adapters.redis.sessions import SessionIndex
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server

ALL = Scan.of(after=None, before=None, descending=False)


class Interrupted(Gateway):
    """Another process appends a session's first fact just after this one saw no summary."""

    def __init__(self, client: Redis, store: RedisSessionStore, session_id: str) -> None:
        super().__init__(client, max_readers=1)
        self._store = store
        self._born = session_id

    async def send(self, *commands: Command) -> list[Any]:
        replies = await super().send(*commands)
        if commands[0][0] == "HGET":
            await self._store.append(fact(self._born, 0))
        return replies


@pytest.fixture
async def gateway(server: Server) -> AsyncIterator[Gateway]:
    gateway = Gateway(Redis.from_url(server.url), max_readers=1)
    yield gateway
    await gateway.aclose()


def written(prefix: str, session_id: str, *, is_open: bool) -> Sequence[Command]:
    """What the script of a first append does, in short."""
    keys = SessionKeys(prefix, session_id)
    meta = ("HSET", keys.meta, "feed", 1, "summary", "{}", "open", int(is_open))
    return [meta, ("XADD", keys.log, "1-0", "width", 1, "fact", "{}")]


async def test_an_entry_dropped_before_its_log_was_written_comes_back_with_it(
    gateway: Gateway, prefix: str
) -> None:
    index = SessionIndex(gateway, prefix)
    session = new_session()
    commands, place = index.around(fact(session, 0), ("PING",))
    await gateway.send(*commands[:place])
    assert (await index.page("acme", ALL, 9)).rows == ()
    await gateway.send(*written(prefix, session, is_open=False), *commands[place + 1 :])
    assert (await index.page("acme", ALL, 9)).rows == (b"{}",)


async def test_an_entry_is_there_before_its_log(gateway: Gateway, prefix: str) -> None:
    index = SessionIndex(gateway, prefix)
    session = new_session()
    commands, place = index.around(fact(session, 0, open=True), ("PING",))
    # The writer dies right after its append.
    await gateway.send(*commands[:place], *written(prefix, session, is_open=True))
    assert (await index.page("acme", ALL, 9)).rows == (b"{}",)
    assert await index.open() == [session]


async def test_an_entry_whose_log_was_written_while_it_was_dropped_is_put_back(
    server: Server, store: RedisSessionStore, raw: Redis, prefix: str
) -> None:
    session = new_session()
    await raw.zadd(sessions_key(prefix, "acme"), {session: 0})
    gateway = Interrupted(Redis.from_url(server.url), store, session)
    index = SessionIndex(gateway, prefix)
    assert (await index.page("acme", ALL, 9)).rows == ()
    listing = await store.list_sessions("acme", limit=9, after=None, before=None, descending=False)
    assert listing.rows == (fact(session, 0).summary,)
    await gateway.aclose()


async def test_a_mark_whose_writer_died_before_its_append_is_dropped_once_the_log_has_passed_it(
    gateway: Gateway, store: RedisSessionStore, prefix: str
) -> None:
    session = new_session()
    await store.append(fact(session, 0))
    index = SessionIndex(gateway, prefix)
    commands, place = index.around(fact(session, 1, open=True), ("PING",))
    await gateway.send(*commands[:place])
    assert await index.open() == [session]
    await store.append(fact(session, 1, open=True))
    await store.append(fact(session, 2))
    assert await index.open() == []
