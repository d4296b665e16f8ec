"""The ports of access: where keys are kept, how they are hashed, who may sign tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_serving.domain.access import Act, Identity, Key


class Keyring(Protocol):
    """Keys, and the audit log. All calls raise StoreUnavailable."""

    async def any_key(self) -> bool:
        """Whether there ever was one: revoked and expired keys stay."""
        ...

    async def put_key(self, key: Key, act: Act) -> None:
        """With its line in the audit log, or neither."""
        ...

    async def key(self, key_id: str) -> Key | None:
        """As it is now: never from a cache."""
        ...

    async def keys(self) -> list[Key]:
        """All of all tenants, the oldest first."""
        ...

    async def revoke_key(self, key_id: str, at: datetime, act: Act) -> bool:
        """With its line in the audit log. False where there is no such key; a key that is revoked
        already keeps its time."""
        ...

    async def note(self, act: Act) -> None:
        """A line for the audit log."""
        ...

    async def acts(self, limit: int) -> Sequence[Act]:
        """The newest lines of the audit log, the newest first."""
        ...


class Hasher(Protocol):
    """A slow hash, off the event loop."""

    async def hash(self, secret: str) -> str: ...

    async def matches(self, digest: str, secret: str) -> bool:
        """In a time that does not tell how much of it was right."""
        ...


class Tokens(Protocol):
    """What an identity provider has signed: a second way in, beside keys."""

    async def identify(self, token: str) -> Identity:
        """Raises Unauthenticated, IssuerUnavailable."""
        ...

    async def aclose(self) -> None: ...
