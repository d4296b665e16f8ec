"""Batches: make one, find it, wait for it, read its results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Self

from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.asynchronous.waiting import sleep
from agent_serving.client.batch_bodies import BatchRequest, batch_body
from agent_serving.client.bodies import AgentChoice
from agent_serving.client.call import delete, get, post
from agent_serving.client.errors import BatchTimeoutError
from agent_serving.client.models.batch import BatchData, BatchResult
from agent_serving.client.models.shape import Deleted

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


class AsyncBatch:
    """`data` is the batch as it was when it was read last; `refresh` reads it again. It runs
    whether or not anybody holds this."""

    def __init__(self, transport: AsyncTransport, data: BatchData) -> None:
        self.data = data
        self._transport = transport

    @property
    def id(self) -> str:
        return self.data.id

    @property
    def path(self) -> str:
        return f"/batches/{self.id}"

    async def refresh(self) -> Self:
        self.data = await self._transport.read(BatchData, get(self.path))
        return self

    async def wait(self, timeout: float | None = None) -> Self:
        """Until all of its turns are over; `timeout` is in seconds. Turns that wait for an answer
        hold it up. Raises BatchTimeoutError, APIError."""
        until = None if timeout is None else time.monotonic() + timeout
        pause = FIRST_PAUSE
        while self.data.ended_at is None:
            left = pause if until is None else until - time.monotonic()
            if left <= 0:
                raise BatchTimeoutError(
                    f"Batch {self.id} is not over after {timeout} seconds; it goes on."
                )
            await sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
            await self.refresh()
        return self

    def results(self) -> AsyncPages[BatchResult]:
        """One for each request, in the order in which they were given, as it stands now."""
        params = {"limit": 100}
        return AsyncPages(
            self._transport, f"{self.path}/results", BatchResult.model_validate, params
        )

    async def cancel(self) -> Self:
        """Idempotent. What has completed stays; the batch is `cancelled` once its turns are."""
        self.data = await self._transport.read(BatchData, post(f"{self.path}/cancel"))
        return self

    async def delete(self) -> Deleted:
        """Of one that is over; its sessions stay."""
        return await self._transport.read(Deleted, delete(self.path))


class AsyncBatches:
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self,
        requests: Iterable[BatchRequest],
        *,
        agent: AgentChoice | None = None,
        metadata: Mapping[str, str] | None = None,
        ttl_seconds: int | None = None,
    ) -> AsyncBatch:
        """All requests are accepted, or none. `agent` is for those that name none. Raises
        ToolDefinitionError, OutputError, APIError."""
        body = batch_body(requests, agent, metadata, ttl_seconds)
        data = await self._transport.read(BatchData, post("/batches", body))
        return AsyncBatch(self._transport, data)

    async def get(self, batch_id: str) -> AsyncBatch:
        data = await self._transport.read(BatchData, get(f"/batches/{batch_id}"))
        return AsyncBatch(self._transport, data)

    async def delete(self, batch_id: str) -> Deleted:
        """Of one that is over; its sessions stay."""
        return await self._transport.read(Deleted, delete(f"/batches/{batch_id}"))

    def list(self, *, limit: int | None = None, order: str | None = None) -> AsyncPages[BatchData]:
        """Newest first; `limit` is the size of a page."""
        params = {"limit": limit, "order": order}
        return AsyncPages(self._transport, "/batches", BatchData.model_validate, params)
