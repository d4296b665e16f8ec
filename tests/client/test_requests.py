"""Requests: where they go, when they come again, how they are refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from agent_serving import AgentServing, AsyncAgentServing
from agent_serving.client import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)
from agent_serving.client.errors import refusal
from agent_serving.client.retrying import is_temporary, pause
from agent_serving.testing import Say
from tests.api.conftest import Serve
from tests.api.keyed import keyed
from tests.client.conftest import Connect


def answering(*answers: httpx.Response | Exception, **options: Any) -> Any:
    """A client of a service that answers so, and the requests that it saw."""
    seen: list[httpx.Request] = []
    script = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.Client(transport=httpx.MockTransport(handle))
    return AgentServing(base_url="http://service", http_client=http, **options), seen


def refused(status: int, code: str, **headers: str) -> httpx.Response:
    error = {"message": "No.", "code": code, "param": "input", "request_id": "req_1"}
    return httpx.Response(status, json={"error": error}, headers=headers)


AGENT = {
    "id": "agent_1", "name": "a", "version": 1, "model": "m", "instructions": "", "tools": [],
    "output": None, "sampling": {}, "limits": {}, "class": "online", "dialect": "qwen",
    "a_field_of_next_year": {"x": 1},
}  # fmt: skip


CALLS: list[Callable[[AgentServing, str], object]] = [
    lambda client, given: client.agents.get(given),
    lambda client, given: client.agents.versions(given).first(),
    lambda client, given: client.agents.delete(given),
    lambda client, given: client.sessions.get(given),
    lambda client, given: client.sessions.delete(given),
    lambda client, given: client.usage.session(given),
    lambda client, given: client.turns.list(given).first(),
    lambda client, given: client.turns.get("sess_1", given),
    lambda client, given: client.turns.cancel(given, "turn_1"),
    lambda client, given: client.steps.get("sess_1", "turn_1", given),
    lambda client, given: client.items.list(given).first(),
    lambda client, given: client.events.list(given).first(),
    lambda client, given: next(client.events.follow(given)),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("one@2", "one@2"),
        ("a?limit=1#b", "a%3Flimit%3D1%23b"),
        ("a%2Fb", "a%252Fb"),
        ("ö x", "%C3%B6%20x"),
    ],
)
def test_an_id_is_one_part_of_a_path(
    call: Callable[[AgentServing, str], object], given: str, sent: str
) -> None:
    client, seen = answering(refused(404, "not_found"))
    with pytest.raises(NotFoundError):
        call(client, given)
    path, _, query = seen[0].url.raw_path.decode().partition("?")
    assert path.split("/").count(sent) == 1
    assert "limit" not in query


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("given", ["", ".", "..", "../agents", "sess_1/turns"])
def test_what_would_be_another_path_is_no_id(
    call: Callable[[AgentServing, str], object], given: str
) -> None:
    client, seen = answering()
    with pytest.raises(ValueError, match="is no id"):
        call(client, given)
    assert seen == []


@pytest.mark.parametrize(
    "failure",
    [
        refused(429, "overloaded", **{"retry-after-ms": "1", "retry-after": "1"}),
        refused(503, "engine_unavailable"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        refused(409, "odd", **{"x-should-retry": "true"}),
    ],
    ids=["429", "503", "connection", "timeout", "told to"],
)
def test_a_request_that_failed_for_now_comes_again_with_the_same_key(failure: Any) -> None:
    client, seen = answering(failure, failure, httpx.Response(201, json=AGENT))
    assert client.agents.create("a", instructions="").id == "agent_1"
    assert len(seen) == 3
    assert len({request.headers["idempotency-key"] for request in seen}) == 1
    assert {request.content for request in seen} == {seen[0].content}


@pytest.mark.parametrize(
    "failure",
    [
        refused(409, "session_busy", **{"x-should-retry": "false"}),
        refused(422, "invalid_request"),
        refused(429, "overloaded", **{"retry-after": "3600"}),
    ],
    ids=["busy", "invalid", "much later"],
)
def test_a_request_that_would_fail_again_does_not_come_again(failure: httpx.Response) -> None:
    client, seen = answering(failure)
    with pytest.raises(APIStatusError):
        client.agents.create("a")
    assert len(seen) == 1


def test_two_requests_have_two_keys_and_reading_has_none() -> None:
    answers = [httpx.Response(200, json=AGENT) for _ in range(3)]
    client, seen = answering(*answers)
    client.agents.create("a")
    client.agents.create("a")
    client.agents.get("a")
    keys = [request.headers.get("idempotency-key") for request in seen]
    assert keys[0] != keys[1]
    assert keys[2] is None


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("refused"), APIConnectionError),
        (httpx.ReadTimeout("slow"), APITimeoutError),
        (refused(500, "internal_error"), InternalServerError),
        (refused(429, "overloaded"), RateLimitError),
        (httpx.Response(200, text="<html>"), APIResponseError),
        (httpx.Response(200, json={"id": 1}), APIResponseError),
        (httpx.Response(502, text="<html>"), InternalServerError),
    ],
)
def test_what_does_not_get_better_is_raised(failure: Any, kind: type[APIError]) -> None:
    client, _ = answering(failure, failure, max_retries=1)
    with pytest.raises(kind, match="/v1/agents/a"):
        client.agents.get("a")


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 422, 429, 500, 503, 418])
def test_every_refusal_carries_what_the_service_said(status: int) -> None:
    body = {"error": {"message": "No.", "code": "c", "param": "p", "details": {"x": 1}}}
    error = refusal(status, {"x-request-id": "r", "x-trace-id": "t"}, body, "GET /v1/x")
    told = (error.status_code, error.code, error.param, error.request_id, error.trace_id)
    assert told == (status, "c", "p", "r", "t")
    assert error.details == {"x": 1}
    assert type(error) is not APIStatusError or status == 418


def test_how_long_to_wait_is_what_the_service_asks_or_grows() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    date = {"retry-after": "Thu, 01 Jan 2026 00:00:20 GMT"}
    assert pause(1, date, now) == 20.0
    assert pause(1, {"retry-after": "7"}) == 7.0
    assert pause(1, {"retry-after-ms": "2500", "retry-after": "3"}) == 2.5
    assert pause(1, {"retry-after": "61"}) is None
    assert pause(1, {"retry-after": "soon"}) == pytest.approx(0.1875, abs=0.0626)
    assert 4.0 <= (pause(30, {}) or 0) <= 8.0
    assert not is_temporary(409, {})


# --- against the service --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://ann:pass-w0rd@service:81/base", "http://service:81/base does not answer"),
        ("http://ann:pass-w0rd@[::1]:81", "http://[::1]:81 does not answer"),
        ("http://service", "http://service does not answer"),
    ],
)
def test_what_opens_the_service_is_in_no_message(url: str, told: str) -> None:
    http = httpx.Client(transport=httpx.MockTransport(_silence))
    client = AgentServing(base_url=url, api_key="ask_s3cret", max_retries=0, http_client=http)
    with pytest.raises(APIConnectionError) as raised:
        client.agents.get("a")
    assert told in str(raised.value)
    settings = client._transport.settings
    assert settings.headers == {"authorization": "Bearer ask_s3cret"}
    for text in (str(raised.value), repr(settings)):
        assert "pass-w0rd" not in text
        assert "s3cret" not in text


def _silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_errors_of_the_service_have_their_classes(connect: Connect) -> None:
    connected = await connect(Say("word " * 100, delay=0.02))
    client = connected.client
    with pytest.raises(NotFoundError) as missing:
        await client.sessions.get("sess_none")
    assert missing.value.code == "not_found"
    assert missing.value.request_id
    with pytest.raises(UnprocessableEntityError) as unknown:
        await client.agents.create("a", tools=["none_such"])
    assert (unknown.value.code, unknown.value.param) == ("unknown_tool", "tools[0]")
    session = await client.sessions.create()
    turn = await session.start("one")
    with pytest.raises(ConflictError) as busy:
        await session.run("two")
    assert busy.value.code == "session_busy"
    await turn.cancel()


async def test_a_key_opens_a_service_that_asks_for_keys(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await keyed(serve)
    url = str(service.served.http.base_url)
    _, key = await service.make("tenant", "run")
    _, reader = await service.make("tenant", "read")

    async def create(**options: Any) -> str:
        async with httpx.AsyncClient(trust_env=False) as http:
            client = AsyncAgentServing(http_client=http, **options)
            return (await client.sessions.create()).id

    with pytest.raises(AuthenticationError):
        await create(base_url=url)
    with pytest.raises(PermissionDeniedError):
        await create(base_url=url, api_key=reader)
    assert (await create(base_url=url, api_key=key)).startswith("sess_")
    monkeypatch.setenv("AGENT_SERVING_URL", f"{url}/v1/")
    monkeypatch.setenv("AGENT_SERVING_API_KEY", key)
    assert (await create()).startswith("sess_")


async def test_the_turn_is_part_of_the_callers_trace(connect: Connect) -> None:
    connected = await connect()
    session = await connected.client.sessions.create()
    alone = await session.run("one")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    span = tracer.start_span("caller")
    with trace.use_span(span, end_on_exit=True):
        result = await session.run("two")
    trace_id = f"{span.get_span_context().trace_id:032x}"
    assert result.trace_id == trace_id
    assert alone.trace_id != trace_id


async def test_lists_fetch_their_pages_by_themselves(connect: Connect) -> None:
    connected = await connect()
    client = connected.client
    made = [(await client.sessions.create(metadata={"n": str(n)})).id for n in range(5)]
    listed = client.sessions.list(limit=2, order="asc")
    assert [session.id async for session in listed] == made
    assert [len(page.data) async for page in listed.pages()] == [2, 2, 1]
    assert [s.id for s in await client.sessions.list(metadata={"n": "3"}).all()] == [made[3]]
    assert (await listed.first()).has_more


async def test_every_resource_can_be_read(connect: Connect) -> None:
    connected = await connect()
    client = connected.client
    agent = await client.agents.create("helper", instructions="Help.", tools=["add"])
    again = await client.agents.create("helper", instructions="Help!", service_class="batch")
    assert again.service_class == "batch"
    assert [a.version async for a in client.agents.versions("helper")] == [1, 2]
    assert [a.name async for a in client.agents.list()] == ["helper"]
    session = await client.sessions.create(agent, budget={"max_cost": "2.5"}, ttl_seconds=60)
    assert session.data.agent.version == 1
    turn = (await session.run("Hi")).turn
    assert [t.id async for t in client.turns.list(session.id)] == [turn.id]
    [step] = await client.steps.list(session.id, turn.id).all()
    bare = await client.turns.get(session.id, turn.id)
    assert bare.steps is None
    assert bare.model_copy(update={"steps": [step]}) == turn
    assert (await client.steps.get(session.id, turn.id, step.id)) == step
    assert [i.type async for i in client.items.list(session.id)] == ["message", "message"]
    told = [event.type async for event in client.events.follow(session.id, turn_id=turn.id)]
    assert told[-1] == "turn.completed"
    assert (await client.turns.trace(session.id, turn.id))["resourceSpans"]
    assert [t.name async for t in client.tools.list()] == ["add"]
    assert "iso_date" in [g.name async for g in client.grammars.list()]
    assert [m.id async for m in client.models.list()] == ["scripted"]
    assert (await client.usage.session(session.id)).turns == 1
    assert (await client.usage.report(by="model")).rows[0].key == "scripted"
    assert (await client.capabilities()).engines[0].ready
    await session.update(metadata={"a": "b"}, limits={"max_steps": 3})
    assert session.data.limits is not None
    assert session.data.limits.max_steps == 3
    assert (await session.delete()).deleted
    assert (await client.agents.delete("helper")).deleted


def test_the_client_loads_nothing_of_the_server() -> None:
    program = (
        "import json, sys; from agent_serving import AgentServing; "
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert {"httpx", "pydantic"} <= loaded
    server = {"fastapi", "starlette", "redis", "uvicorn", "opentelemetry", "outlines", "typer"}
    assert loaded & server == set()
