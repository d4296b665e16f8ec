"""Calls of the store as several processes make them, each beside what the model does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from agent_serving.adapters.redis import RedisKeyring, RedisSessionStore
from agent_serving.adapters.redis.keys import QuotaKeys
from agent_serving.domain.access import Act, Key
from agent_serving.domain.charge import Account, Charge, added
from agent_serving.domain.receipt import RequestMark
from agent_serving.ports import Lease
from tests.contracts.appends import fact
from tests.contracts.store_model import Model

LONG = 3_600_000
TENANT = "acme"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 490_896
ACCOUNT = Account(tenant=TENANT, agent="a@1", model="m")
PLACES = 2
PER_MINUTE = 2

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Process:
    store: RedisSessionStore
    keyring: RedisKeyring


@dataclass(frozen=True)
class Call:
    name: str
    send: Callable[[Process], Awaitable[Any]]
    expect: Callable[[Model], Any]
    holder: tuple[str, str] | None = None
    """Who gets the lease, and of which session."""


@dataclass
class Callers:
    """What the processes know before they call: the model's sessions, and leases they once got."""

    prefix: str
    model: Model
    leases: dict[tuple[str, str], Lease] = field(default_factory=dict)
    calls: int = 0

    def lease(self, writer: str, session: str) -> Lease:
        return self.leases.get((writer, session), Lease(writer, 0))


# --- of a session ---------------------------------------------------------------------------

WRITERS = st.sampled_from(["a", "b"])


def _session(draw: Draw, who: Callers) -> str:
    """Those that are there, and one that was deleted."""
    return str(draw(st.sampled_from(sorted(who.model.sessions)[-3:])))


def opening(session: str) -> Call:
    one = fact(session, 0)
    return Call(f"open {session}", lambda p: p.store.append(one), lambda m: m.append(one))


def append(draw: Draw, who: Callers) -> Call:
    session, writer = _session(draw, who), draw(st.none() | WRITERS)
    charge = Charge(hour=HOUR, account=ACCOUNT, amounts={"output_tokens": 1})
    one = fact(
        session,
        max(0, len(who.model.sessions[session].facts) + draw(st.sampled_from([0, 0, 0, -1, 1]))),
        fact=f"fact {who.calls}".encode(),
        width=draw(st.integers(1, 3)),
        tokens=tuple(draw(st.lists(st.integers(0, 2**32 - 1), max_size=3))),
        open=draw(st.booleans()),
        snapshot=draw(st.none() | st.just(f"state {who.calls}".encode())),
        charge=draw(st.none() | st.just(charge)),
        lease=None if writer is None else who.lease(writer, session),
    )
    return Call(f"append {one}", lambda p: p.store.append(one), lambda m: m.append(one))


def publish(draw: Draw, who: Callers) -> Call:
    session, writer = _session(draw, who), draw(st.none() | WRITERS)
    lease = None if writer is None else who.lease(writer, session)
    bodies = [f"delta {who.calls}.{n}".encode() for n in range(2)]
    return Call(
        f"publish {session} {lease}",
        lambda p: p.store.publish(session, bodies, lease=lease),
        lambda m: m.sessions[session].publish(bodies, lease),
    )


def remember(draw: Draw, who: Callers) -> Call:
    session = _session(draw, who)
    lease, key, value = who.lease(draw(WRITERS), session), draw(st.sampled_from("xy")), who.calls
    return Call(
        f"remember {session} {key}={value} {lease}",
        lambda p: p.store.memory_put(session, key, str(value), lease=lease),
        lambda m: m.sessions[session].remember(key, str(value), lease),
    )


def acquire(draw: Draw, who: Callers) -> Call:
    session, writer = _session(draw, who), draw(WRITERS)
    return Call(
        f"acquire {session} {writer}",
        lambda p: p.store.acquire_lease(session, writer, LONG),
        lambda m: m.sessions[session].acquire(writer),
        holder=(writer, session),
    )


def renew(draw: Draw, who: Callers) -> Call:
    session = _session(draw, who)
    lease = who.lease(draw(WRITERS), session)
    return Call(
        f"renew {session} {lease}",
        lambda p: p.store.renew_lease(session, lease, LONG),
        lambda m: m.sessions[session].renew(lease),
    )


def release(draw: Draw, who: Callers) -> Call:
    session = _session(draw, who)
    lease = who.lease(draw(WRITERS), session)
    return Call(
        f"release {session} {lease}",
        lambda p: p.store.release_lease(session, lease),
        lambda m: m.sessions[session].release(lease),
    )


def lease_runs_out(draw: Draw, who: Callers) -> Call:
    session = _session(draw, who)
    return Call(
        f"the lease of {session} runs out",
        lambda p: _none(p.store._gateway.send(("DEL", p.store._keys(session).lease))),
        lambda m: m.sessions[session].lease_runs_out(),
    )


def delete(draw: Draw, who: Callers) -> Call:
    if draw(st.integers(0, 3)):
        return append(draw, who)
    session = _session(draw, who)
    return Call(
        f"delete {session}",
        lambda p: p.store.delete_session(session, TENANT),
        lambda m: m.delete(session),
    )


# --- of a tenant ----------------------------------------------------------------------------


