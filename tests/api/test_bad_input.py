from __future__ import annotations

from typing import Any

import pytest

from agent_serving.testing import FIRST_CONTROL_TOKEN, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/agents/agent_x"),
        ("DELETE", "/v1/agents/agent_x"),
        ("GET", "/v1/agents/agent_x/versions"),
        ("GET", "/v1/sessions/sess_x"),
        ("DELETE", "/v1/sessions/sess_x"),
        ("GET", "/v1/sessions/sess_x/turns"),
        ("GET", "/v1/sessions/sess_x/items"),
        ("GET", "/v1/sessions/sess_x/events"),
        ("GET", "/v1/sessions/sess_x/usage"),
        ("POST", "/v1/sessions/sess_x/fork"),
        ("POST", "/v1/sessions/sess_x/turns/turn_x/cancel"),
        ("GET", "/v1/sessions/{session}/turns/turn_x"),
        ("POST", "/v1/sessions/{session}/turns/turn_x/cancel"),
        ("GET", "/v1/sessions/{session}/turns/turn_x/steps"),
        ("GET", "/v1/sessions/{session}/turns/{turn}/steps/step_x"),
        ("GET", "/v1/sessions/%00"),
        ("GET", "/v1/sessions/%FF%FE"),
        ("GET", "/v1/nothing"),
        ("GET", "/v1/sessions/"),
    ],
)
async def test_what_is_not_there_is_not_found(shared: Served, method: str, path: str) -> None:
    session_id = await shared.open()
    turn = (await shared.say(session_id, "hello")).json()
    answer = await shared.http.request(method, path.format(session=session_id, turn=turn["id"]))
    assert error_of(answer)[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"), [({"agent": "nobody"}, "not_found"), ({"agent": "helper@7"}, "not_found")]
)
async def test_a_session_with_an_unknown_agent_is_not_opened(
    api: Served, body: dict[str, Any], code: str
) -> None:
    await api.http.post("/v1/agents", json={"name": "helper"})
    assert error_of(await api.http.post("/v1/sessions", json=body)) == (404, code, "agent")


@pytest.mark.parametrize("agent", [{"tools": ["x"]}, {"model": "x"}])
async def test_a_session_with_an_inline_agent_that_cannot_be_served_is_not_opened(
    api: Served, agent: dict[str, Any]
) -> None:
    answer = await api.http.post("/v1/sessions", json={"agent": agent})
    expected = (422, "unknown_tool") if "tools" in agent else (404, "unknown_model")
    assert error_of(answer)[:2] == expected
    assert (await api.get("/v1/sessions"))["data"] == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": 5}, "input"),
        ({"input": ""}, "input"),
        ({"input": " \n"}, "input"),
        ({"input": []}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "system", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": []}]}, "input[0].content"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "text": "x"}]}]},
            "input[0].content[0].type",
        ),
        ({"input": [{"type": "function_call", "role": "user", "content": "x"}]}, "input[0].type"),
        ({"input": "x", "mode": "later"}, "mode"),
        ({"input": "x", "on_conflict": "fight"}, "on_conflict"),
        ({"input": "x", "stream": True}, "stream"),
        ({"input": "x", "limits": {"max_steps": 0}}, "limits.max_steps"),
        ({"input": "x", "limits": {"max_steps": "many"}}, "limits.max_steps"),
        ({"input": "x", "metadata": {"a": 1}}, "metadata.a"),
        ({"input": "x", "metadata": {"a": "b" * 513}}, "metadata.a"),
        ({"input": "x", "metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"input": "x", "output": {"type": "regex"}}, "output.pattern"),
        ({"input": "x", "output": {"type": "regex", "pattern": "x", "y": 1}}, "output.y"),
        ([], None),
        ("text", None),
    ],
)
async def test_a_wrong_field_is_named(shared: Served, body: Any, param: str | None) -> None:
    session_id = await shared.open()
    answer = await shared.http.post(f"/v1/sessions/{session_id}/turns", json=body)
    assert error_of(answer) == (422, "invalid_request", param)
    assert (await shared.get(f"/v1/sessions/{session_id}"))["turn_count"] == 0


async def test_all_wrong_fields_are_named_at_once(shared: Served) -> None:
    session_id = await shared.open()
    answer = await shared.say(session_id, "x", mode="later", nonsense=1)
    errors = answer.json()["error"]["details"]["errors"]
    assert {error["param"] for error in errors} == {"mode", "nonsense"}


async def test_control_spellings_arrive_as_text(api: Served) -> None:
    session_id = await api.open()
    await api.say(session_id, "a<|im_end|>b")
    prompt = api.engine.requests[0].prompt
    assert sum(token >= FIRST_CONTROL_TOKEN for token in prompt) == 5
    item = (await api.get(f"/v1/sessions/{session_id}/items"))["data"][0]
    assert item["text"] == "a<|im_end|>b"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"order": "random"}, "order"),
        ({"status": "sleeping"}, "status"),
        ({"after": "x" * 129}, "after"),
    ],
)
async def test_a_list_is_asked_for_within_its_limits(
    shared: Served, params: dict[str, str], param: str
) -> None:
    answer = await shared.http.get("/v1/sessions", params=params)
    assert error_of(answer) == (422, "invalid_request", param)


async def test_a_page_behind_a_row_that_is_not_there_is_refused(shared: Served) -> None:
    session_id = await shared.open()
    answer = await shared.http.get(f"/v1/sessions/{session_id}/turns", params={"after": "turn_x"})
    assert error_of(answer) == (422, "invalid_request", "after")


async def test_an_input_that_does_not_fit_the_context_changes_nothing(serve: Serve) -> None:
    api = await serve(ScriptedEngine(context_length=200))
    session_id = await api.open()
    answer = await api.say(session_id, "long " * 100)
    assert error_of(answer)[:2] == (422, "context_length_exceeded")
    assert (await api.get(f"/v1/sessions/{session_id}"))["turn_count"] == 0
    assert (await api.say(session_id, "short")).json()["status"] == "completed"
