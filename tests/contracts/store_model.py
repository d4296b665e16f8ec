"""What the store promises, in memory: each method is one call, and gives its answer or the error
that it raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent_serving.domain.errors import (
    Fenced,
    IdempotencyMismatch,
    InvalidRequest,
    LogGone,
    SequenceGap,
    StaleWriter,
)
from agent_serving.ports import Append, Lease

Refusal = type[Exception]


@dataclass
class SessionModel:
    facts: list[bytes] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    feed: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(first number, width, body)"""
    numbers: int = 0
    snapshot: tuple[int, bytes] | None = None
    """(version, state)"""
    open: bool = False
    gone: bool = False
    epoch: int = 0
    fence: Lease | None = None
    holder: str | None = None
    memory: dict[str, str] = field(default_factory=dict)

    def append(self, append: Append) -> int | Refusal:
        if self.gone or (not self.facts and append.version > 0):
            return LogGone
        if append.lease is not None and append.lease != self.fence:
            return Fenced
        if append.version != len(self.facts):
            return StaleWriter if append.version < len(self.facts) else SequenceGap
        self.facts.append(append.fact)
        self.tokens.extend(append.tokens)
        self.open = append.open
        if append.snapshot is not None:
            self.snapshot = (len(self.facts), append.snapshot)
        return self._tell(append.width, append.fact)

    def publish(self, bodies: list[bytes], lease: Lease | None) -> None:
        if self.facts and lease in (None, self.fence):
            for body in bodies:
                self._tell(1, body)

    def acquire(self, owner: str) -> Lease | Refusal | None:
        if not self.facts:
            return LogGone
        if self.holder not in (None, owner):
            return None
        if self.holder is None:
            self.epoch += 1
            self.holder, self.fence = owner, Lease(owner, self.epoch)
        return self.fence

    def renew(self, lease: Lease) -> Refusal | None:
        if not self.facts:
            return LogGone
        if lease != self.fence:
            return Fenced
        self.holder = lease.owner
        return None

    def release(self, lease: Lease) -> None:
        if lease == self.fence:
            self.fence = self.holder = None

    def lease_runs_out(self) -> None:
        self.holder = None

    def remember(self, key: str, value: str, lease: Lease) -> Refusal | None:
        if not self.facts:
            return LogGone
        if lease != self.fence:
            return Fenced
        self.memory[key] = value
        return None

    def _tell(self, width: int, body: bytes) -> int:
        first = self.numbers + 1
        self.numbers += width
        self.feed.append((first, width, body))
        return first


@dataclass
class TenantModel:
    """What belongs to a tenant, and not to one of its sessions."""

    made: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key of a request → (its body, the id that was reserved)"""
    names: dict[str, str] = field(default_factory=dict)
    """Name of an agent → its id"""
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    """Id of an agent → its versions"""
    stored_for: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """Key of a request → (its body, the agent's id, its version)"""
    places: set[str] = field(default_factory=set)
    let_in: int = 0
    charged: int = 0

    def reserve(self, key: str, body: str, object_id: str) -> str | Refusal:
        known = self.made.setdefault(key, (body, object_id))
        return known[1] if known[0] == body else IdempotencyMismatch

    def forget(self, key: str) -> None:
        self.made.pop(key, None)

    def put_agent(
        self, agent_id: str, name: str, body: bytes, mark: tuple[str, str] | None
    ) -> tuple[str, int, bool] | Refusal:
        known = self.stored_for.get(mark[0]) if mark is not None else None
        if mark is not None and known is not None:
            return (known[1], known[2], True) if known[0] == mark[1] else IdempotencyMismatch
        if self.names.get(name, agent_id) != agent_id:
            return InvalidRequest
        self.names = {n: i for n, i in self.names.items() if i != agent_id} | {name: agent_id}
        versions = self.versions.setdefault(agent_id, [])
        versions.append(body)
        if mark is not None:
            self.stored_for[mark[0]] = (mark[1], agent_id, len(versions))
        return agent_id, len(versions), False

    def delete_agent(self, agent_id: str) -> bool:
        self.names = {n: i for n, i in self.names.items() if i != agent_id}
        return self.versions.pop(agent_id, None) is not None

    def take(self, member: str, most: int) -> bool:
        if member not in self.places and len(self.places) >= most:
            return False
        self.places.add(member)
        return True

    def request(self, per_minute: int) -> bool:
        """While less than a minute divided by `per_minute` has gone by since the first one."""
        let_in = self.let_in < per_minute
        self.let_in += let_in
        return let_in


@dataclass
class KeyringModel:
    keys: dict[str, datetime | None] = field(default_factory=dict)
    """Id → when it was revoked"""
    acts: list[str] = field(default_factory=list)

    def put(self, key_id: str, act: str) -> None:
        if key_id not in self.keys:
            self.keys[key_id] = None
            self.acts.append(act)

    def revoke(self, key_id: str, at: datetime, act: str) -> bool:
        if key_id not in self.keys:
            return False
        if self.keys[key_id] is None:
            self.keys[key_id] = at
            self.acts.append(act)
        return True


@dataclass
class Model:
    sessions: dict[str, SessionModel]
    tenant: TenantModel = field(default_factory=TenantModel)
    keyring: KeyringModel = field(default_factory=KeyringModel)

    def append(self, append: Append) -> int | Refusal:
        answer = self.sessions[append.session_id].append(append)
        if append.charge is not None and isinstance(answer, int):
            self.tenant.charged += sum(append.charge.amounts.values())
        return answer

    def delete(self, session_id: str) -> None:
        self.sessions[session_id] = SessionModel(gone=True)
