"""The store's scripts against a model of them in memory, under any interleaving of writers."""

from __future__ import annotations

import asyncio
import copy
import tempfile
import uuid
from collections.abc import Awaitable, Iterator, Sequence
from itertools import cycle, permutations
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent_serving.adapters.redis import EmbeddedRedis, RedisKeyring, RedisSessionStore
from agent_serving.domain.charge import added
from agent_serving.domain.errors import AgentServingError
from agent_serving.ports import FactEntry, LiveEntry
from tests.contracts.appends import new_session
from tests.contracts.store_calls import (
    HOUR,
    OF_SESSIONS,
    OF_TENANTS,
    TENANT,
    Call,
    Callers,
    Kind,
    Process,
    opening,
)
from tests.contracts.store_model import Model, SessionModel

T = TypeVar("T")

SESSIONS = 2
"""That are not deleted."""


class StoreMachine(RuleBasedStateMachine):
    """Two processes; each step is one to three calls at once, which have to do what they would
    have done in some order, one after the other."""

    url: str
    kinds: Sequence[Kind]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        prefix = f"m{uuid.uuid4().hex[:8]}"
        self.processes = [self.started(prefix) for _ in range(2)]
        self.model = Model({})
        self.who = Callers(prefix, self.model)

    def started(self, prefix: str) -> Process:
        return Process(
            RedisSessionStore.connect(self.url, prefix=prefix),
            RedisKeyring.connect(self.url, prefix=prefix),
        )

    def teardown(self) -> None:
        for process in self.processes:
            self.wait(process.store.aclose())
            self.wait(process.keyring.aclose())
        self.loop.close()

    def wait(self, call: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await call

        return self.loop.run_until_complete(awaited())

    @rule(data=st.data(), size=st.integers(1, 3))
    def at_once(self, data: st.DataObject, size: int) -> None:
        while sum(not model.gone for model in self.model.sessions.values()) < SESSIONS:
            session_id = new_session()
            self.model.sessions[session_id] = SessionModel()
            self.done([opening(session_id)])
        calls = []
        for _ in range(size):
            self.who.calls += 1
            calls.append(data.draw(st.sampled_from(self.kinds))(data.draw, self.who))
        self.done(calls)

    def done(self, calls: Sequence[Call]) -> None:
        for call in calls:
            note(call.name)
        answers = self.wait(_all(calls, self.processes))
        self.model = self.who.model = _explained(self.model, calls, answers)
        for call, answer in zip(calls, answers, strict=True):
            if call.holder is not None and answer is not None and not isinstance(answer, type):
                self.who.leases[call.holder] = answer

    @invariant()
    def the_sessions_are_as_the_model_s(self) -> None:
        store = self.processes[0].store
        for session_id, model in self.model.sessions.items():
            stored = self.wait(store.load(session_id))
            if not model.facts:
                assert stored is None
                continue
            assert stored is not None
            base, state = model.snapshot or (0, None)
            assert (stored.snapshot, stored.version) == (state, len(model.facts))
            assert list(stored.facts) == model.facts[base:]
            assert self.wait(store.tokens(session_id)) == model.tokens
            entries = self.wait(store.read(session_id, 0))
            assert [_entry(entry) for entry in entries] == model.feed
            memory = model.memory
            assert {k: self.wait(store.memory_get(session_id, k)) for k in memory} == memory

    @invariant()
    def no_session_is_missed(self) -> None:
        store, sessions = self.processes[1].store, self.model.sessions
        listing = self.wait(
            store.list_sessions(TENANT, limit=9, after=None, before=None, descending=False)
        )
        assert len(listing.rows) == sum(bool(model.facts) for model in sessions.values())
        under_way = {name for name, model in sessions.items() if model.open}
        assert under_way <= set(self.wait(store.open_sessions()))
        held = {name for name, model in sessions.items() if model.holder is not None}
        orphans = set(self.wait(store.orphans()))
        assert under_way - held <= orphans
        assert not orphans & held

    @invariant()
    def the_tenant_s_things_are_as_the_model_s(self) -> None:
        store, tenant = self.processes[1].store, self.model.tenant
        for name in "xy":
            bodies = tenant.versions.get(tenant.names.get(name, ""), [])
            found = self.wait(store.agent_versions(TENANT, name))
            assert found == list(enumerate(bodies, 1))
        newest = self.wait(
            store.list_agents(TENANT, limit=9, after=None, before=None, descending=False)
        )
        assert list(newest.rows) == [tenant.versions[one][-1] for one in sorted(tenant.versions)]
        charges = self.wait(store.charges(TENANT, since=HOUR, until=HOUR + 1))
        assert sum(added(charges).values()) == tenant.charged

    @invariant()
    def the_keys_are_as_the_model_s(self) -> None:
        keyring, model = self.processes[0].keyring, self.model.keyring
        keys = {key.id: key.revoked_at for key in self.wait(keyring.keys())}
        assert keys == model.keys
        assert self.wait(keyring.any_key()) == bool(model.keys)
        acts = [act.actor for act in self.wait(keyring.acts(100))]
        assert acts[::-1] == model.acts


async def _all(calls: Sequence[Call], processes: Sequence[Process]) -> list[Any]:
    async def answer(call: Call, process: Process) -> Any:
        try:
            return await call.send(process)
        except AgentServingError as error:
            return type(error)

    pairs = zip(calls, cycle(processes), strict=False)
    return list(await asyncio.gather(*(answer(*pair) for pair in pairs)))


def _explained(model: Model, calls: Sequence[Call], answers: Sequence[Any]) -> Model:
    """The model after the calls, in an order in which it gives these answers."""
    for order in permutations(range(len(calls))):
        after = copy.deepcopy(model)
        if all(calls[place].expect(after) == answers[place] for place in order):
            return after
    raise AssertionError(f"no order explains {answers}")


def _entry(entry: FactEntry | LiveEntry) -> tuple[int, int, bytes]:
    if isinstance(entry, FactEntry):
        return entry.sequence, entry.width, entry.fact
    return entry.sequence, 1, entry.event


class SessionMachine(StoreMachine):
    kinds = OF_SESSIONS


class TenantMachine(StoreMachine):
    kinds = OF_TENANTS


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedRedis(Path(folder))
        asyncio.run(server.start())
        yield server.url
        asyncio.run(server.stop())


@pytest.mark.parametrize("machine", [SessionMachine, TenantMachine])
def test_the_scripts_do_what_the_model_does(url: str, machine: type[StoreMachine]) -> None:
    machine.url = url
    case = machine.TestCase
    case.settings = settings(
        max_examples=25,
        # Shrinking against a server takes minutes; the steps that failed are printed.
        phases=[Phase.reuse, Phase.generate],
        stateful_step_count=40,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
