"""The workers: who is there, what each can do, and who is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from agent_serving.adapters.sglang.client import EngineClient
from agent_serving.adapters.sglang.probing import (
    PROBE_SECONDS,
    Findings,
    ask,
    ask_boot,
    worker_of,
)
from agent_serving.domain.errors import AgentServingError, EngineUnavailable, InvalidRequest
from agent_serving.ports import Worker

# A known worker is only asked whether it lives; everything is asked again when it was lost,
# when something failed, and after this time.
ASK_ALL_SECONDS = 30.0


@dataclass(slots=True)
class Member:
    """One configured worker. `found` is None while nothing is known or after it was lost."""

    client: EngineClient
    worker: Worker
    found: Findings | None = None
    asked_at: float = 0.0

    @property
    def incarnation(self) -> tuple[str, str]:
        """Differs between two starts of the same worker: the key for what is cached about it."""
        return (self.worker.name, (self.found and self.found.boot) or "")


class Pool:
    """Members in the order they were configured. All must serve the model of the first one that is
    ready: token ids mean nothing to another model."""

    def __init__(
        self, urls: Sequence[str], *, api_key: str | None = None, chunk_seconds: float = 300.0
    ) -> None:
        self._members: dict[str, Member] = {}
        self._probing = asyncio.Lock()
        for url in urls:
            name = _name(url)
            if name in self._members:
                raise InvalidRequest(f"The engine {name} is named twice; name it once.")
            self._members[name] = Member(
                client=EngineClient(name, url, api_key=api_key, chunk_seconds=chunk_seconds),
                worker=Worker(
                    name=name, url=url, ready=False, degraded=("It has not been probed yet.",)
                ),
            )

    def workers(self) -> tuple[Worker, ...]:
        return tuple(member.worker for member in self._members.values())

    def ready(self) -> tuple[Member, ...]:
        return tuple(member for member in self._members.values() if member.worker.ready)

    def any_ready(self) -> tuple[Member, ...]:
        """Not empty. Raises EngineUnavailable with each worker's own reason."""
        ready = self.ready()
        if not ready:
            reasons = "; ".join(
                f"{worker.name}: {' '.join(worker.degraded)}" for worker in self.workers()
            )
            raise EngineUnavailable(f"No engine is ready. {reasons or 'None is configured.'}")
        return ready

    def member(self, name: str) -> Member:
        """Raises EngineUnavailable where the worker is unknown or not ready."""
        member = self._members.get(name)
        if member is None:
            raise EngineUnavailable(
                f"There is no engine {name!r}; there are: {', '.join(self._members) or 'none'}."
            )
        if not member.worker.ready:
            raise EngineUnavailable(
                f"The engine {name} is not ready: {' '.join(member.worker.degraded)}"
            )
        return member

    def doubt(self, name: str) -> None:
        """Something failed there: the next probe asks everything."""
        if name in self._members:
            self._members[name].asked_at = 0.0

    async def incarnation(self, name: str) -> str | None:
        """Asked now; a worker that turns out to have been started anew is probed again at once."""
        member = self._members.get(name)
        if member is None:
            return None
        try:
            boot = await ask_boot(member.client)
        except AgentServingError:
            self.doubt(name)
            return None
        if boot != member.worker.incarnation:
            self.doubt(name)
            await self.probe()
        return boot

    async def probe(self) -> None:
        async with self._probing:
            await asyncio.gather(*(self._probe(member) for member in self._members.values()))
            self._agree()

    async def aclose(self) -> None:
        await asyncio.gather(*(member.client.aclose() for member in self._members.values()))

    async def _probe(self, member: Member) -> None:
        now = time.monotonic()
        known = member.found is not None
        try:
            if not known or now - member.asked_at >= ASK_ALL_SECONDS:
                found = await ask(member.client)
                member.found, member.asked_at = found, now
                member.worker = worker_of(member.worker.name, member.worker.url, found)
                return
        except AgentServingError as error:
            if not known:
                self._lose(member, error)
                return
        # A scheduler in a long prefill is late with /server_info; that is no reason to drop it.
        try:
            await member.client.get("/model_info", seconds=PROBE_SECONDS)
        except AgentServingError as error:
            self._lose(member, error)

    def _lose(self, member: Member, error: AgentServingError) -> None:
        member.found = None
        member.worker = replace(member.worker, ready=False, degraded=(error.message,))

    def _agree(self) -> None:
        ready = self.ready()
        for member in ready[1:]:
            first, other = ready[0].worker, member.worker
            if (first.model, first.vocabulary_size) != (other.model, other.vocabulary_size):
                sentence = (
                    f"It serves {other.model} (vocabulary {other.vocabulary_size}) where "
                    f"{first.name} serves {first.model} ({first.vocabulary_size}): it is not used, "
                    "since token ids of one mean nothing to the other."
                )
                member.found = None
                member.worker = replace(other, ready=False, degraded=(sentence, *other.degraded))


def _name(url: str) -> str:
    """`host:port` and any path: short, and unique in the pool."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidRequest(f"The engine URL {url!r} cannot be read: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidRequest(
            f"The engine URL {url!r} is not an HTTP address; write it like http://127.0.0.1:30000"
        )
    return f"{parsed.netloc.decode()}{parsed.path.rstrip('/')}"
