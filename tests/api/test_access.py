"""Who comes in, and as whom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from redis.asyncio import Redis

from agent_serving.adapters.hashing import Argon2Hasher
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.api import guard
from agent_serving.api.explorer import pages
from agent_serving.api.openai.ids import ResponseId, conversation_id
from agent_serving.api.scopes import OPEN, SCOPES
from agent_serving.domain.access import Act, Scope, secret_of
from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.api.keyed import keyed
from tests.api.test_openapi import document, operations
from tests.tracing import RecordingTracer

NOT_A_KEY = f"ask_{'0' * 26}_{'0' * 48}"


def calls(
    document: dict[str, Any], ids: dict[str, str]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation that takes a key, as method and path on these ids, and its description."""
    for name, operation in operations(document):
        method, path = name.split()
        if operation["security"]:
            yield method, path.format_map(ids), operation


async def things(http: httpx.AsyncClient) -> dict[str, str]:
    """One of everything, by the name that paths give it."""
    agent = (await http.post("/v1/agents", json={"name": "helper"})).json()
    opened = (await http.post("/v1/sessions", json={"agent": "helper", "input": "Hello"})).json()
    turn = opened["turn"]
    steps = (await http.get(turn["steps_url"])).json()
    asked = {"agent": "helper", "requests": [{"custom_id": "a", "input": "Hello"}]}
    batch = (await http.post("/v1/batches", json=asked)).json()
    return {
        "agent": agent["id"],
        "session_id": opened["id"],
        "turn_id": turn["id"],
        "step_id": steps["data"][0]["id"],
        "response_id": str(ResponseId(opened["id"], turn["id"])),
        "conversation_id": conversation_id(opened["id"]),
        "item_id": turn["items"][0]["id"],
        "batch_id": batch["id"],
        # Models are everybody's: this one is nobody's.
        "model": "x",
    }


BODIES: dict[str, Any] = {
    "start_turn": {"input": "x"},
    "change_session": {"metadata": {"mine": "now"}},
    "change_turn": {"budget": {"max_tokens": 1}},
    "give_inputs": {"inputs": [{"type": "steer", "content": "x"}]},
    "open_session": {"agent": {}},
    "create_batch": {"agent": {}, "requests": [{"custom_id": "a", "input": "x"}]},
    "register_agent": {"name": "another"},
    "create_response": {"input": "x"},
    "create_completion": {"messages": [{"role": "user", "content": "x"}]},
    "create_conversation": {},
    "update_conversation": {"metadata": {"mine": "now"}},
    "add_conversation_items": {"items": [{"role": "user", "content": "x"}]},
}

NAMES = (
    "agent", "session_id", "turn_id", "step_id", "response_id", "conversation_id", "item_id",
    "model", "batch_id",
)  # fmt: skip


async def test_without_a_key_no_operation_is_to_be_had(serve: Serve) -> None:
    api = await keyed(serve)
    found = await document(api.served)
    ids = dict.fromkeys(NAMES, "x")
    asked = 0
    for method, path, operation in calls(found, ids):
        for headers in ({}, {"authorization": f"Bearer {NOT_A_KEY}"}, {"authorization": "Basic x"}):
            answer = await api.served.http.request(method, path, headers=headers)
            assert error_of(answer)[:2] == (401, "unauthenticated"), operation["operationId"]
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            asked += 1
    assert asked == 3 * len(SCOPES)
    answer = await api.served.http.get("/v1/nothing")
    assert answer.status_code == 401


async def test_every_operation_is_in_one_of_the_two_tables(shared: Served) -> None:
    described = {each["operationId"] for _, each in operations(await document(shared))}
    hidden = {route.name for route in pages.router.routes if isinstance(route, APIRoute)}
    assert described | hidden == SCOPES.keys() | OPEN
    assert not SCOPES.keys() & OPEN


