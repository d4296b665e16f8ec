"""A request that comes again under its Idempotency-Key is answered, not done again."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from agent_serving.api import sessions
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.api.sse import read_all
from tests.runtime.talk import call

ASK = {"type": "function", "name": "ask"}


async def post(
    api: Served, path: str, body: Any, key: str = "key-1", **more: Any
) -> httpx.Response:
    return await api.http.post(path, json=body, headers={"idempotency-key": key}, **more)


def replayed(answer: httpx.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


async def waiting(api: Served) -> tuple[str, str, list[str]]:
    """Session, turn and open calls of a turn that waits for its caller."""
    session_id = await api.open({"tools": [ASK]})
    turn = (await api.say(session_id, "go")).json()
    assert turn["status"] == "waiting"
    return session_id, turn["id"], [one["call_id"] for one in turn["required_inputs"]]


async def test_a_turn_is_started_once_and_answered_again(serve: Serve) -> None:
    api = await serve(ScriptedEngine(["One.", "Two."]))
    path = f"/v1/sessions/{await api.open()}/turns"
    first = await post(api, path, {"input": "hi", "mode": "wait"})
    again = await post(api, path, {"mode": "wait", "input": "hi"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert (replayed(first), replayed(again)) == (False, True)
    assert first.json() == again.json()
    assert len(api.engine.requests) == 1


async def test_a_replay_is_right_on_every_replica_and_while_no_engine_is_up(serve: Serve) -> None:
    engine = ScriptedEngine(["One."])
    here, there = await serve(engine), await serve(engine)
    path = f"/v1/sessions/{await here.open()}/turns"
    body = {"input": "hi", "output": {"type": "choice", "choices": ["One."]}}
    first = await post(here, path, body)
    engine.go_down()
    again = await post(there, path, body)
    assert replayed(again)
    assert first.json() == again.json()


async def test_a_turn_under_way_is_waited_for_and_streamed_again(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("a slow answer", delay=0.05)]))
    path = f"/v1/sessions/{await api.open()}/turns"
    started = await post(api, path, {"input": "hi", "mode": "background"}, "bg")
    assert started.status_code == 202
    again = await post(api, path, {"input": "hi", "mode": "background"}, "bg")
    assert (again.status_code, replayed(again)) == (202, True)
    assert again.json()["id"] == started.json()["id"]
    await api.settled(path.split("/")[3], started.json()["id"])

    body = {"input": "more", "mode": "stream"}
    first, second = await asyncio.gather(*(post(api, path, body, "st") for _ in range(2)))
    assert {replayed(first), replayed(second)} == {False, True}
    assert await read_all(first) == await read_all(second)
    late = await post(api, path, body, "st")
    assert replayed(late)
    told = [sent.event for sent in await read_all(late)]
    assert told[-1] == "turn.completed"
    assert told.count("turn.in_progress") == 1
    assert len(api.engine.requests) == 2


@pytest.mark.parametrize("on_conflict", ["reject", "queue", "interrupt", "steer"])
async def test_concurrent_duplicates_run_once(serve: Serve, on_conflict: str) -> None:
    engine = ScriptedEngine([Say("a slow answer", delay=0.02)])
    replicas = [await serve(engine), await serve(engine)]
    session_id = await replicas[0].open()
    path = f"/v1/sessions/{session_id}/turns"
    if on_conflict != "reject":
        await replicas[0].say(session_id, "first", mode="background")
        await replicas[0].generating()
    body = {"input": "second", "on_conflict": on_conflict}
    answers = await asyncio.gather(*(post(replicas[n % 2], path, body) for n in range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [replayed(answer) for answer in answers].count(False) == 1
    items = (await replicas[0].get(f"/v1/sessions/{session_id}/items", limit=100))["data"]
    assert [item.get("text") for item in items].count("second") == 1


async def test_another_body_under_the_key_is_refused_and_not_to_be_retried(api: Served) -> None:
    session_id = await api.open()
    bodies: list[tuple[str, Any, Any]] = [
        (f"/v1/sessions/{session_id}/turns", {"input": "a"}, {"input": "b"}),
        ("/v1/sessions", {"agent": {}}, {"agent": {}, "ttl_seconds": 60}),
        ("/v1/agents", {"name": "one"}, {"name": "two"}),
        (f"/v1/sessions/{session_id}/fork", {}, {"metadata": {"a": "b"}}),
    ]
    for path, body, other in bodies:
        assert (await post(api, path, body)).status_code == 201
        refused = await post(api, path, other)
        assert error_of(refused) == (409, "idempotency_mismatch", "idempotency-key"), path
        assert refused.headers["x-should-retry"] == "false"


async def test_a_key_belongs_to_one_path(api: Served) -> None:
    one, other = await api.open(), await api.open()
    for session_id in (one, other):
        answer = await post(api, f"/v1/sessions/{session_id}/turns", {"input": "hi"})
        assert (answer.status_code, replayed(answer)) == (201, False)


async def test_sessions_agents_and_forks_are_made_once(serve: Serve) -> None:
    engine = ScriptedEngine()
    replicas = [await serve(engine), await serve(engine)]
    session_id = await replicas[0].open()
    for path, body in (
        ("/v1/sessions", {"agent": {}, "metadata": {"a": "b"}}),
        ("/v1/sessions", {"agent": {}, "input": "hi"}),
        ("/v1/agents", {"name": "clerk"}),
        (f"/v1/sessions/{session_id}/fork", {}),
    ):
        key = f"key of {path} {len(body)}".replace(" ", "-") + str("input" in body)
        answers = await asyncio.gather(*(post(replicas[n % 2], path, body, key) for n in range(12)))
        assert {answer.status_code for answer in answers} == {201}, answers[0].text
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert [replayed(answer) for answer in answers].count(False) == 1
    assert len(engine.requests) == 1
    assert len((await replicas[0].get("/v1/sessions"))["data"]) == 4
    versions = await replicas[0].get("/v1/agents/clerk/versions")
    assert [agent["version"] for agent in versions["data"]] == [1]


async def test_a_session_whose_first_turn_was_not_reached_gets_it_from_the_retry(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"agent": {}, "input": "hi"}

    async def die(*_: Any) -> None:
        raise StoreUnavailable("the process died between the two facts")

    with monkeypatch.context() as dying:
        dying.setattr(sessions, "_first_turn", die)
        assert (await post(api, "/v1/sessions", body)).status_code == 503
    again = await post(api, "/v1/sessions", body)
    assert again.status_code == 201
    assert again.json()["turn"]["output_text"] == "OK."
    assert len((await api.get("/v1/sessions"))["data"]) == 1


async def test_a_refused_request_leaves_its_key_free(api: Served) -> None:
    api.engine.go_down()
    refused = await post(api, "/v1/sessions", {"agent": {}, "input": "hi"})
    assert refused.status_code == 503
    api.engine.come_up()
    taken = await post(api, "/v1/sessions", {"agent": {}, "input": "hello"})
    assert (taken.status_code, replayed(taken)) == (201, False)


async def test_a_deleted_session_is_not_opened_again_by_its_key(api: Served) -> None:
    opened = await post(api, "/v1/sessions", {"agent": {}})
    await api.http.delete(f"/v1/sessions/{opened.json()['id']}")
    again = await post(api, "/v1/sessions", {"agent": {}})
    assert error_of(again) == (404, "not_found", "idempotency-key")
    short = await post(api, "/v1/sessions", {"agent": {}, "ttl_seconds": 1}, "short")
    assert short.status_code == 201
    await asyncio.sleep(1.1)
    again = await post(api, "/v1/sessions", {"agent": {}, "ttl_seconds": 1}, "short")
    assert error_of(again) == (404, "not_found", "idempotency-key")


async def test_an_answer_lost_behind_the_accept_is_given_to_the_retry(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await api.open()
    store = api.service.ports.store
    append = store.append

    async def lose(fact: Any) -> int:
        await append(fact)
        monkeypatch.undo()
        raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(store, "append", lose)
    lost = await post(api, f"/v1/sessions/{session_id}/turns", {"input": "hi"})
    assert error_of(lost)[:2] == (503, "store_unavailable")
    again = await post(api, f"/v1/sessions/{session_id}/turns", {"input": "hi"})
    assert (again.status_code, replayed(again)) == (201, True)
    assert again.json()["output_text"] == "OK."
    assert len((await api.get(f"/v1/sessions/{session_id}/turns"))["data"]) == 1


async def test_inputs_are_taken_once_and_go_on_where_they_were_cut(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await serve(ScriptedEngine([call("ask", "{}") + call("ask", "{}"), "Thanks."]))
    session_id, turn_id, calls = await waiting(api)
    assert len(calls) == 2
    path = f"/v1/sessions/{session_id}/turns/{turn_id}/inputs"
    body = {"inputs": [{"type": "tool_result", "call_id": c, "output": "x"} for c in calls]}
    store = api.service.ports.store
    append = store.append

    async def lose(fact: Any) -> int:
        await append(fact)
        monkeypatch.undo()
        raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(store, "append", lose)
    assert (await post(api, path, body)).status_code == 503
    cut = await post(api, path, body)
    assert (cut.status_code, replayed(cut)) == (200, False)
    again = await post(api, path, body)
    assert (again.status_code, replayed(again)) == (200, True)
    turn = await api.settled(session_id, turn_id)
    assert turn["output_text"] == "Thanks."
    outputs = [item for item in turn["items"] if item["type"] == "tool_result"]
    assert [item["call_id"] for item in outputs] == calls
    assert (await post(api, path, {"inputs": body["inputs"][:1]})).status_code == 409


async def test_a_cancel_is_answered_again_also_when_the_turn_is_over(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("a slow answer " * 100, delay=0.05)]))
    session_id = await api.open()
    turn_id = (await api.say(session_id, "hi", mode="background")).json()["id"]
    path = f"/v1/sessions/{session_id}/turns/{turn_id}/cancel"
    headers = {"idempotency-key": "stop"}
    first = await api.http.post(path, headers=headers)
    await api.settled(session_id, turn_id)
    again = await api.http.post(path, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert (replayed(first), replayed(again)) == (False, True)
    assert again.json()["status"] == "cancelled"


@pytest.mark.parametrize("key", ["", "a b", "k" * 256, "schlüssel".encode()])
async def test_a_bad_key_is_refused(shared: Served, key: str | bytes) -> None:
    answer = await shared.http.post(
        "/v1/sessions",
        json={"agent": {}},
        headers=[(b"idempotency-key", key)],  # type: ignore[list-item]
    )
    assert error_of(answer) == (400, "invalid_request", "idempotency-key")


async def test_two_keys_are_refused_and_a_long_one_is_taken(shared: Served) -> None:
    twice = [("idempotency-key", "a"), ("idempotency-key", "a")]
    refused = await shared.http.post("/v1/sessions", json={"agent": {}}, headers=twice)
    assert refused.status_code == 400
    assert (await post(shared, "/v1/sessions", {"agent": {}}, "k" * 255)).status_code == 201
