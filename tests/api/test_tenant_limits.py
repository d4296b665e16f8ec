"""What a tenant may hold at a time, over all replicas."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from agent_serving.domain.access import TenantLimits
from agent_serving.runtime import quotas
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.api.keyed import keyed

SSE = {"accept": "text/event-stream"}


def refused(answer: httpx.Response, limit: str) -> None:
    assert error_of(answer)[:2] == (429, "rate_limit_exceeded"), answer.text
    error = answer.json()["error"]
    assert (error["type"], error["details"]) == ("rate_limit_error", {"limit": limit})
    assert int(answer.headers["retry-after"]) >= 1
    assert int(answer.headers["retry-after-ms"]) >= 1


def limits(**most: Any) -> dict[str, TenantLimits]:
    return {"*": TenantLimits(**most)}


async def test_requests_are_counted_by_tenant_and_told_in_openai_s_headers(serve: Serve) -> None:
    api = await keyed(serve, tenant_limits=limits(requests_per_minute=3))
    async with api.tenant("acme") as acme, api.tenant("rival") as rival:
        left = []
        for _ in range(3):
            answer = await acme.get("/v1/sessions")
            assert answer.status_code == 200
            assert answer.headers["x-ratelimit-limit-requests"] == "3"
            left.append(answer.headers["x-ratelimit-remaining-requests"])
        assert left == ["2", "1", "0"]
        answer = await acme.get("/v1/sessions")
        refused(answer, "requests_per_minute")
        assert 1 <= int(answer.headers["retry-after"]) <= 20
        assert 0 < float(answer.headers["x-ratelimit-reset-requests"].rstrip("s")) <= 60
        assert (await rival.get("/v1/sessions")).status_code == 200


async def test_a_request_is_let_in_again_when_it_was_said(serve: Serve) -> None:
    api = await keyed(serve, tenant_limits=limits(requests_per_minute=120))
    async with api.tenant("acme") as http:
        answers = [await http.get("/v1/sessions") for _ in range(130)]
        last = next((answer for answer in answers if answer.status_code == 429), None)
        while last is None or last.status_code != 429:
            last = await http.get("/v1/sessions")
        refused(last, "requests_per_minute")
        await asyncio.sleep(int(last.headers["retry-after-ms"]) / 1000)
        assert (await http.get("/v1/sessions")).status_code == 200


async def test_concurrent_requests_do_not_pass_the_limit(serve: Serve) -> None:
    api = await keyed(serve, tenant_limits=limits(requests_per_minute=10))
    async with api.tenant("acme") as http:
        answers = await asyncio.gather(*(http.get("/v1/sessions") for _ in range(30)))
    let_in = sum(answer.status_code == 200 for answer in answers)
    assert 10 <= let_in <= 12  # one more comes free every six seconds


def slow(words: int = 40) -> ScriptedEngine:
    return ScriptedEngine([Say("word " * words, delay=0.05)])


async def test_turns_under_way_are_counted_over_replicas(serve: Serve) -> None:
    most = limits(concurrent_turns=1)
    one, other = await serve(slow(), tenant_limits=most), await serve(slow(), tenant_limits=most)
    first, second = await one.open(), await one.open()
    turn = (await one.say(first, "go", mode="background")).json()
    refused(await other.say(second, "go"), "concurrent_turns")
    # What belongs to the turn under way is no other turn.
    assert (await one.say(first, "more", on_conflict="steer", mode="background")).status_code == 202
    assert (await one.settled(first, turn["id"]))["status"] == "completed"
    assert (await one.say(second, "go")).status_code == 201


async def test_a_turn_that_does_not_begin_holds_its_place_for_a_moment_only(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "START_SECONDS", 0.0)
    api = await serve(tenant_limits=limits(concurrent_turns=1))
    first, second = await api.open(), await api.open()
    session = await api.service.sessions.get("default", first)
    await api.service.quotas.turn(session)
    refused(await api.say(second, "go"), "concurrent_turns")
    await api.service.quotas.beat()
    assert (await api.say(second, "go")).status_code == 201


async def test_a_turn_that_is_refused_after_all_gives_its_place_back_at_once(serve: Serve) -> None:
    engine = ScriptedEngine(context_length=400)
    api = await serve(engine, tenant_limits=limits(concurrent_turns=1))
    first, second = await api.open(), await api.open()
    answer = await api.say(first, "word " * 2000)
    assert error_of(answer)[:2] == (422, "context_length_exceeded")
    assert (await api.say(second, "go")).status_code == 201


async def test_a_turn_that_is_refused_leaves_its_session_s_turn_under_way_its_place(
    serve: Serve,
) -> None:
    api = await serve(slow(), tenant_limits=limits(concurrent_turns=1))
    first, second = await api.open(), await api.open()
    turn = (await api.say(first, "go", mode="background")).json()
    assert error_of(await api.say(first, "more"))[:2] == (409, "session_busy")
    refused(await api.say(second, "go"), "concurrent_turns")
    assert (await api.settled(first, turn["id"]))["status"] == "completed"


async def test_a_turn_that_is_refused_leaves_one_that_is_being_accepted_its_place(
    serve: Serve,
) -> None:
    api = await serve(tenant_limits=limits(concurrent_turns=1))
    first, second = await api.open(), await api.open()
    session, held = await api.service.sessions.get("default", first), api.service.quotas
    with held.accepting(lambda: session):
        await held.turn(session)
        with held.accepting(lambda: session):
            await held.turn(session)
        refused(await api.say(second, "go"), "concurrent_turns")
    assert (await api.say(second, "go")).status_code == 201


BATCH = {"class": "batch"}


async def test_turns_of_class_batch_have_half_of_the_places(serve: Serve) -> None:
    most = limits(concurrent_turns=4)
    one, other = [await serve(slow(400), tenant_limits=most) for _ in range(2)]
    for api in (one, other):
        answer = await api.say(await api.open(BATCH), "go", mode="background")
        assert answer.status_code == 202
    third = await other.say(await other.open(BATCH), "go")
    refused(third, "concurrent_turns")
    assert "half of its limit `concurrent_turns`" in third.json()["error"]["message"]
    for _ in range(2):
        assert (await one.say(await one.open(), "go", mode="background")).status_code == 202
    refused(await other.say(await other.open(), "go"), "concurrent_turns")


async def test_a_turn_of_class_batch_that_finds_no_place_takes_none_of_its_class(
    serve: Serve,
) -> None:
    api = await serve(slow(), tenant_limits=limits(concurrent_turns=2))
    urgent = [await api.open() for _ in range(2)]
    turns = [(await api.say(each, "go", mode="background")).json()["id"] for each in urgent]
    refused(await api.say(await api.open(BATCH), "go"), "concurrent_turns")
    await api.settled(urgent[0], turns[0])
    session_id = await api.open(BATCH)
    turn = await api.say(session_id, "go", mode="background")
    assert turn.status_code == 202, turn.text
    await api.service.quotas.beat()
    refused(await api.say(await api.open(BATCH), "go"), "concurrent_turns")
    assert (await api.settled(session_id, turn.json()["id"]))["status"] == "completed"
    assert (await api.say(await api.open(BATCH), "go")).status_code == 201


async def test_turns_of_class_batch_hold_their_places_as_long_as_they_run(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "TTL_MS", 6000)
    api = await serve(slow(400), tenant_limits=limits(concurrent_turns=2))
    session_id = await api.open(BATCH)
    turn = (await api.say(session_id, "go", mode="background")).json()
    for _ in range(2):
        await asyncio.sleep(3.2)
        await api.service.quotas.beat()
    refused(await api.say(await api.open(BATCH), "go"), "concurrent_turns")
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}"
    assert (await api.get(path))["status"] == "in_progress"
    await api.http.post(f"{path}/cancel")


async def follow(api: Served, session_id: str) -> httpx.Response:
    """The answer to a follower, who goes at once."""
    path = f"/v1/sessions/{session_id}/events"
    async with api.http.stream("GET", path, headers=SSE) as events:
        if events.status_code != 200:
            await events.aread()
        return events


async def test_what_a_dead_replica_held_comes_free(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "TTL_MS", 8000)
    one, other = [await serve(tenant_limits=limits(followers=1)) for _ in range(2)]
    session_id = await other.open()
    await one.service.quotas.follower("default")
    await one.service.quotas.aclose()
    refused(await follow(other, session_id), "followers")
    await asyncio.sleep(8.1)
    assert (await follow(other, session_id)).status_code == 200


async def test_followers_are_counted_and_leave_with_their_stream(serve: Serve) -> None:
    api = await serve(tenant_limits=limits(followers=2))
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/events"
    async with AsyncExitStack() as stack:
        for _ in range(2):
            events = await stack.enter_async_context(api.http.stream("GET", path, headers=SSE))
            assert events.status_code == 200
        refused(await follow(api, session_id), "followers")
        assert (await api.http.get(path)).status_code == 200  # a page follows nothing
    async with asyncio.timeout(10):
        while (await follow(api, session_id)).status_code == 429:
            await asyncio.sleep(0.05)


async def test_sessions_are_counted_with_those_that_are_being_opened(serve: Serve) -> None:
    api = await serve(tenant_limits=limits(open_sessions=3))
    answers = await asyncio.gather(
        *(api.http.post("/v1/sessions", json={"agent": {}}) for _ in range(8))
    )
    opened = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(opened) == 3
    for answer in answers:
        if answer.status_code != 201:
            refused(answer, "open_sessions")
    refused(await api.http.post(f"/v1/sessions/{opened[0]}/fork", json={}), "open_sessions")
    await api.http.delete(f"/v1/sessions/{opened[0]}")
    fork = await api.http.post(f"/v1/sessions/{opened[1]}/fork", json={})
    assert fork.status_code == 201, fork.text


async def test_a_session_that_has_expired_is_counted_no_more(serve: Serve) -> None:
    api = await serve(tenant_limits=limits(open_sessions=1))
    await api.open(ttl_seconds=6)
    refused(await api.http.post("/v1/sessions", json={"agent": {}}), "open_sessions")
    await asyncio.sleep(6.2)
    await api.open()


async def test_what_is_stored_has_a_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "SIZE_SECONDS", 0.05)
    api = await serve(tenant_limits=limits(stored_bytes=20_000))
    session_id = await api.open()
    answers = [await api.say(session_id, "some words " * 20)]
    while answers[-1].status_code == 201 and len(answers) < 50:
        answers.append(await api.say(session_id, "some words " * 20))
    assert len(answers) > 1
    refused(answers[-1], "stored_bytes")
    refused(await api.http.post("/v1/sessions", json={"agent": {}}), "stored_bytes")
    assert (await api.http.delete(f"/v1/sessions/{session_id}")).status_code == 200
    await asyncio.sleep(0.1)
    await api.open()


async def test_a_tenant_of_its_own_line_is_not_held_to_that_of_all_others(serve: Serve) -> None:
    most = limits(open_sessions=1) | {"default": TenantLimits(open_sessions=2)}
    api = await serve(tenant_limits=most)
    await api.open()
    await api.open()
    refused(await api.http.post("/v1/sessions", json={"agent": {}}), "open_sessions")