def _mark(draw: Draw) -> RequestMark:
    key, body = draw(st.sampled_from(["k", "l"])), draw(st.sampled_from(["b", "b", "c"]))
    return RequestMark(key=key, body=body)


def reserve(draw: Draw, who: Callers) -> Call:
    mark, object_id = _mark(draw), f"sess_{who.calls}"

    async def send(process: Process) -> str:
        return (await process.store.reserve(mark, object_id, at=NOW)).object_id

    return Call(f"reserve {mark}", send, lambda m: m.tenant.reserve(mark.key, mark.body, object_id))


def forget(draw: Draw, who: Callers) -> Call:
    mark = _mark(draw)
    return Call(
        f"forget {mark}", lambda p: p.store.release(mark), lambda m: m.tenant.forget(mark.key)
    )


def put_agent(draw: Draw, who: Callers) -> Call:
    agent_id, name = draw(st.sampled_from(["agent_1", "agent_2"])), draw(st.sampled_from("xy"))
    body, mark = f"version {who.calls}".encode(), draw(st.none() | st.just(_mark(draw)))

    async def send(process: Process) -> tuple[str, int, bool]:
        stored = await process.store.put_agent(
            TENANT, body, agent_id=agent_id, name=name, mark=mark
        )
        return stored.agent_id, stored.version, stored.replayed

    return Call(
        f"put {agent_id} {name} {mark}",
        send,
        lambda m: m.tenant.put_agent(agent_id, name, body, mark and (mark.key, mark.body)),
    )


def delete_agent(draw: Draw, who: Callers) -> Call:
    agent_id = draw(st.sampled_from(["agent_1", "agent_2"]))
    return Call(
        f"delete {agent_id}",
        lambda p: p.store.delete_agent(TENANT, agent_id),
        lambda m: m.tenant.delete_agent(agent_id),
    )


MEMBERS = st.sampled_from(["one", "two", "three"])


def take(draw: Draw, who: Callers) -> Call:
    member = draw(MEMBERS)
    return Call(
        f"take {member}",
        lambda p: p.keyring.quotas.take(TENANT, "turns", member, most=PLACES, ttl_ms=LONG),
        lambda m: m.tenant.take(member, PLACES),
    )


def hold(draw: Draw, who: Callers) -> Call:
    members = draw(st.lists(MEMBERS, min_size=1, max_size=2))
    return Call(
        f"hold {members}",
        lambda p: p.keyring.quotas.hold(TENANT, "turns", members, ttl_ms=LONG),
        lambda m: m.tenant.places.update(members),
    )


def leave(draw: Draw, who: Callers) -> Call:
    member = draw(MEMBERS)
    return Call(
        f"{member} leaves",
        lambda p: p.keyring.quotas.release(TENANT, "turns", member),
        lambda m: m.tenant.places.discard(member),
    )


def time_is_up(draw: Draw, who: Callers) -> Call:
    member, held = draw(MEMBERS), QuotaKeys(who.prefix, TENANT).held("turns")
    return Call(
        f"the time of {member} is up",
        lambda p: _none(p.store._gateway.send(("ZADD", held, "XX", 1, member))),
        lambda m: m.tenant.places.discard(member),
    )


def read_books(draw: Draw, who: Callers) -> Call:
    async def send(process: Process) -> int:
        charges = await process.store.charges(TENANT, since=HOUR, until=HOUR + 1)
        return sum(added(charges).values())

    return Call("read the books", send, lambda m: m.tenant.charged)


def request(draw: Draw, who: Callers) -> Call:
    async def send(process: Process) -> bool:
        return (await process.keyring.quotas.request(TENANT, PER_MINUTE)).allowed

    return Call("request", send, lambda m: m.tenant.request(PER_MINUTE))


# --- of the service -------------------------------------------------------------------------

KEY_IDS = st.sampled_from(["key_1", "key_2"])


def _act(who: Callers, name: str, target: str) -> Act:
    return Act(
        at=NOW, actor=f"call {who.calls}", tenant=TENANT, act=name, target=target, outcome="done"
    )


def put_key(draw: Draw, who: Callers) -> Call:
    key_id = draw(KEY_IDS)
    key = Key(id=key_id, tenant=TENANT, scopes=("run",), digest="d", created_at=NOW)
    act = _act(who, "create_key", key_id)
    return Call(
        f"put {key_id}",
        lambda p: p.keyring.put_key(key, act),
        lambda m: m.keyring.put(key_id, act.actor),
    )


def revoke_key(draw: Draw, who: Callers) -> Call:
    key_id, at = draw(KEY_IDS), NOW + timedelta(seconds=who.calls)
    act = _act(who, "revoke_key", key_id)
    return Call(
        f"revoke {key_id}",
        lambda p: p.keyring.revoke_key(key_id, at, act),
        lambda m: m.keyring.revoke(key_id, at, act.actor),
    )


async def _none(call: Awaitable[Any]) -> None:
    await call


Kind = Callable[[Draw, Callers], Call]

OF_SESSIONS: Sequence[Kind] = (
    append, append, append, acquire, acquire, publish, remember, renew, release, lease_runs_out,
    delete,
)  # fmt: skip
OF_TENANTS: Sequence[Kind] = (
    append, append, read_books, read_books, reserve, forget, put_agent, delete_agent, take, hold,
    leave, time_is_up, request, put_key, revoke_key,
)  # fmt: skip
