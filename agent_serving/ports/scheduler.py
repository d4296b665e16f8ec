"""The scheduler port: who may send to which worker, and when."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from agent_serving.domain.values import ServiceClass


@dataclass(frozen=True, slots=True)
class Admission:
    """A request for a place: `prompt_tokens` + at most `max_new_tokens` on some worker that serves
    `model` (None: any) and is not in `avoid` (workers that just failed), unless only those are
    left."""

    session_id: str
    tenant: str
    service_class: ServiceClass
    prompt_tokens: int
    max_new_tokens: int
    model: str | None = None
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    worker: str
    waited_ms: float


class Scheduler(Protocol):
    def admit(self, admission: Admission) -> AbstractAsyncContextManager[Grant]:
        """Wait for a place and hold it inside the block. A more urgent class goes first; within
        a class it is first come, first served at least. Cancelling the wait gives the place up.
        Raises Overloaded, EngineUnavailable."""
        ...
