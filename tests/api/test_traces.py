"""A turn's trace over REST, and the spans of requests."""

from __future__ import annotations

import httpx
import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from agent_serving.api import ApiSettings
from agent_serving.testing import Break, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.runtime.talk import call
from tests.tracing import RecordingTracer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def traceparent(flag: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{CALLER}-{flag}"}


async def trace_of(api: Served, session_id: str, turn_id: str) -> httpx.Response:
    answer = await api.http.get(f"/v1/sessions/{session_id}/turns/{turn_id}/trace")
    assert answer.status_code == 200, answer.text
    return answer


# --- GET …/trace ----------------------------------------------------------------------------


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_trace_is_complete_whether_or_not_it_was_exported(
    serve: Serve, sampled: bool
) -> None:
    tracer = RecordingTracer(sampled=sampled)
    engine = ScriptedEngine([call("add", '{"a": 2, "b": 3}'), Break("la"), "Five."])
    api = await serve(engine, tracer=tracer)
    session_id = await api.open({"tools": ["add"]})
    turn = (await api.say(session_id, "2 + 3?")).json()
    answer = await trace_of(api, session_id, turn["id"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-trace-id"] == turn["trace_id"]
    assert "x-trace-url" not in answer.headers
    [resource] = answer.json()["resourceSpans"]
    assert resource["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "recorded"}}
    ]
    [scope] = resource["scopeSpans"]
    spans = scope["spans"]
    names = [span["name"] for span in spans if "." not in span["name"]]
    assert sorted(name for name in names if name != "admission") == [
        "chat scripted",
        "chat scripted",
        "chat scripted",
        "execute_tool add",
        "invoke_agent inline",
    ]
    assert {span["traceId"] for span in spans} == {turn["trace_id"]}
    exported = {s.span_id for s in tracer.spans if s.kind != "server"}
    assert exported == ({span["spanId"] for span in spans} if sampled else set())


async def test_a_trace_is_what_otlp_says_it_is(api: Served) -> None:
    session_id = await api.open()
    answer = await api.http.post(
        f"/v1/sessions/{session_id}/turns", json={"input": "hello"}, headers=traceparent()
    )
    turn = answer.json()
    told = (await trace_of(api, session_id, turn["id"])).json()
    # Protobuf's own JSON has ids in base64: that alone is OTLP's exception.
    [resource] = told["resourceSpans"]
    for span in resource["scopeSpans"][0]["spans"]:
        assert int(span["traceId"], 16) == int(TRACE, 16)
        assert len(span["spanId"]) == 16
        for key in ("traceId", "spanId", "parentSpanId"):
            span[key] = ""
    parsed = Parse(httpx.Response(200, json=told).text, TracesData())
    [root, *_] = parsed.resource_spans[0].scope_spans[0].spans
    assert root.name == "invoke_agent inline"
    assert root.end_time_unix_nano > root.start_time_unix_nano > 1.7e18


async def test_a_turn_links_to_jaeger_where_there_is_one(serve: Serve) -> None:
    api = await serve(settings=ApiSettings(jaeger_url="http://jaeger.test/ui/"))
    session_id = await api.open()
    turn = (await api.say(session_id, "hello")).json()
    url = f"http://jaeger.test/ui/trace/{turn['trace_id']}"
    assert turn["trace_url"] == url
    assert (await trace_of(api, session_id, turn["id"])).headers["x-trace-url"] == url
    answer = await api.http.post(
        f"/v1/sessions/{session_id}/turns", json={"input": "hello"}, headers=traceparent("00")
    )
    assert answer.json()["trace_url"] is None


async def test_of_a_turn_that_is_not_there_there_is_no_trace(api: Served) -> None:
    session_id = await api.open()
    answer = await api.http.get(f"/v1/sessions/{session_id}/turns/turn_0/trace")
    assert error_of(answer) == (404, "not_found", "turn_id")


# --- requests -------------------------------------------------------------------------------


async def test_a_request_stands_between_its_caller_and_the_turn(serve: Serve) -> None:
    tracer = RecordingTracer()
    api = await serve(tracer=tracer)
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/turns"
    answer = await api.http.post(path + "?x=secret", json={"input": "hi"}, headers=traceparent())
    assert answer.headers["x-trace-id"] == TRACE
    await _until(api, tracer, 2)
    [opened, server] = [span for span in tracer.spans if span.kind == "server"]
    assert opened.name == "POST /v1/sessions"
    assert opened.parent_span_id is None
    assert server.name == "POST /v1/sessions/{session_id}/turns"
    assert (server.trace_id, server.parent_span_id) == (TRACE, CALLER)
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/sessions/{session_id}/turns",
        "http.response.status_code": 201,
        "url.path": path,
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": api.http.base_url.port,
    }
    [root] = tracer.named("invoke_agent")
    assert (root.trace_id, root.parent_span_id) == (TRACE, server.span_id)
    assert server.start_ns <= root.start_ns
    assert root.end_ns <= server.end_ns


async def test_a_request_of_nobodys_trace_begins_one(serve: Serve) -> None:
    tracer = RecordingTracer()
    api = await serve(tracer=tracer)
    session_id = await api.open()
    turn = (await api.say(session_id, "hi")).json()
    await _until(api, tracer, 2)
    server = [span for span in tracer.spans if span.kind == "server"][-1]
    [root] = tracer.named("invoke_agent")
    assert server.trace_id == root.trace_id == turn["trace_id"]
    assert root.parent_span_id == server.span_id


async def test_what_the_caller_does_not_record_is_not_recorded(serve: Serve) -> None:
    tracer = RecordingTracer()
    api = await serve(tracer=tracer)
    answer = await api.http.post(
        "/v1/sessions", json={"agent": {}, "input": "hi"}, headers=traceparent("00")
    )
    assert answer.json()["turn"]["trace_id"] == TRACE
    assert tracer.spans == []
    [request] = api.engine.requests
    assert request.traceparent.endswith("-00")


async def test_reads_and_probes_have_no_spans_of_their_own(serve: Serve) -> None:
    tracer = RecordingTracer()
    api = await serve(tracer=tracer)
    await api.get("/healthz")
    await api.get("/v1/sessions")
    assert tracer.spans == []
    await api.http.get("/v1/sessions", headers=traceparent())
    await api.http.get("/healthz", headers=traceparent())
    await _until(api, tracer, 1)
    assert [span.name for span in tracer.spans] == ["GET /v1/sessions"]


async def test_a_refused_request_is_no_error_of_the_service(serve: Serve) -> None:
    tracer = RecordingTracer()
    api = await serve(tracer=tracer)
    await api.http.post("/v1/sessions", json={"no": "such"})
    await _until(api, tracer, 1)
    [span] = tracer.spans
    assert span.attributes["http.response.status_code"] == 422
    assert span.error is None


async def test_lost_spans_are_shown(serve: Serve) -> None:
    api = await serve(tracer=RecordingTracer())
    assert (await api.get("/v1/capabilities"))["spans"] == {
        "delivered": 0,
        "lost": 3,
        "waiting": 0,
    }
    assert (await (await serve()).get("/v1/capabilities"))["spans"] is None


async def _until(api: Served, tracer: RecordingTracer, servers: int) -> None:
    """A span ends behind the answer's last byte."""
    for _ in range(200):
        if len([span for span in tracer.spans if span.kind == "server"]) >= servers:
            return
        await api.get("/healthz")
