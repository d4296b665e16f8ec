"""What callers see of a replica that is about to end."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served

ENDLESS = Say("endless " * 400, delay=0.05)


async def test_a_replica_that_drains_is_not_ready_and_refuses_turns_before_anything_is_written(
    api: Served,
) -> None:
    session = await api.open()
    before = await api.get("/v1/sessions")
    await api.service.drain(0)
    ready = await api.http.get("/readyz")
    assert (ready.status_code, ready.json()["reasons"]) == (
        503,
        ["This replica is shutting down."],
    )
    assert (await api.http.get("/healthz")).status_code == 200
    first_turn = {"agent": {}, "input": "hi"}
    for answer in (
        await api.say(session, "hi"),
        await api.http.post("/v1/sessions", json=first_turn),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"]["code"] == "shutting_down"
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["connection"] == "close"
    assert await api.get("/v1/sessions") == before
    assert (await api.get(f"/v1/sessions/{session}"))["turn_count"] == 0


async def test_who_waits_for_a_turn_that_was_let_go_is_told_where_it_stands(serve: Serve) -> None:
    api = await serve(ScriptedEngine([ENDLESS]))
    session = await api.open()
    waiting = asyncio.create_task(api.say(session, "go"))
    await api.generating()
    await api.service.drain(0.1)
    answer = await asyncio.wait_for(waiting, 5)
    assert (answer.status_code, answer.json()["status"]) == (202, "in_progress")


async def test_a_stream_ends_and_can_be_resumed_behind_its_last_event(serve: Serve) -> None:
    api = await serve(ScriptedEngine([ENDLESS]))
    session = await api.open()
    path = f"/v1/sessions/{session}/turns"
    seen: list[int] = []

    async def follow() -> None:
        body: Any = {"input": "go", "mode": "stream"}
        async with api.http.stream("POST", path, json=body) as stream:
            async for line in stream.aiter_lines():
                seen.extend([int(line[4:])] if line.startswith("id: ") else [])

    following = asyncio.create_task(follow())
    await api.generating()
    while len(seen) < 5:
        await asyncio.sleep(0.01)
    await api.service.drain(0.1)
    await asyncio.wait_for(following, 5)
    page = await api.get(f"/v1/sessions/{session}/events", after=seen[-1], limit=100)
    rest = [event["sequence"] for event in page["data"]]
    assert sorted({*seen, *rest}) == seen + rest


async def test_an_answer_to_a_request_under_way_is_waited_for(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("short " * 4, delay=0.1)]))
    session = await api.open()
    waiting = asyncio.create_task(api.say(session, "go"))
    await api.generating()
    await api.service.drain(20)
    answer: httpx.Response = await asyncio.wait_for(waiting, 5)
    assert (answer.status_code, answer.json()["status"]) == (201, "completed")
