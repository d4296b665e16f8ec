"""Versioned agents, by tenant."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent_serving.adapters.redis.gateway import Gateway, decode, encode
from agent_serving.adapters.redis.keys import AgentKeys
from agent_serving.adapters.redis.paging import Scan
from agent_serving.adapters.redis.reservations import KEPT_MS
from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.receipt import RequestMark, mismatch
from agent_serving.ports import Listing, StoredAgent


@dataclass(frozen=True, slots=True)
class AgentBounds:
    """Most agents of a tenant, and most versions of one of them."""

    agents: int = 1000
    versions: int = 1000


USUAL = AgentBounds()


class AgentTable:
    def __init__(self, gateway: Gateway, prefix: str, bounds: AgentBounds) -> None:
        self._gateway = gateway
        self._prefix = prefix
        self._bounds = bounds
        self._put = gateway.script("agent_put")
        self._version = gateway.script("agent_version")
        self._versions = gateway.script("agent_versions")
        self._list = gateway.script("agent_list")
        self._delete = gateway.script("agent_delete")

    async def put(
        self, tenant: str, agent: bytes, *, agent_id: str, name: str, mark: RequestMark | None
    ) -> StoredAgent:
        keys = AgentKeys(self._prefix, tenant)
        request = keys.request("" if mark is None else mark.key)
        state, *told = await self._gateway.ask(
            self._put(
                [keys.ids, keys.names, keys.named, keys.latest, keys.bodies, keys.nonces, request],
                encode(agent_id),
                encode(name),
                agent,
                secrets.token_bytes(12),
                "" if mark is None else mark.body,
                KEPT_MS,
                self._bounds.agents,
                self._bounds.versions,
            )
        )
        if state == b"known":
            assert mark is not None
            return _known(told, mark)
        if state == b"many agents":
            raise _full("agents", "max_agents", self._bounds.agents, "an agent")
        if state == b"many versions":
            most = self._bounds.versions
            raise _full(f"versions of {name!r}", "max_agent_versions", most, "this one")
        if state == b"taken":
            owner = decode(told[0])
            raise InvalidRequest(
                f"the name {name!r} belongs to agent {owner!r}; "
                "store the new version under that id, or choose another name",
                param="name",
                details={"agent_id": owner},
            )
        return StoredAgent(agent_id, int(told[0]))

    async def made_by(self, tenant: str, mark: RequestMark) -> StoredAgent | None:
        key = AgentKeys(self._prefix, tenant).request(mark.key)
        row = await self._gateway.ask(("HMGET", key, "body", "id", "version"))
        return None if row[0] is None else _known(row, mark)

    async def version(self, tenant: str, key: str, number: int | None) -> tuple[int, bytes] | None:
        keys = AgentKeys(self._prefix, tenant)
        row: list[Any] = await self._gateway.ask(
            self._version(
                [keys.names, keys.latest, keys.bodies],
                encode(key),
                "" if number is None else number,
            )
        )
        return (row[0], row[1]) if row else None

    async def versions(
        self, tenant: str, key: str, first: int, last: int | None
    ) -> list[tuple[int, bytes]]:
        keys = AgentKeys(self._prefix, tenant)
        bodies: list[bytes] = await self._gateway.ask(
            self._versions(
                [keys.names, keys.latest, keys.bodies],
                encode(key),
                first,
                "" if last is None else last,
            )
        )
        return list(enumerate(bodies, start=first))

    async def page(self, tenant: str, scan: Scan, limit: int) -> Listing:
        keys = AgentKeys(self._prefix, tenant)
        rows: list[bytes] = await self._gateway.ask(
            self._list([keys.ids, keys.latest, keys.bodies], scan.verb, *scan.bounds, limit + 1)
        )
        page = rows[:limit]
        return Listing(rows=tuple(reversed(page) if scan.against else page), more=len(rows) > limit)

    async def delete(self, tenant: str, agent_id: str) -> bool:
        keys = AgentKeys(self._prefix, tenant)
        deleted: Any = await self._gateway.ask(
            self._delete(
                [keys.ids, keys.names, keys.named, keys.latest, keys.bodies, keys.nonces],
                encode(agent_id),
            )
        )
        return bool(deleted)


def _full(what: str, limit: str, most: int, whole: str) -> InvalidRequest:
    return InvalidRequest(
        f"There are {most} {what} already, and there can be no more. Delete {whole}, or have "
        f"`{limit}` raised.",
        param="name",
        details={"limit": limit, "most": most},
    )


def _known(row: Sequence[bytes], mark: RequestMark) -> StoredAgent:
    body, agent_id, version = row
    if decode(body) != mark.body:
        raise mismatch()
    return StoredAgent(decode(agent_id), int(version), replayed=True)
