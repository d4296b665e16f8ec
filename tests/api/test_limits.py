from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from agent_serving.api import ApiSettings
from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, Served, error_of
from tests.runtime.talk import call

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"input": "x",}', 1, 15),
        (b'{\n "input": x}', 2, 11),
        (b"{", 1, 2),
        (b"input=x", 1, 1),
        (b'{"input": "a\x00b"}', 1, 13),
        (b'\xef\xbb\xbf{"input": "x"}', 1, 1),
    ],
)
async def test_malformed_json_is_refused_with_its_position(
    shared: Served, body: bytes, line: int, column: int
) -> None:
    session_id = await shared.open()
    path = f"/v1/sessions/{session_id}/turns"
    answer = await shared.http.post(path, content=body, headers=JSON)
    assert error_of(answer) == (400, "invalid_request", None)
    details = answer.json()["error"]["details"]
    assert (details["line"], details["column"]) == (line, column)


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": "\xff"}',
        b'{"input": NaN}',
        b'{"input": 1e999}',
        b'{"input": ' + b"9" * 5000 + b"}",
        '{"input": "x"}'.encode("utf-16"),
    ],
)
async def test_what_only_looks_like_json_is_refused(shared: Served, body: bytes) -> None:
    answer = await shared.http.post("/v1/sessions", content=body, headers=JSON)
    assert error_of(answer)[:2] == (400, "invalid_request")


async def test_no_body_where_one_is_needed_is_refused(shared: Served) -> None:
    answer = await shared.http.post("/v1/sessions")
    assert error_of(answer) == (422, "invalid_request", None)
    assert "no body" in answer.json()["error"]["message"]


async def test_a_message_of_two_megabytes_is_refused(shared: Served) -> None:
    session_id = await shared.open()
    answer = await shared.say(session_id, "x" * 2_000_000)
    assert error_of(answer) == (413, "invalid_request", None)
    assert answer.json()["error"]["details"] == {"max_bytes": 1_048_576}
    assert (await shared.say(session_id, "shorter")).status_code == 201


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(serve: Serve) -> None:
    api = await serve(settings=ApiSettings(max_body_bytes=10_000))
    session_id = await api.open()
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'{"input": "'
        for _ in range(200):
            sent += 1000
            yield b"x" * 1000
        yield b'"}'

    path = f"/v1/sessions/{session_id}/turns"
    answer = await api.http.post(path, content=chunks(), headers=JSON)
    assert error_of(answer) == (413, "invalid_request", None)


async def test_a_body_within_the_limit_may_come_in_chunks(shared: Served) -> None:
    session_id = await shared.open()

    async def chunks() -> AsyncIterator[bytes]:
        for byte in b'{"input": "hello"}':
            yield bytes([byte])

    path = f"/v1/sessions/{session_id}/turns"
    answer = await shared.http.post(path, content=chunks(), headers=JSON)
    assert answer.status_code == 201


async def test_a_tool_result_of_five_megabytes_is_refused(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}")]))
    session_id = await api.open({"tools": [{"type": "function", "name": "look_up"}]})
    turn = (await api.say(session_id, "x?")).json()
    given = {
        "type": "tool_result",
        "call_id": turn["required_inputs"][0]["call_id"],
        "output": "x" * 5_000_000,
    }
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}"
    answer = await api.http.post(f"{path}/inputs", json={"inputs": [given]})
    assert error_of(answer) == (413, "invalid_request", None)
    assert (await api.get(path))["status"] == "waiting"


@pytest.mark.parametrize("closed", [True, False])
async def test_two_hundred_levels_of_nesting_are_refused(shared: Served, closed: bool) -> None:
    body = '{"agent": ' + "[" * 200 + ("]" * 200 + "}" if closed else "")
    answer = await shared.http.post("/v1/sessions", content=body, headers=JSON)
    assert error_of(answer) == (422, "invalid_request", None)
    assert "nested" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ('{"input": "a\\u0000b"}', "input"),
        ('{"input": "a\\ud800b"}', "input"),
        ('{"input": "a\\uDFFF"}', "input"),
        ('{"input": "\\udc00\\ud800"}', "input"),
        ('{"input": [{"role": "user", "content": "\\u0000"}]}', "input[0].content"),
        ('{"input": "x", "metadata": {"a": "\\u0000"}}', "metadata.a"),
        ('{"input": "x", "metadata": {"\\u0000": "a"}}', "metadata"),
    ],
)
async def test_nul_and_lone_surrogates_are_refused_with_their_place(
    shared: Served, body: str, param: str
) -> None:
    session_id = await shared.open()
    path = f"/v1/sessions/{session_id}/turns"
    answer = await shared.http.post(path, content=body, headers=JSON)
    assert error_of(answer) == (422, "invalid_request", param)


async def test_every_other_character_arrives_as_it_was_sent(shared: Served) -> None:
    session_id = await shared.open()
    text = "a\u0001\t\u2028\ufffe\U0001f600 \\u0000 é\u0301"
    for body in (json.dumps({"input": text}), json.dumps({"input": text}, ensure_ascii=False)):
        path = f"/v1/sessions/{session_id}/turns"
        answer = await shared.http.post(path, content=body.encode(), headers=JSON)
        assert answer.json()["input"][0]["text"] == text


@pytest.mark.parametrize(
    "media_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_a_body_that_is_not_declared_as_json_is_refused(
    shared: Served, media_type: str | None
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = await shared.http.post("/v1/sessions", content=b'{"agent": {}}', headers=headers)
    assert error_of(answer) == (415, "invalid_request", "content-type")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=UTF-8", "application/x+json"]
)
async def test_any_spelling_of_json_is_taken(shared: Served, media_type: str) -> None:
    headers = {"content-type": media_type}
    answer = await shared.http.post("/v1/sessions", content=b'{"agent": {}}', headers=headers)
    assert answer.status_code == 201
