"""What the session's tools remember: a bounded hash."""

from __future__ import annotations

from agent_serving.adapters.redis.gateway import Gateway, decode, encode
from agent_serving.adapters.redis.keys import SessionKeys
from agent_serving.adapters.redis.leases import fence
from agent_serving.adapters.redis.refusals import fenced, gone
from agent_serving.domain.errors import InvalidRequest
from agent_serving.ports import Lease

_KEYS = 1_000
_KEY_BYTES = 1024
_VALUE_BYTES = 64 * 1024


class Memory:
    def __init__(self, gateway: Gateway, prefix: str) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._put = gateway.script("memory_put")

    async def get(self, session_id: str, key: str) -> str | None:
        value = await self._gateway.ask(("HGET", self._keys(session_id).memory, encode(key)))
        return None if value is None else decode(value)

    async def put(self, session_id: str, key: str, value: str, lease: Lease | None) -> None:
        """Raises InvalidRequest (a bound is passed), LogGone (the session is gone), Fenced."""
        field, data = encode(key), encode(value)
        if len(field) > _KEY_BYTES:
            raise InvalidRequest(
                f"the key is {len(field)} bytes long; at most {_KEY_BYTES} can be kept",
                param="key",
            )
        if len(data) > _VALUE_BYTES:
            raise InvalidRequest(
                f"the value for {key!r} is {len(data)} bytes long; "
                f"at most {_VALUE_BYTES} can be remembered",
                param="value",
            )
        keys = self._keys(session_id)
        state = await self._gateway.ask(
            self._put([keys.meta, keys.memory], field, data, _KEYS, fence(lease))
        )
        match state:
            case b"full":
                raise InvalidRequest(
                    f"session {session_id!r} remembers {_KEYS} keys already; "
                    "put the value under a key that is in use",
                    param="key",
                )
            case b"gone":
                raise gone(session_id)
            case b"fenced":
                raise fenced(session_id)

    async def keys(self, session_id: str) -> list[str]:
        fields = await self._gateway.ask(("HKEYS", self._keys(session_id).memory))
        return sorted(decode(field) for field in fields)

    def _keys(self, session_id: str) -> SessionKeys:
        return SessionKeys(self._prefix, session_id)
