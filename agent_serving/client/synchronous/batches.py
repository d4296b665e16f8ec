"""Batches: make one, find it, wait for it, read its results."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Self

from agent_serving.client.batch_bodies import BatchRequest, batch_body
from agent_serving.client.bodies import AgentChoice
from agent_serving.client.call import delete, get, post
from agent_serving.client.errors import BatchTimeoutError
from agent_serving.client.models.batch import BatchData, BatchResult
from agent_serving.client.models.shape import Deleted
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.synchronous.waiting import sleep

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0


class Batch:
    """`data` is the batch as it was when it was read last; `refresh` reads it again. It runs
    whether or not anybody holds this."""

    def __init__(self, transport: Transport, data: BatchData) -> None:
        self.data = data
        self._transport = transport

    @property
    def id(self) -> str:
        return self.data.id

    @property
    def path(self) -> str:
        return f"/batches/{self.id}"

    def refresh(self) -> Self:
        self.data = self._transport.read(BatchData, get(self.path))
        return self

    def wait(self, timeout: float | None = None) -> Self:
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
            sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
            self.refresh()
        return self

    def results(self) -> Pages[BatchResult]:
        """One for each request, in the order in which they were given, as it stands now."""
        params = {"limit": 100}
        return Pages(self._transport, f"{self.path}/results", BatchResult.model_validate, params)

    def cancel(self) -> Self:
        """Idempotent. What has completed stays; the batch is `cancelled` once its turns are."""
        self.data = self._transport.read(BatchData, post(f"{self.path}/cancel"))
        return self

    def delete(self) -> Deleted:
        """Of one that is over; its sessions stay."""
        return self._transport.read(Deleted, delete(self.path))


class Batches:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        requests: Iterable[BatchRequest],
        *,
        agent: AgentChoice | None = None,
        metadata: Mapping[str, str] | None = None,
        ttl_seconds: int | None = None,
    ) -> Batch:
        """All requests are accepted, or none. `agent` is for those that name none. Raises
        ToolDefinitionError, OutputError, APIError."""
        body = batch_body(requests, agent, metadata, ttl_seconds)
        data = self._transport.read(BatchData, post("/batches", body))
        return Batch(self._transport, data)

    def get(self, batch_id: str) -> Batch:
        data = self._transport.read(BatchData, get(f"/batches/{batch_id}"))
        return Batch(self._transport, data)

    def delete(self, batch_id: str) -> Deleted:
        """Of one that is over; its sessions stay."""
        return self._transport.read(Deleted, delete(f"/batches/{batch_id}"))

    def list(self, *, limit: int | None = None, order: str | None = None) -> Pages[BatchData]:
        """Newest first; `limit` is the size of a page."""
        params = {"limit": limit, "order": order}
        return Pages(self._transport, "/batches", BatchData.model_validate, params)