async def test_what_belongs_to_a_tenant_is_not_there_for_another(serve: Serve) -> None:
    """Driven by the OpenAPI document: a route that is added is in it."""
    api = await keyed(serve)
    found = await document(api.served)
    async with api.tenant("acme", "admin") as acme, api.tenant("rival", "admin") as rival:
        ids = await things(acme)
        before = (await acme.get(f"/v1/sessions/{ids['session_id']}")).json()
        asked = 0
        for method, path, operation in calls(found, ids):
            if "{" not in _template(found, operation):
                continue
            body = BODIES.get(operation["operationId"])
            answer = await rival.request(method, path, json=body)
            assert error_of(answer)[:2] == (404, "not_found"), (method, path, answer.text)
            asked += 1
        assert asked >= 18
        for path in ("/v1/sessions", "/v1/agents", "/v1/batches"):
            assert (await rival.get(path)).json()["data"] == []
        assert (await rival.get("/v1/usage")).json()["rows"] == []
        assert (await rival.get("/v1/usage?by=tenant")).json()["rows"] == []
        stolen = await rival.post("/v1/sessions", json={"agent": ids["agent"]})
        assert error_of(stolen)[:2] == (404, "not_found")
        asked_of = {"agent": ids["agent"], "requests": [{"custom_id": "a", "input": "x"}]}
        stolen = await rival.post("/v1/batches", json=asked_of)
        assert error_of(stolen) == (404, "not_found", "agent")
        after = (await acme.get(f"/v1/sessions/{ids['session_id']}")).json()
        assert after == before
        assert (await acme.get(f"/v1/agents/{ids['agent']}")).status_code == 200
        rows = (await acme.get("/v1/usage?by=tenant")).json()["rows"]
        assert [row["key"] for row in rows] == ["acme"]


def _template(found: dict[str, Any], operation: dict[str, Any]) -> str:
    [path] = [
        name.split()[1]
        for name, each in operations(found)
        if each["operationId"] == operation["operationId"]
    ]
    return path


async def test_a_fork_and_its_events_stay_with_the_tenant(serve: Serve) -> None:
    api = await keyed(serve)
    async with api.tenant("acme") as acme, api.tenant("rival") as rival:
        opened = (await acme.post("/v1/sessions", json={"agent": {}, "input": "Hello"})).json()
        fork = (await acme.post(f"/v1/sessions/{opened['id']}/fork", json={})).json()
        stream = {"accept": "text/event-stream"}
        for path in (f"/v1/sessions/{fork['id']}", f"/v1/sessions/{fork['id']}/events"):
            assert (await rival.get(path, headers=stream)).status_code == 404


@pytest.mark.parametrize("scope", ["read", "run", "admin", "metrics"])
async def test_each_operation_takes_its_scope(serve: Serve, scope: Scope) -> None:
    api = await keyed(serve)
    found = await document(api.served)
    includes = {
        "read": {"read"},
        "run": {"read", "run"},
        "admin": {"read", "run", "admin"},
        "metrics": {"metrics"},
    }
    ids = dict.fromkeys(NAMES, "x")
    async with api.tenant("acme", scope) as http:
        for method, path, operation in calls(found, ids):
            needed = operation["x-required-scope"]
            body = BODIES.get(operation["operationId"])
            answer = await http.request(method, path, json=body)
            if needed in includes[scope]:
                assert answer.status_code not in (401, 403), (method, path)
                continue
            assert error_of(answer)[:2] == (403, "forbidden"), (method, path)
            assert f'scope="{needed}"' in answer.headers["www-authenticate"]
            assert answer.json()["error"]["details"] == {"scope": needed}


async def test_a_revoked_key_is_refused_at_once(serve: Serve) -> None:
    api = await keyed(serve)
    key, secret = await api.make("acme")
    async with api.as_(secret) as http:
        for _ in range(3):
            assert (await http.get("/v1/sessions")).status_code == 200
        await api.desk.revoke(key.id, actor="cli:test")
        answer = await http.get("/v1/sessions")
        assert error_of(answer)[:2] == (401, "unauthenticated")
        assert "is revoked" in answer.json()["error"]["message"]
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_stream_ends_when_its_key_is_revoked(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "LOOK_AGAIN_SECONDS", 0.1)
    api = await keyed(serve)
    key, secret = await api.make("acme")
    async with api.as_(secret) as http, asyncio.timeout(10):
        opened = (await http.post("/v1/sessions", json={"agent": {}})).json()
        path = f"/v1/sessions/{opened['id']}/events"
        async with http.stream("GET", path, headers={"accept": "text/event-stream"}) as events:
            assert events.status_code == 200
            await asyncio.sleep(0.5)
            assert api.served.service.feed.followers == 1
            await api.desk.revoke(key.id, actor="cli:test")
            async for _ in events.aiter_bytes():
                pass
    assert api.served.service.feed.followers == 0


