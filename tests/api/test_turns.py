from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_serving.testing import Break, Say, ScriptedEngine
from tests.api.conftest import Serve, Served
from tests.api.sse import read_all
from tests.runtime.talk import call

LONG = Say("word " * 100, delay=0.02)
LOOK_UP = {
    "type": "function",
    "name": "look_up",
    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}},
}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def test_wait_answers_with_the_whole_turn(shared: Served) -> None:
    session_id = await shared.open()
    answer = await shared.say(session_id, "hello")
    assert answer.status_code == 201
    turn = answer.json()
    assert (turn["object"], turn["status"], turn["output_text"]) == ("turn", "completed", "OK.")
    assert (turn["session_id"], turn["index"], turn["error"]) == (session_id, 0, None)
    assert answer.headers["x-turn-id"] == turn["id"]
    assert answer.headers["x-trace-id"] == turn["trace_id"]
    assert await shared.get(f"/v1/sessions/{session_id}/turns/{turn['id']}") == turn


async def test_background_answers_at_once(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("done " * 5, delay=0.02)]))
    session_id = await api.open()
    answer = await api.say(session_id, "hello", mode="background")
    assert (answer.status_code, answer.json()["status"]) == (202, "in_progress")
    turn = await api.settled(session_id, answer.json()["id"])
    assert turn["output_text"] == "done " * 5


async def test_stream_answers_with_the_turns_events_and_closes_behind_the_last(
    serve: Serve,
) -> None:
    api = await serve(ScriptedEngine(["One.", Say("Two is longer.", delay=0.02)]))
    session_id = await api.open()
    await api.say(session_id, "one")
    path = f"/v1/sessions/{session_id}/turns"
    body = {"input": "two", "mode": "stream"}
    async with api.http.stream("POST", path, json=body) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        turn_id = response.headers["x-turn-id"]
        events = await read_all(response)
    assert {event.data["turn_id"] for event in events} == {turn_id}
    assert events[0].event == "session.in_progress"
    assert events[-1].event == "turn.completed"
    text = "".join(e.data["data"]["delta"] for e in events if e.event == "output_text.delta")
    assert text == "Two is longer."


async def test_a_session_can_be_opened_with_a_stream(shared: Served) -> None:
    body = {"agent": {}, "input": "hello", "mode": "stream"}
    async with shared.http.stream("POST", "/v1/sessions", json=body) as response:
        assert response.headers["x-session-id"].startswith("sess_")
        events = await read_all(response)
    assert events[-1].event == "turn.completed"


async def test_the_callers_trace_goes_on_in_the_turn(api: Served) -> None:
    session_id = await api.open()
    answer = await api.http.post(
        f"/v1/sessions/{session_id}/turns",
        json={"input": "hello"},
        headers={"traceparent": TRACEPARENT},
    )
    assert answer.json()["trace_id"] == answer.headers["x-trace-id"] == TRACE
    assert api.engine.requests[0].traceparent.split("-")[1] == TRACE


async def test_messages_and_parts_become_user_messages(shared: Served) -> None:
    session_id = await shared.open()
    message = {"type": "message", "role": "user"}
    answer = await shared.say(
        session_id,
        [
            message | {"content": "one"},
            {"role": "user", "content": [{"type": "input_text", "text": "two"}]},
            message
            | {"content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}]},
        ],
    )
    assert [item["text"] for item in answer.json()["input"]] == ["one", "two", "a\nb"]


async def test_limits_of_a_turn_change_only_what_they_name(serve: Serve) -> None:
    api = await serve(ScriptedEngine(["Five words are too many."]))
    session_id = await api.open({"limits": {"max_steps": 5}})
    answer = await api.say(session_id, "hello", limits={"max_output_tokens": 3})
    turn = answer.json()
    assert (turn["status"], turn["output_text"]) == ("incomplete", "Fiv")
    assert turn["incomplete_details"] == {"reason": "max_output_tokens"}
    session = await api.service.sessions.get("default", session_id)
    assert session.turns[0].limits.max_steps == 5


async def test_a_json_answer_is_parsed(serve: Serve) -> None:
    api = await serve(ScriptedEngine(['{"n": 5}']))
    session_id = await api.open()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    answer = await api.say(session_id, "n?", output={"type": "json_schema", "schema": schema})
    assert answer.json()["output_parsed"] == {"n": 5}


async def test_a_named_grammar_holds_an_answer(serve: Serve) -> None:
    api = await serve(ScriptedEngine(["2026-01-31"]))
    session_id = await api.open()
    await api.say(session_id, "when?", output={"type": "grammar", "name": "iso_date"})
    constraint = api.engine.requests[0].constraint
    assert constraint is not None
    assert constraint.value == "[0-9]{4}-[0-9]{2}-[0-9]{2}"


async def test_tool_choice_names_a_tool_of_the_agent(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("add", '{"a": 1, "b": 1}'), "Two."]))
    session_id = await api.open({"tools": ["add"]})
    answer = await api.say(session_id, "1+1?", tool_choice={"type": "function", "name": "add"})
    assert answer.json()["usage"]["tool_calls"] == 1


