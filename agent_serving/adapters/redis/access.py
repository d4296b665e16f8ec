"""The `Keyring` port over Redis: keys without their secrets, and the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent_serving.adapters.redis.gateway import Gateway, client_of, decode
from agent_serving.adapters.redis.keys import AccessKeys
from agent_serving.adapters.redis.quotas import RedisQuotas
from agent_serving.domain.access import Act, Key

AUDIT_ENTRIES = 10_000
_CONNECTIONS = 16


class RedisKeyring:
    """Connections of its own: that the store is busy never keeps anybody from being refused."""

    def __init__(self, gateway: Gateway, prefix: str = "as") -> None:
        self._gateway = gateway
        self._keys = AccessKeys(prefix)
        self._put = gateway.script("key_put")
        self._revoke = gateway.script("key_revoke")
        self.quotas = RedisQuotas(gateway, prefix)

    @classmethod
    def connect(cls, url: str, *, prefix: str = "as") -> RedisKeyring:
        """`url` as the store takes it. Nothing is sent yet. Raises InvalidRequest."""
        return cls(Gateway(client_of(url, max_connections=_CONNECTIONS), max_readers=1), prefix)

    async def any_key(self) -> bool:
        return bool(await self._gateway.ask(("EXISTS", self._keys.keys)))

    async def put_key(self, key: Key, act: Act) -> None:
        await self._gateway.ask(
            self._put(
                [self._keys.keys, self._keys.audit],
                key.id,
                key.model_dump_json(exclude={"revoked_at"}),
                act.model_dump_json(),
                AUDIT_ENTRIES,
            )
        )

    async def key(self, key_id: str) -> Key | None:
        kept, revoked = await self._gateway.send(
            ("HGET", self._keys.keys, key_id), ("HGET", self._keys.revoked, key_id)
        )
        return None if kept is None else _key(kept, revoked)

    async def keys(self) -> list[Key]:
        kept, revoked = await self._gateway.send(
            ("HGETALL", self._keys.keys), ("HGETALL", self._keys.revoked)
        )
        return sorted(
            (_key(body, revoked.get(key_id)) for key_id, body in kept.items()),
            key=lambda key: key.id,
        )

    async def revoke_key(self, key_id: str, at: datetime, act: Act) -> bool:
        keys = self._keys
        return bool(
            await self._gateway.ask(
                self._revoke(
                    [keys.keys, keys.revoked, keys.audit],
                    key_id,
                    at.isoformat(),
                    act.model_dump_json(),
                    AUDIT_ENTRIES,
                )
            )
        )

    async def note(self, act: Act) -> None:
        body = act.model_dump_json()
        await self._gateway.ask(
            ("XADD", self._keys.audit, "MAXLEN", "~", AUDIT_ENTRIES, "*", "act", body)
        )

    async def acts(self, limit: int) -> Sequence[Act]:
        entries = await self._gateway.ask(("XREVRANGE", self._keys.audit, "+", "-", "COUNT", limit))
        return [Act.model_validate_json(fields[b"act"]) for _, fields in entries]

    async def aclose(self) -> None:
        await self._gateway.aclose()


def _key(body: bytes, revoked: bytes | None) -> Key:
    key = Key.model_validate_json(body)
    if revoked is None:
        return key
    return key.but(revoked_at=datetime.fromisoformat(decode(revoked)))
