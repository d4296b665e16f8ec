"""What a tenant holds at a time, against what the configuration lets it hold."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from agent_serving.domain.access import TenantLimits
from agent_serving.domain.errors import InvalidRequest, LimitReached, StoreUnavailable
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, ToolStep
from agent_serving.ports import Observer, Ports, Quotas, Rate
from agent_serving.ports.quotas import Kind
from agent_serving.runtime.load import unfinished

log = logging.getLogger(__name__)

TTL_MS = 30_000
BEAT_SECONDS = 5.0
START_SECONDS = 10.0
"""A place that was taken for a turn which has not begun by then is given back."""
SIZE_SECONDS = 30.0
"""So long a tenant's size serves; by what is stored meanwhile the limit may be passed."""
RETRY_SECONDS = 1.0

_TURNS: Mapping[Kind, tuple[str, str]] = {
    "turns": ("sessions with a turn under way", ""),
    "batch_turns": ("sessions of class `batch` with a turn under way", "half of "),
}


@dataclass(frozen=True, slots=True)
class _Size:
    at: float
    stored: int


@dataclass(frozen=True, slots=True)
class _Start:
    at: float
    kinds: Sequence[Kind]


class Seat:
    """A place that somebody holds until it is given back."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def leave(self) -> None:
        self._leave()


class TenantQuotas(Observer):
    """A turn's place belongs to its session, of which it is the only one under way. Whoever runs
    it says so again and again; when its process dies, another says it, or nobody does."""

    def __init__(self, ports: Ports, running: Callable[[], list[Session]]) -> None:
        self._ports = ports
        self._running = running
        self._started: dict[tuple[str, str], _Start] = {}
        self._accepting: Counter[tuple[str, str]] = Counter()
        self._followers: set[tuple[str, str]] = set()
        self._sizes: dict[str, _Size] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._ports.quotas is not None and self._ports.tenant_limits:
            self._beating = asyncio.create_task(self._beat_forever(), name="quotas")

    async def aclose(self) -> None:
        tasks = [*self._leaving, *([self._beating] if self._beating else [])]
        if self._beating is not None:
            self._beating.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def request(self, tenant: str) -> Rate | None:
        """None where requests are not limited. Raises StoreUnavailable."""
        quotas, most = self._asked(tenant, "requests_per_minute")
        return None if quotas is None else await quotas.request(tenant, most)

    async def turn(self, session: Session) -> None:
        """To be asked before a turn is accepted. Raises LimitReached, StoreUnavailable."""
        tenant = session.tenant
        await self._room(tenant)
        quotas, most = self._asked(tenant, "concurrent_turns")
        if quotas is None:
            return
        kinds = _kinds(session)
        member = (tenant, session.id)
        self._started[member] = _Start(self._ports.clock.monotonic(), kinds)
        for kind in kinds:
            places = max(1, most // 2) if kind == "batch_turns" else most
            if not await self._take(kind, member, most=places):
                self._started.pop(member, None)
                await self._release(kinds[: kinds.index(kind)], member)
                what, share = _TURNS[kind]
                raise _reached("concurrent_turns", places, what, "Wait", share=share)

    @contextmanager
    def accepting(self, session: Callable[[], Session]) -> Iterator[None]:
        """Inside, `turn` is asked and a turn accepted, in the session as it is at a moment. A place
        that serves no turn behind it, nor another that is being accepted, is given back."""
        member = (session().tenant, session().id)
        self._accepting[member] += 1
        try:
            yield
        finally:
            self._accepting[member] -= 1
            if not self._accepting[member]:
                del self._accepting[member]
                if member in self._started and not any(unfinished(session())):
                    self._leave(self._started.pop(member).kinds, member)

    async def batch(self, tenant: str, requests: int) -> None:
        """To be asked before a batch is accepted. Raises LimitReached, StoreUnavailable, and
        InvalidRequest where it could never come to its end."""
        await self._room(tenant)
        _, most = self._asked(tenant, "open_sessions")
        if most and requests > most:
            raise InvalidRequest(
                f"{requests} requests open as many sessions, and the tenant's limit "
                f"`open_sessions` is {most}. Send fewer, or have the deployment raise it.",
                param="requests",
            )

    @asynccontextmanager
    async def session(self, tenant: str, session_id: str) -> AsyncIterator[None]:
        """Inside, the session is to be stored. Raises LimitReached, StoreUnavailable."""
        await self._room(tenant)
        quotas, most = self._asked(tenant, "open_sessions")
        if quotas is None:
            yield
            return
        try:
            if not await quotas.open_session(tenant, session_id, most=most):
                raise _reached("open_sessions", most, "sessions", "Delete some")
            yield
        finally:
            with contextlib.suppress(StoreUnavailable):
                await quotas.opened(tenant, session_id)

    async def follower(self, tenant: str) -> Seat:
        """Raises LimitReached, StoreUnavailable."""
        quotas, most = self._asked(tenant, "followers")
        if quotas is None:
            return Seat(lambda: None)
        member = (tenant, secrets.token_hex(8))

        if not await self._take("followers", member, most=most):
            raise _reached("followers", most, "streams open", "Close some")
        self._followers.add(member)

        def leave() -> None:
            if member in self._followers:
                self._followers.discard(member)
                self._leave(["followers"], member)

        return Seat(leave)

    def step_ended(self, session: Session, turn: Turn, step: ModelStep | ToolStep) -> None:
        return

    def call_doubted(self, session: Session, turn: Turn, step: ToolStep) -> None:
        return

    def turn_ended(self, session: Session, turn: Turn) -> None:
        _, most = self._asked(session.tenant, "concurrent_turns")
        if most and not any(unfinished(session)):
            self._started.pop((session.tenant, session.id), None)
            self._leave(_kinds(session), (session.tenant, session.id))

    async def beat(self) -> None:
        """Say what is still held here, and give back what never began. Raises StoreUnavailable."""
        quotas = self._ports.quotas
        assert quotas is not None
        running = {(session.tenant, session.id): session for session in self._running()}
        now = self._ports.clock.monotonic()
        for member, start in list(self._started.items()):
            if member in running or now - start.at > START_SECONDS:
                del self._started[member]
                if member not in running:
                    for kind in start.kinds:
                        await quotas.release(*_placed(kind, member))
        held: dict[tuple[Kind, str], list[str]] = defaultdict(list)
        for session in running.values():
            for kind in _kinds(session):
                held[kind, session.tenant].append(session.id)
        for tenant, follower in self._followers:
            held["followers", tenant].append(follower)
        for (kind, tenant), members in held.items():
            if self._limits(tenant) != TenantLimits():
                await quotas.hold(tenant, kind, members, ttl_ms=TTL_MS)

    def _limits(self, tenant: str) -> TenantLimits:
        limits = self._ports.tenant_limits
        return limits.get(tenant) or limits.get("*") or TenantLimits()

    def _asked(self, tenant: str, limit: str) -> tuple[Quotas, int] | tuple[None, int]:
        most: int | None = getattr(self._limits(tenant), limit)
        quotas = self._ports.quotas
        return (None, 0) if most is None or quotas is None else (quotas, most)

    async def _room(self, tenant: str) -> None:
        quotas, most = self._asked(tenant, "stored_bytes")
        if quotas is None:
            return
        now, size = self._ports.clock.monotonic(), self._sizes.get(tenant)
        if size is None or now - size.at >= SIZE_SECONDS:
            size = self._sizes[tenant] = _Size(now, await quotas.stored_bytes(tenant))
        if size.stored >= most:
            raise _reached(
                "stored_bytes", most, "bytes stored", "Delete sessions", retry=SIZE_SECONDS
            )

    async def _take(self, kind: Kind, member: tuple[str, str], *, most: int) -> bool:
        quotas = self._ports.quotas
        assert quotas is not None

        async def take() -> bool:
            return await quotas.take(*_placed(kind, member), most=most, ttl_ms=TTL_MS)

        # One that has just ended here may not have left yet.
        return await take() or (await self._left() and await take())

    def _leave(self, kinds: Sequence[Kind], member: tuple[str, str]) -> None:
        task = asyncio.create_task(self._release(kinds, member))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _release(self, kinds: Sequence[Kind], member: tuple[str, str]) -> None:
        assert self._ports.quotas is not None
        with contextlib.suppress(StoreUnavailable):  # its time runs out by itself
            for kind in kinds:
                await self._ports.quotas.release(*_placed(kind, member))

    async def _left(self) -> bool:
        """Once all have left who are leaving; False where nobody was."""
        leaving = list(self._leaving)
        await asyncio.gather(*leaving, return_exceptions=True)
        return bool(leaving)

    async def _beat_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self.beat()
            except StoreUnavailable:
                continue
            except Exception:
                log.exception("saying what tenants hold failed")


def _kinds(session: Session) -> Sequence[Kind]:
    """What a turn of the session takes, in this order. A tenant's own batches leave room for what
    is urgent, and are not shut out by it."""
    batch = session.agent.service_class == "batch"
    return ("batch_turns", "turns") if batch else ("turns",)


def _placed(kind: Kind, member: tuple[str, str]) -> tuple[str, Kind, str]:
    tenant, name = member
    return tenant, kind, name


def _reached(
    limit: str,
    most: int,
    what: str,
    remedy: str,
    *,
    share: str = "",
    retry: float = RETRY_SECONDS,
) -> LimitReached:
    return LimitReached(
        f"The tenant has {most} {what}, and that is {share}its limit `{limit}`. {remedy}, or have "
        "the deployment raise it.",
        limit=limit,
        retry_after=retry,
    )