@pytest.mark.parametrize(
    ("agent", "choice", "code"),
    [
        ({"tools": ["add"]}, {"type": "function", "name": "subtract"}, "unknown_tool"),
        ({}, "required", "invalid_request"),
        ({}, "perhaps", "invalid_request"),
    ],
)
async def test_a_tool_choice_that_cannot_be_is_refused(
    shared: Served, agent: dict[str, Any], choice: Any, code: str
) -> None:
    session_id = await shared.open(agent)
    answer = await shared.say(session_id, "hello", tool_choice=choice)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["param"] == "tool_choice"


# --- two turns at once ----------------------------------------------------------------------


async def test_reject_refuses_the_second_turn_and_says_not_to_retry(serve: Serve) -> None:
    api = await serve(ScriptedEngine([LONG]))
    session_id = await api.open()
    first = (await api.say(session_id, "one", mode="background")).json()
    answer = await api.say(session_id, "two")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "session_busy")
    assert answer.json()["error"]["details"]["turn_id"] == first["id"]
    assert answer.headers["x-should-retry"] == "false"


async def test_queue_runs_the_second_turn_behind_the_first(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("first " * 5, delay=0.02), "second"]))
    session_id = await api.open()
    first = (await api.say(session_id, "one", mode="background")).json()
    second = await api.say(session_id, "two", on_conflict="queue")
    assert second.json()["output_text"] == "second"
    turn = await api.get(f"/v1/sessions/{session_id}/turns/{first['id']}")
    assert turn["ended_at"] <= second.json()["started_at"]


async def test_steer_adds_to_the_turn_under_way(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("first " * 50, delay=0.02), "second"]))
    session_id = await api.open()
    first = (await api.say(session_id, "one", mode="background")).json()
    await api.generating()
    steered = await api.say(session_id, "two", on_conflict="steer")
    assert steered.json()["id"] == first["id"]
    assert steered.json()["output_text"] == "second"
    assert [i["text"] for i in steered.json()["items"] if i["role"] == "user"] == ["one", "two"]


async def test_a_streamed_steer_begins_with_the_steer(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("first " * 50, delay=0.02), "second"]))
    session_id = await api.open()
    await api.say(session_id, "one", mode="background")
    await api.generating()
    path = f"/v1/sessions/{session_id}/turns"
    body = {"input": "two", "on_conflict": "steer", "mode": "stream"}
    async with api.http.stream("POST", path, json=body) as response:
        events = await read_all(response)
    assert events[0].event == "item.done"
    assert events[0].data["data"]["item"]["text"] == "two"
    assert events[-1].event == "turn.completed"


async def test_interrupt_makes_room(serve: Serve) -> None:
    api = await serve(ScriptedEngine([LONG, "second"]))
    session_id = await api.open()
    first = (await api.say(session_id, "one", mode="background")).json()
    await api.generating()
    second = await api.say(session_id, "two", on_conflict="interrupt")
    assert second.json()["output_text"] == "second"
    turn = await api.get(f"/v1/sessions/{session_id}/turns/{first['id']}")
    assert (turn["status"], turn["output_text"][:4]) == ("cancelled", "word")


# --- cancel ---------------------------------------------------------------------------------


async def test_cancel_is_idempotent_and_aborts_at_the_engine(serve: Serve) -> None:
    api = await serve(ScriptedEngine([LONG]))
    session_id = await api.open()
    turn = (await api.say(session_id, "one", mode="background")).json()
    await api.generating()
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}/cancel"
    assert (await api.http.post(path)).status_code == 202
    assert (await api.settled(session_id, turn["id"]))["status"] == "cancelled"
    assert api.engine.aborted == [api.engine.requests[0].rid]
    again = await api.http.post(path)
    assert (again.status_code, again.json()["status"]) == (202, "cancelled")


