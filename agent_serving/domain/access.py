"""Who comes in, and what they may do: tenants, keys, scopes, limits, the record of acts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from pydantic import Field

from agent_serving.domain.values import Value

Scope = Literal["read", "run", "admin", "metrics"]

_IMPLIED: Mapping[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "run": frozenset({"read", "run"}),
    "admin": frozenset({"read", "run", "admin"}),
    # The figures of all tenants: no tenant's administrator gets them by being one.
    "metrics": frozenset({"metrics"}),
}
EVERYTHING: frozenset[Scope] = frozenset(_IMPLIED)

ANONYMOUS = "anonymous"
"""Who sends no key where none is asked for: whoever reaches the service, and is to be nobody else
than who uses this machine."""

TENANT = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"
_SECRET = re.compile(r"ask_([0-9a-z]{26})_[0-9a-f]{48}")


class Identity(Value):
    """Who a request comes from. `actor` is the id of a key, or ANONYMOUS; it goes into logs as it
    stands."""

    tenant: str
    actor: str
    scopes: frozenset[Scope]

    @property
    def anonymous(self) -> bool:
        return self.actor == ANONYMOUS

    @property
    def operates(self) -> bool:
        """Who may see the figures of all tenants may know where the deployment's parts are."""
        return self.may("metrics")

    def may(self, scope: Scope) -> bool:
        return any(scope in _IMPLIED[held] for held in self.scopes)


class Key(Value):
    """What is kept of a key: never the secret. `digest` is its argon2id hash. `checksum` tells
    wrong secrets without that slow comparison; keys of older versions have none."""

    id: str
    tenant: str = Field(pattern=TENANT)
    name: str = Field("", max_length=128)
    scopes: tuple[Scope, ...] = Field(min_length=1)
    digest: str = Field(repr=False)
    checksum: str | None = Field(None, repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def status(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


class Act(Value):
    """One line of the audit log. `target` is what it was done to, `outcome` an HTTP status or
    `done`."""

    at: datetime
    actor: str
    tenant: str
    act: str
    target: str
    outcome: str
    request_id: str | None = None


class TenantLimits(Value):
    """What a tenant may hold at a time; None is no bound."""

    requests_per_minute: int | None = Field(None, ge=1, le=10**7)
    concurrent_turns: int | None = Field(None, ge=1, le=10**6)
    open_sessions: int | None = Field(None, ge=1, le=10**9)
    stored_bytes: int | None = Field(None, ge=1, le=10**15)
    followers: int | None = Field(None, ge=1, le=10**6)


def secret_of(key_id: str, random: str) -> str:
    """What the caller of a key sends; `random` is 48 hexadecimal digits."""
    return f"ask_{key_id.removeprefix('key_')}_{random}"


def checksum_of(secret: str) -> str:
    """64 bits: too many to be met by trying, and 128 of the secret's stay with its hash alone."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def key_id_of(secret: str) -> str | None:
    """The id of the key that this is the secret of, if it is one at all."""
    found = _SECRET.fullmatch(secret)
    return None if found is None else f"key_{found[1]}"


def known_scopes(names: Iterable[object]) -> frozenset[Scope]:
    """Those of the names that are scopes."""
    given = set(names)
    return frozenset(scope for scope in _IMPLIED if scope in given)