async def test_a_key_ends_when_it_expires(serve: Serve) -> None:
    api = await keyed(serve)
    _, secret = await api.make("acme", lives=timedelta(days=30))
    async with api.as_(secret) as http:
        assert (await http.get("/v1/sessions")).status_code == 200
        api.clock.later = timedelta(days=30)
        answer = await http.get("/v1/sessions")
    assert error_of(answer)[:2] == (401, "unauthenticated")
    assert "is expired" in answer.json()["error"]["message"]


async def test_a_wrong_secret_is_not_told_what_became_of_the_key(serve: Serve) -> None:
    api = await keyed(serve)
    key, secret = await api.make("acme")
    wrong = secret[:-4] + ("0000" if secret[-4:] != "0000" else "1111")
    told = []
    for _ in range(2):
        async with api.as_(wrong) as http:
            told.append((await http.get("/v1/sessions")).json()["error"]["message"])
        async with api.as_(secret) as http:
            await http.get("/v1/sessions")
        await api.desk.revoke(key.id, actor="cli:test")
    async with api.as_(NOT_A_KEY) as http:
        told.append((await http.get("/v1/sessions")).json()["error"]["message"])
    assert len(set(told)) == 1


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The secrets that were compared slowly."""
    seen: list[str] = []
    matches = Argon2Hasher._matches

    def counted(self: Argon2Hasher, digest: str, secret: str) -> bool:
        seen.append(secret)
        return matches(self, digest, secret)

    monkeypatch.setattr(Argon2Hasher, "_matches", counted)
    return seen


async def test_the_slow_comparison_is_made_once(serve: Serve, compared: list[str]) -> None:
    api = await keyed(serve)
    async with api.tenant("acme") as http:
        for _ in range(5):
            assert (await http.get("/v1/sessions")).status_code == 200
    assert len(compared) == 1


async def test_wrong_secrets_of_a_known_key_keep_nobody_waiting(
    serve: Serve, compared: list[str]
) -> None:
    api = await keyed(serve)
    key, secret = await api.make("acme")
    for n in range(20):
        async with api.as_(secret_of(key.id, f"{n:048x}")) as http:
            assert (await http.get("/v1/sessions")).status_code == 401
    assert compared == []
    async with api.as_(secret) as http:
        assert (await http.get("/v1/sessions")).status_code == 200
    assert compared == [secret]


async def test_a_key_that_was_kept_without_a_checksum_is_compared_slowly(
    serve: Serve, compared: list[str]
) -> None:
    api = await keyed(serve)
    made, secret = await api.make("acme")
    act = Act(at=made.created_at, actor="a", tenant="acme", act="x", target="x", outcome="done")
    old = made.but(id="key_" + "1" * 26, checksum=None)
    right, wrong = (secret_of(old.id, digits * 48) for digits in "ab")
    await api.keyring.put_key(old.but(digest=await Argon2Hasher().hash(right)), act)
    for sent, status in ((right, 200), (wrong, 401)):
        async with api.as_(sent) as http:
            assert (await http.get("/v1/sessions")).status_code == status
    assert compared == [right, wrong]
    assert secret not in compared


async def test_keys_are_asked_for_as_soon_as_there_is_one(serve: Serve) -> None:
    api = await keyed(serve, required=False)
    assert (await api.served.http.get("/v1/sessions")).status_code == 200
    key, _ = await api.make("acme")
    assert (await api.served.http.get("/v1/sessions")).status_code == 401
    await api.desk.revoke(key.id, actor="cli:test")
    assert (await api.served.http.get("/v1/sessions")).status_code == 401


async def test_probes_and_the_explorer_s_page_take_no_key(serve: Serve) -> None:
    api = await keyed(serve)
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/explorer"):
        assert (await api.served.http.get(path)).status_code == 200, path
    assert (await api.served.http.get("/explorer/static/main.js")).status_code == 200
    assert (await api.served.http.get("/explorer/../v1/sessions")).status_code in (401, 404)


async def test_a_probe_is_not_told_where_things_are(serve: Serve) -> None:
    api = await keyed(serve)
    api.served.engine.go_down()
    answer = await api.served.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["No engine is up."]


async def test_the_document_says_how_to_send_a_key(shared: Served) -> None:
    found = await document(shared)
    scheme = found["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for name, operation in operations(found):
        taken = operation.get("x-required-scope")
        assert operation["security"] == ([{"key": []}] if taken else []), name
        assert taken == SCOPES.get(operation["operationId"]), name


async def test_what_administrators_do_is_written_down(serve: Serve) -> None:
    api = await keyed(serve)
    key, secret = await api.make("acme", "admin")
    async with api.as_(secret) as http:
        made = (await http.post("/v1/agents", json={"name": "helper"})).json()
        await http.get("/v1/agents")
        await http.delete(f"/v1/agents/{made['id']}")
        await http.delete("/v1/agents/unknown", headers={"x-request-id": "mine"})
    await api.desk.revoke(key.id, actor="cli:test")
    acts = [
        (act.act, act.actor, act.tenant, act.target, act.outcome)
        for act in reversed(await api.desk.acts(10))
    ]
    assert acts == [
        ("create_key", "cli:test", "acme", key.id, "done"),
        ("register_agent", key.id, "acme", "POST /v1/agents", "201"),
        ("delete_agent", key.id, "acme", f"DELETE /v1/agents/{made['id']}", "200"),
        ("delete_agent", key.id, "acme", "DELETE /v1/agents/unknown", "404"),
        ("revoke_key", "cli:test", "acme", key.id, "done"),
    ]
    assert (await api.desk.acts(2))[1].request_id == "mine"


async def test_no_secret_is_in_logs_answers_events_spans_or_the_store(
    serve: Serve, caplog: pytest.LogCaptureFixture, redis: EmbeddedRedis
) -> None:
    tracer = RecordingTracer()
    caplog.set_level(logging.DEBUG)
    api = await keyed(serve, tracer=tracer, engine=ScriptedEngine())
    _, secret = await api.make("acme", "admin")
    gone, revoked = await api.make("acme")
    await api.desk.revoke(gone.id, actor="cli:test")
    wrong = secret[:60] + "f" * 19
    said = []
    for sent in (secret, revoked, wrong, "canary" + secret, secret + "canary"):
        async with api.as_(sent) as http:
            for answer in (
                await http.post("/v1/sessions", json={"agent": {}, "input": "Hello"}),
                await http.get(
                    "/v1/sessions", headers={"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
                ),
                await http.delete("/v1/agents/unknown"),
                await http.post("/v1/sessions", content=b"{"),
            ):
                said += [answer.text, str(answer.headers)]
    async with api.as_(secret) as http:
        [session] = (await http.get("/v1/sessions")).json()["data"]
        said.append((await http.get(f"/v1/sessions/{session['id']}/events")).text)
    said += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    said += [repr(span) for span in tracer.spans]
    said += [repr(key) for key in await api.desk.keys()]
    said.append(str(await _everything(redis)))
    assert tracer.spans
    for secret_of_somebody in (secret, revoked, wrong):
        hidden = secret_of_somebody.rpartition("_")[2]
        assert not [text for text in said if hidden in text]


async def _everything(redis: EmbeddedRedis) -> list[object]:
    found: list[object] = []
    async with Redis.from_url(redis.url) as client:
        async for name in client.scan_iter("*"):
            match await client.type(name):
                case b"hash":
                    found.append((name, await client.hgetall(name)))
                case b"stream":
                    found.append((name, await client.xrange(name)))
                case b"string":
                    found.append((name, await client.get(name)))
                case _:
                    found.append(name)
    return found