async def test_a_finished_turn_cannot_be_cancelled(shared: Served) -> None:
    session_id = await shared.open()
    turn = (await shared.say(session_id, "one")).json()
    answer = await shared.http.post(f"/v1/sessions/{session_id}/turns/{turn['id']}/cancel")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "turn_not_active")
    assert answer.headers["x-should-retry"] == "false"


async def test_an_engine_that_dies_for_good_fails_the_turn_and_not_the_session(
    serve: Serve,
) -> None:
    api = await serve(ScriptedEngine([Break("half")] * 10))
    session_id = await api.open()
    turn = (await api.say(session_id, "one")).json()
    assert (turn["status"], turn["error"]["code"]) == ("failed", "engine_unavailable")
    step = (await api.get(turn["steps_url"]))["data"][0]
    assert {attempt["status"] for attempt in step["attempts"]} == {"failed"}
    assert step["prefix"] is None
    api.engine._lines = ["Better."]
    assert (await api.say(session_id, "two")).json()["output_text"] == "Better."


# --- answers to the agent -------------------------------------------------------------------


async def test_a_client_side_call_waits_and_is_answered(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", '{"key": "x"}'), "It is 42."]))
    session_id = await api.open({"tools": [LOOK_UP]})
    turn = (await api.say(session_id, "x?")).json()
    assert turn["status"] == "waiting"
    assert (await api.get(f"/v1/sessions/{session_id}"))["status"] == "requires_action"
    (required,) = turn["required_inputs"]
    assert (required["type"], required["name"]) == ("tool_result", "look_up")
    assert required["arguments"] == '{"key": "x"}'
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}/inputs"
    given = {"type": "tool_result", "call_id": required["call_id"], "output": {"x": 42}}
    answer = await api.http.post(path, json={"inputs": [given]})
    assert answer.status_code == 200
    done = await asyncio.wait_for(
        api.service.sessions.settled("default", session_id, turn["id"]), 20
    )
    assert done.output_text == "It is 42."
    late = await api.http.post(path, json={"inputs": [given]})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "turn_not_active")
    assert late.json()["error"]["param"] == "inputs[0]"


async def test_a_stream_closes_where_the_turn_waits(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", '{"key": "x"}')]))
    session_id = await api.open({"tools": [LOOK_UP]})
    path = f"/v1/sessions/{session_id}/turns"
    body = {"input": "x?", "mode": "stream"}
    async with api.http.stream("POST", path, json=body) as response:
        events = await read_all(response)
    assert events[-1].event == "turn.waiting"


@pytest.mark.parametrize(
    ("given", "status", "param"),
    [
        ({"type": "tool_result", "call_id": "call_x", "output": 1}, 409, "inputs[0]"),
        ({"type": "tool_result", "call_id": "{call}"}, 422, "inputs[0]"),
        ({"type": "approval", "call_id": "{call}", "approve": True}, 409, "inputs[0]"),
        ({"type": "in_doubt", "call_id": "{call}", "resolution": "retry"}, 409, "inputs[0]"),
        ({"type": "tool_result", "output": 1}, 422, "inputs[0].call_id"),
        ({"type": "steer", "content": ""}, 422, "inputs[0].content"),
        ({"type": "shrug"}, 422, "inputs[0].type"),
        (
            {"type": "tool_result", "call_id": "{call}", "output": "x" * 300_000},
            422,
            "inputs[0]",
        ),
    ],
)
async def test_an_answer_that_nobody_asked_for_is_refused(
    serve: Serve, given: dict[str, Any], status: int, param: str
) -> None:
    api = await serve(ScriptedEngine([call("look_up", '{"key": "x"}')]))
    session_id = await api.open({"tools": [LOOK_UP]})
    turn = (await api.say(session_id, "x?")).json()
    if given.get("call_id") == "{call}":
        given = given | {"call_id": turn["required_inputs"][0]["call_id"]}
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}"
    answer = await api.http.post(f"{path}/inputs", json={"inputs": [given]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert (await api.get(path))["status"] == "waiting"


async def test_a_call_answered_twice_in_one_request_is_refused_before_the_first_is_taken(
    serve: Serve,
) -> None:
    api = await serve(ScriptedEngine([call("look_up", '{"key": "x"}')]))
    session_id = await api.open({"tools": [LOOK_UP]})
    turn = (await api.say(session_id, "x?")).json()
    call_id = turn["required_inputs"][0]["call_id"]
    given = {"type": "tool_result", "call_id": call_id, "output": 1}
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}"
    answer = await api.http.post(f"{path}/inputs", json={"inputs": [given, given]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "inputs[1].call_id")
    assert (await api.get(path))["status"] == "waiting"
