"""A scheduler that counts who waits at another scheduler, and what that one has admitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

from agent_serving.domain.values import ServiceClass
from agent_serving.ports import Admission, Grant, Scheduler


class CountedAdmissions:
    """`waiting` is by service class; `requests` and `tokens` (prompt and longest reply of each
    admitted request) are by worker."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        # A class that nobody waits in has a depth too.
        self.waiting: Counter[ServiceClass] = Counter(dict.fromkeys(get_args(ServiceClass), 0))
        self.requests: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()

    @asynccontextmanager
    async def admit(self, admission: Admission) -> AsyncIterator[Grant]:
        size = admission.prompt_tokens + admission.max_new_tokens
        self.waiting[admission.service_class] += 1
        waits = True
        try:
            async with self._scheduler.admit(admission) as grant:
                self.waiting[admission.service_class] -= 1
                waits = False
                self.requests[grant.worker] += 1
                self.tokens[grant.worker] += size
                try:
                    yield grant
                finally:
                    self.requests[grant.worker] -= 1
                    self.tokens[grant.worker] -= size
        finally:
            if waits:
                self.waiting[admission.service_class] -= 1
