"""The store's scripts against a model of them in memory, under any interleaving of writers."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.domain.errors import Fenced, LogGone, SequenceGap, StaleWriter
from agent_serving.ports import FactEntry, Lease, LiveEntry
from tests.contracts.appends import fact, new_session

T = TypeVar("T")

LONG = 3_600_000
WRITERS = st.sampled_from(["a", "b", "c"])
BEHIND = st.integers(-2, 2)


@dataclass
class Model:
    """What the store promises of one session."""

    facts: list[bytes] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    feed: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(first number, width, body)"""
    numbers: int = 0
    gone: bool = False
    epoch: int = 0
    fence: Lease | None = None
    holder: str | None = None
    memory: dict[str, str] = field(default_factory=dict)

    def refusal(self, version: int, lease: Lease | None) -> type[Exception] | None:
        if self.gone or (not self.facts and version > 0):
            return LogGone
        if lease is not None and lease != self.fence:
            return Fenced
        if version != len(self.facts):
            return StaleWriter if version < len(self.facts) else SequenceGap
        return None

    def tell(self, width: int, body: bytes) -> int:
        first = self.numbers + 1
        self.numbers += width
        self.feed.append((first, width, body))
        return first


class StoreMachine(RuleBasedStateMachine):
    """Three processes with whatever leases they once got; each step is one call of one of them."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = RedisSessionStore.connect(self.url, prefix=f"m{uuid.uuid4().hex[:8]}")
        self.session = new_session()
        self.model = Model()
        self.leases: dict[str, Lease] = {}
        self.writes = 0

    def teardown(self) -> None:
        self.wait(self.store.aclose())
        self.loop.close()

    def wait(self, call: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await call

        return self.loop.run_until_complete(awaited())

    def refused(self, call: Awaitable[Any], expected: type[Exception] | None) -> Any:
        if expected is None:
            return self.wait(call)
        with pytest.raises(expected):
            self.wait(call)
        return None

    @initialize()
    def open(self) -> None:
        self.write(None, 0, 1, (), True)

    def write(
        self, lease: Lease | None, behind: int, width: int, tokens: tuple[int, ...], is_open: bool
    ) -> None:
        version = max(0, len(self.model.facts) - behind)
        self.writes += 1
        body = f"{self.writes}".encode()
        append = fact(
            self.session, version, fact=body, width=width, tokens=tokens, open=is_open, lease=lease
        )
        expected = self.model.refusal(version, lease)
        first = self.refused(self.store.append(append), expected)
        if expected is None:
            assert first == self.model.tell(width, body)
            self.model.facts.append(body)
            self.model.tokens.extend(tokens)

    @rule(behind=BEHIND, width=st.integers(1, 3), tokens=st.lists(st.integers(0, 2**32 - 1)))
    def caller_writes(self, behind: int, width: int, tokens: list[int]) -> None:
        self.write(None, behind, width, tuple(tokens), True)

    @rule(writer=WRITERS, behind=BEHIND, tokens=st.lists(st.integers(0, 9)), is_open=st.booleans())
    def owner_writes(self, writer: str, behind: int, tokens: list[int], is_open: bool) -> None:
        self.write(self.leases.get(writer), behind, 1, tuple(tokens), is_open)

    @rule(behind=BEHIND)
    def callers_race(self, behind: int) -> None:
        """Of many appends for one version at most one is taken."""
        version = max(0, len(self.model.facts) - behind)
        bodies = [f"race {self.writes} {n}".encode() for n in range(4)]
        self.writes += 1

        async def race() -> list[Any]:
            calls = (self.store.append(fact(self.session, version, fact=b)) for b in bodies)
            return await asyncio.gather(*calls, return_exceptions=True)

        answers = self.wait(race())
        won = [b for b, a in zip(bodies, answers, strict=True) if not isinstance(a, Exception)]
        expected = self.model.refusal(version, None)
        assert len(won) == (1 if expected is None else 0)
        if expected is None:
            self.model.tell(1, won[0])
            self.model.facts.append(won[0])

    @rule(writer=WRITERS)
    def acquire(self, writer: str) -> None:
        call = self.store.acquire_lease(self.session, writer, LONG)
        lease = self.refused(call, LogGone if self.model.gone else None)
        if self.model.gone:
            return
        if self.model.holder not in (None, writer):
            assert lease is None
            return
        if self.model.holder is None:
            self.model.epoch += 1
        self.model.holder = writer
        self.model.fence = Lease(writer, self.model.epoch)
        assert lease == self.model.fence
        self.leases[writer] = lease

    @rule(writer=WRITERS)
    def renew(self, writer: str) -> None:
        lease = self.leases.get(writer, Lease(writer, 0))
        mine = lease == self.model.fence
        expected = LogGone if self.model.gone else None if mine else Fenced
        self.refused(self.store.renew_lease(self.session, lease, LONG), expected)
        if expected is None:
            self.model.holder = writer

    @rule(writer=WRITERS)
    def release(self, writer: str) -> None:
        lease = self.leases.get(writer, Lease(writer, 0))
        self.wait(self.store.release_lease(self.session, lease))
        if lease == self.model.fence:
            self.model.fence = self.model.holder = None

    @rule()
    def lease_runs_out(self) -> None:
        keys = self.store._keys(self.session)
        self.wait(self.store._gateway.send(("DEL", keys.lease)))
        self.model.holder = None

    @rule(writer=st.none() | WRITERS)
    def publish(self, writer: str | None) -> None:
        lease = None if writer is None else self.leases.get(writer, Lease(writer, 0))
        self.writes += 1
        body = f"delta {self.writes}".encode()
        self.wait(self.store.publish(self.session, [body, body], lease=lease))
        if not self.model.gone and lease in (None, self.model.fence):
            self.model.tell(1, body)
            self.model.tell(1, body)

    @rule(writer=WRITERS, key=st.sampled_from("xy"), value=st.text(max_size=5))
    def remember(self, writer: str, key: str, value: str) -> None:
        lease = self.leases.get(writer, Lease(writer, 0))
        expected = LogGone if self.model.gone else None if lease == self.model.fence else Fenced
        self.refused(self.store.memory_put(self.session, key, value, lease=lease), expected)
        if expected is None:
            self.model.memory[key] = value

    @rule(dice=st.integers(0, 19))
    def delete(self, dice: int) -> None:
        if dice == 0:
            self.wait(self.store.delete_session(self.session, "acme"))
            self.model = Model(gone=True)

    @invariant()
    def the_store_is_as_the_model(self) -> None:
        stored = self.wait(self.store.load(self.session))
        if not self.model.facts:
            assert stored is None
            return
        assert stored is not None
        assert (list(stored.facts), stored.version) == (self.model.facts, len(self.model.facts))
        assert self.wait(self.store.tokens(self.session)) == self.model.tokens
        entries = self.wait(self.store.read(self.session, 0))
        assert [_entry(entry) for entry in entries] == self.model.feed
        memory = self.model.memory
        assert {k: self.wait(self.store.memory_get(self.session, k)) for k in memory} == memory


def _entry(entry: FactEntry | LiveEntry) -> tuple[int, int, bytes]:
    if isinstance(entry, FactEntry):
        return entry.sequence, entry.width, entry.fact
    return entry.sequence, 1, entry.event


def test_the_scripts_do_what_the_model_does() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        asyncio.run(server.start())
        try:
            StoreMachine.url = server.url
            case = StoreMachine.TestCase
            case.settings = settings(
                max_examples=60,
                # Shrinking against a server takes minutes; the steps that failed are printed.
                phases=[Phase.reuse, Phase.generate],
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            case().runTest()
        finally:
            asyncio.run(server.stop())
