"""Batches by the client: made, waited for, read."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from agent_serving.client import (
    BatchRequest,
    BatchTimeoutError,
    ConflictError,
    NotFoundError,
    UnprocessableEntityError,
)
from agent_serving.testing import Say
from tests.client.conftest import Connect

QUESTIONS: list[BatchRequest] = [
    {"custom_id": f"row-{n}", "input": f"number {n}"} for n in range(120)
]


async def test_a_batch_is_made_waited_for_and_read(connect: Connect) -> None:
    client = (await connect("Well.")).client
    made = await client.batches.create(QUESTIONS, agent={"name": "helper"}, metadata={"run": "1"})
    assert made.data.request_counts.total == 120
    done = await made.wait(timeout=60)
    assert done is made
    assert (made.data.status, made.data.request_counts.completed) == ("completed", 120)
    assert made.data.usage.model_steps == 120
    rows = await made.results().all()
    assert [row.custom_id for row in rows] == [row["custom_id"] for row in QUESTIONS]
    assert {row.turn.output_text for row in rows if row.turn} == {"Well."}
    again = await client.batches.get(made.id)
    assert again.data == made.data
    assert [row.id async for row in client.batches.list()] == [made.id]
    assert (await made.delete()).deleted
    assert await client.batches.list().all() == []


async def test_requests_are_as_they_were_asked(connect: Connect) -> None:
    service = await connect("yes")
    agent = await service.client.agents.create("voter", instructions="Vote.")
    made = await service.client.batches.create(
        [
            {
                "custom_id": "a",
                "input": ["one", "two"],
                "agent": agent,
                "output_type": Literal["yes", "no"],
                "limits": {"max_steps": 2, "max_cost": "0.5"},
                "metadata": {"row": "7"},
            }
        ],
        ttl_seconds=3600,
    )
    await made.wait(60)
    [row] = await made.results().all()
    assert row.turn is not None
    assert row.turn.output_text == "yes"
    assert [item.text for item in row.turn.input] == ["one", "two"]
    assert row.session_id is not None
    session = await service.client.sessions.get(row.session_id)
    assert (session.data.agent.name, session.data.metadata) == ("voter", {"row": "7"})
    assert session.data.expires_at == made.data.expires_at is not None
    [asked] = service.engine.requests
    assert asked.priority == "batch"
    assert asked.constraint is not None


async def test_who_does_not_want_to_wait_longer_is_told_and_the_batch_goes_on(
    connect: Connect,
) -> None:
    client = (await connect(Say("slowly " * 20, delay=0.05))).client
    made = await client.batches.create(QUESTIONS[:2], agent={})
    with pytest.raises(BatchTimeoutError, match="goes on"):
        await made.wait(timeout=0.1)
    assert (await made.wait()).data.request_counts.completed == 2


async def test_a_batch_is_cancelled(connect: Connect) -> None:
    client = (await connect(Say("endless " * 4000, delay=0.05))).client
    made = await client.batches.create(QUESTIONS, agent={})
    assert (await made.cancel()).data.status in ("cancelling", "cancelled")
    assert (await made.wait(30)).data.request_counts.cancelled == 120
    assert (await made.cancel()).data.status == "cancelled"


async def test_refusals_say_where(connect: Connect) -> None:
    client = (await connect("Well.")).client
    twice: list[BatchRequest] = [QUESTIONS[0], QUESTIONS[0]]
    with pytest.raises(UnprocessableEntityError) as refused:
        await client.batches.create(twice, agent={})
    assert refused.value.param == "requests[1].custom_id"
    with pytest.raises(NotFoundError):
        await client.batches.get("batch_none")
    done = await (await client.batches.create(QUESTIONS[:1], agent={})).wait(30)
    with pytest.raises(ConflictError, match="completed"):
        await done.cancel()


async def test_a_program_without_an_event_loop_has_batches_too(connect: Connect) -> None:
    service = await connect("Well.")

    def program() -> list[Any]:
        with service.blocking() as client:
            made = client.batches.create(QUESTIONS[:3], agent={}).wait(30)
            return [row.turn and row.turn.output_text for row in made.results()]

    assert await asyncio.to_thread(program) == ["Well."] * 3
