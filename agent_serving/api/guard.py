"""Who a request comes from: settled before anything of it is read but its headers."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_serving.api.errors import ForeignHost, answer, request_id_of
from agent_serving.api.scopes import is_open
from agent_serving.domain.access import Act, Identity
from agent_serving.domain.errors import (
    AgentServingError,
    CapacityError,
    LimitReached,
    Unauthenticated,
)
from agent_serving.domain.hosts import OwnHosts
from agent_serving.ports import Rate
from agent_serving.runtime.access import Access
from agent_serving.runtime.quotas import TenantQuotas

LOOK_AGAIN_SECONDS = 5.0
"""A stream of a key that was revoked, or of a token that has expired, ends within so long."""


class AccessGuard:
    """Whatever is behind it has `identity` in its state, or is open to everybody."""

    def __init__(
        self, app: ASGIApp, *, access: Access, quotas: TenantQuotas, hosts: OwnHosts
    ) -> None:
        self._app = app
        self._access = access
        self._quotas = quotas
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        state, headers = scope.setdefault("state", {}), Headers(scope=scope)
        rate: Rate | None = None
        try:
            self._check_page(headers)
            state["identity"] = await self._access.identify(credential(headers))
            if state["identity"].anonymous:
                self._check_host(headers)
            rate = await self._quotas.request(state["identity"].tenant)
            if rate is not None and not rate.allowed:
                raise LimitReached(
                    f"The tenant may send {rate.limit} requests a minute, and has. Wait for "
                    f"{rate.retry_after:.3f} s.",
                    limit="requests_per_minute",
                    retry_after=rate.retry_after,
                )
        except AgentServingError as error:
            await answer(error, scope)(scope, receive, _telling(rate, send))
            return
        await self._served(scope, receive, _telling(rate, send))

    def _check_page(self, headers: Headers) -> None:
        """A browser says whose page sends what may change something. Raises ForeignHost."""
        origin = headers.get("origin")
        if origin is not None and not self._hosts.takes(origin, headers.get("host", "")):
            raise ForeignHost(
                f"The page at {origin!r} is none of this service, and is answered nothing. Where "
                "it is to be, start the service with its host and port as --allowed-host."
            )

    def _check_host(self, headers: Headers) -> None:
        """Without keys a page could do everything whose name its owner's DNS leads to this
        address: to the browser it is then one with the service. Raises ForeignHost."""
        host = headers.get("host", "")
        if not self._hosts.has(host):
            raise ForeignHost(
                f"{host!r} is no name of this service, which answers without a key by its own "
                "names only. Say localhost or its address; or start it with this name as "
                "--allowed-host; or make a key by `agent-serving keys create`."
            )

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, watch = 500, None

        async def watched(message: Message) -> None:
            nonlocal status, watch
            if message["type"] == "http.response.start":
                status = message["status"]
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if kind.startswith("text/event-stream"):
                    watch = asyncio.create_task(self._watch(scope, alive), name="access")
            await send(message)

        try:
            async with asyncio.timeout(None) as alive:
                await self._app(scope, receive, watched)
        except TimeoutError:
            if not alive.expired():
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if watch is not None:
                watch.cancel()
            await self._note(scope, status)

    async def _watch(self, scope: Scope, alive: asyncio.Timeout) -> None:
        sent = credential(Headers(scope=scope))
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            with contextlib.suppress(CapacityError):
                try:
                    await self._access.identify(sent)
                except Unauthenticated:
                    alive.reschedule(asyncio.get_running_loop().time())
                    return

    async def _note(self, scope: Scope, status: int) -> None:
        name, identity = scope["state"].get("act"), scope["state"].get("identity")
        if name is None or not isinstance(identity, Identity):
            return
        await self._access.note(
            Act(
                at=datetime.now(UTC),
                actor=identity.actor,
                tenant=identity.tenant,
                act=name,
                target=f"{scope['method']} {scope['path']}",
                outcome=str(status),
                request_id=request_id_of(scope),
            )
        )


def credential(headers: Headers) -> str | None:
    """Of `Authorization: Bearer …`, as OpenAI's clients send it. Never from the address, which
    ends up in logs."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def _telling(rate: Rate | None, send: Send) -> Send:
    """What is left of the limit, in OpenAI's headers."""
    if rate is None:
        return send

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-ratelimit-limit-requests"] = str(rate.limit)
            headers["x-ratelimit-remaining-requests"] = str(rate.remaining)
            headers["x-ratelimit-reset-requests"] = f"{rate.reset:.3f}s"
        await send(message)

    return told
