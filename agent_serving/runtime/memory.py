"""A session's memory for its tools, in the store."""

from __future__ import annotations

from dataclasses import dataclass

from agent_serving.ports import Lease, SessionStore


@dataclass(frozen=True, slots=True)
class StoredMemory:
    store: SessionStore
    session_id: str
    lease: Lease
    """A call that outlives its owner's lease remembers nothing more."""

    async def get(self, key: str) -> str | None:
        return await self.store.memory_get(self.session_id, key)

    async def put(self, key: str, value: str) -> None:
        await self.store.memory_put(self.session_id, key, value, lease=self.lease)

    async def keys(self) -> list[str]:
        return await self.store.memory_keys(self.session_id)
