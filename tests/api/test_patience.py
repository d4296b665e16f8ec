"""Being kept waiting: `mode` of answers, and the header Prefer."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Json, Serve, Served
from tests.api.sse import Sent, read_all
from tests.api.test_turns import LOOK_UP
from tests.runtime.talk import call

SLOW = Say("done " * 40, delay=0.05)
KEY = {"idempotency-key": "once"}


async def waiting(api: Served, calls: int = 1) -> tuple[str, Json]:
    """The path of a turn that waits for so many calls, and the body that answers them."""
    session_id = await api.open({"tools": [LOOK_UP]})
    turn = (await api.say(session_id, "x?")).json()
    answers = [
        {"type": "tool_result", "call_id": required["call_id"], "output": "42"}
        for required in turn["required_inputs"]
    ]
    assert len(answers) == calls
    return f"/v1/sessions/{session_id}/turns/{turn['id']}", {"inputs": answers}


# --- answers --------------------------------------------------------------------------------


async def test_an_answer_waits_to_the_end_of_the_turn(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}"), "It is 42."]))
    path, body = await waiting(api)
    told = await api.http.post(f"{path}/inputs", json={**body, "mode": "wait"})
    assert (told.status_code, told.json()["status"]) == (200, "completed")
    assert told.json() == await api.get(path)


async def test_an_answer_waits_to_where_the_turn_waits_again(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}"), call("look_up", "{}")]))
    path, body = await waiting(api)
    told = (await api.http.post(f"{path}/inputs", json={**body, "mode": "wait"})).json()
    assert told["status"] == "waiting"
    assert told["required_inputs"][0]["call_id"] != body["inputs"][0]["call_id"]


async def test_a_part_of_the_answers_does_not_wait_for_the_rest(serve: Serve) -> None:
    both = call("look_up", '{"key": "a"}') + call("look_up", '{"key": "b"}')
    api = await serve(ScriptedEngine([both, "Both."]))
    path, body = await waiting(api, 2)
    for given in body["inputs"]:
        told = await api.http.post(f"{path}/inputs", json={"inputs": [given], "mode": "wait"})
    assert told.json()["output_text"] == "Both."


async def test_an_answer_streams_what_comes_of_it_and_nothing_before(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}"), "It is 42."]))
    path, body = await waiting(api)
    asked = {**body, "mode": "stream"}
    async with api.http.stream("POST", f"{path}/inputs", json=asked, headers=KEY) as response:
        assert response.status_code == 200
        assert response.headers["x-turn-id"] == path.rpartition("/")[2]
        events = await read_all(response)
    assert (events[0].event, events[-1].event) == ("tool_call.completed", "turn.completed")
    text = "".join(e.data["data"]["delta"] for e in events if e.event == "output_text.delta")
    assert text == "It is 42."
    async with api.http.stream("POST", f"{path}/inputs", json=asked, headers=KEY) as response:
        assert response.headers["idempotent-replayed"] == "true"
        again = await read_all(response)
    assert kept(again) == kept(events)


def kept(events: list[Sent]) -> list[Sent]:
    """Without the deltas, which may be gone once their item is done."""
    return [event for event in events if not event.event.endswith(".delta")]


async def test_an_answer_sent_again_waits_too_and_is_taken_once(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}"), Say("It is 42.", delay=0.02)]))
    path, body = await waiting(api)
    asked = {**body, "mode": "wait"}
    one, two = await asyncio.gather(
        *(api.http.post(f"{path}/inputs", json=asked, headers=KEY) for _ in range(2))
    )
    assert one.json() == two.json()
    assert one.json()["status"] == "completed"
    assert len(api.engine.requests) == 2


# --- include --------------------------------------------------------------------------------


async def test_a_turn_that_is_over_comes_with_its_ledger_where_that_is_asked_for(
    serve: Serve,
) -> None:
    api = await serve(ScriptedEngine([call("look_up", "{}"), "It is 42."]))
    session_id = await api.open({"tools": [LOOK_UP]})
    turns = f"/v1/sessions/{session_id}/turns"
    asked = {"include": "steps"}
    turn = (await api.http.post(turns, json={"input": "x?"}, params=asked)).json()
    assert (turn["status"], turn["steps"]) == ("waiting", None)
    given = {"type": "tool_result", "call_id": turn["required_inputs"][0]["call_id"], "output": ""}
    path, body = f"{turns}/{turn['id']}", {"inputs": [given], "mode": "wait"}
    turn = (await api.http.post(f"{path}/inputs", json=body, params=asked)).json()
    assert [step["kind"] for step in turn["steps"]] == ["model", "tool", "model"]
    assert turn["steps"] == (await api.get(f"{path}/steps"))["data"]
    assert turn == await api.get(path, **asked)
    assert (await api.get(path))["steps"] is None


async def test_what_cannot_be_included_is_refused(serve: Serve) -> None:
    api = await serve(ScriptedEngine())
    session_id = await api.open()
    told = await api.http.post(
        f"/v1/sessions/{session_id}/turns", json={"input": "x"}, params={"include": "all"}
    )
    assert told.status_code == 422
    assert told.json()["error"]["param"] == "include[0]"
    assert (await api.get(f"/v1/sessions/{session_id}/turns"))["data"] == []


# --- Prefer: wait ---------------------------------------------------------------------------


async def started(api: Served) -> str:
    session_id = await api.open()
    turn = (await api.say(session_id, "hello", mode="background")).json()
    return f"/v1/sessions/{session_id}/turns/{turn['id']}"


def preferring(value: str) -> dict[str, str]:
    return {"prefer": value}


async def test_a_turn_is_read_once_it_is_over(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("done " * 5, delay=0.02)]))
    path = await started(api)
    told = await api.http.get(path, headers=preferring("wait=20"))
    assert (told.status_code, told.json()["status"]) == (200, "completed")
    assert told.headers["preference-applied"] == "wait=20"


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async, wait=1", 'WAIT = "1"', "wait=1; x"])
async def test_a_wait_ends_when_the_caller_likes_and_the_turn_goes_on(
    serve: Serve, prefer: str
) -> None:
    api = await serve(ScriptedEngine([SLOW]))
    session_id = await api.open()
    path = f"/v1/sessions/{session_id}/turns"
    told = await api.http.post(path, json={"input": "hello"}, headers=preferring(prefer))
    assert (told.status_code, told.json()["status"]) == (202, "in_progress")
    assert told.headers["preference-applied"] == "wait=1"
    assert (await api.settled(session_id, told.json()["id"]))["status"] == "completed"


async def test_a_wait_of_no_seconds_reads_the_turn_as_it_is(serve: Serve) -> None:
    api = await serve(ScriptedEngine([SLOW]))
    path = await started(api)
    told = await api.http.get(path, headers=preferring("wait=0"))
    assert (told.status_code, told.json()["status"]) == (200, "in_progress")


@pytest.mark.parametrize("prefer", ["wait=soon", "wait", "wait=-1", "await=1", "wait=1.5"])
async def test_what_is_no_preference_is_passed_over(serve: Serve, prefer: str) -> None:
    api = await serve(ScriptedEngine([SLOW]))
    path = await started(api)
    told = await api.http.get(path, headers=preferring(prefer))
    assert (told.status_code, told.json()["status"]) == (200, "in_progress")
    assert "preference-applied" not in told.headers


async def test_a_session_opens_within_the_time_that_its_caller_has(serve: Serve) -> None:
    api = await serve(ScriptedEngine([SLOW]))
    body = {"agent": {}, "input": "hello"}
    told = await api.http.post("/v1/sessions", json=body, headers=preferring("wait=1"))
    assert (told.status_code, told.json()["turn"]["status"]) == (202, "in_progress")
    assert told.headers["preference-applied"] == "wait=1"


async def test_a_turn_that_runs_on_another_replica_is_waited_for(serve: Serve) -> None:
    here, there = await serve(ScriptedEngine([Say("done " * 5, delay=0.1)])), await serve()
    path = await started(here)
    told = await there.http.get(path, headers=preferring("wait=20"))
    assert told.json()["status"] == "completed"
    assert not there.engine.requests


async def test_whoever_waits_for_a_session_that_is_deleted_is_told(serve: Serve) -> None:
    api = await serve(ScriptedEngine([SLOW]))
    path = await started(api)
    reading = asyncio.create_task(api.http.get(path, headers=preferring("wait=20")))
    await api.generating()
    deleted = await api.http.delete(path.partition("/turns/")[0])
    assert deleted.status_code == 200
    told: httpx.Response = await reading
    assert told.status_code in (200, 404)
    assert told.status_code == 404 or told.json()["status"] == "cancelled"


async def test_a_stream_of_a_part_of_the_answers_ends_with_what_came_of_it(serve: Serve) -> None:
    both = call("look_up", '{"key": "a"}') + call("look_up", '{"key": "b"}')
    api = await serve(ScriptedEngine([both, "Both."]))
    path, body = await waiting(api, 2)
    first, second = body["inputs"]
    steer = {"type": "steer", "content": "Be brief."}
    for given, last in (
        (first, "step.completed"),
        (steer, "item.done"),
        (second, "turn.completed"),
    ):
        asked = {"inputs": [given], "mode": "stream"}
        for _ in range(2):
            async with (
                asyncio.timeout(10),
                api.http.stream(
                    "POST", f"{path}/inputs", json=asked, headers={"idempotency-key": last}
                ) as response,
            ):
                events = await read_all(response)
            assert events[-1].event == last


async def test_a_turn_is_told_as_it_is_when_the_time_is_over(serve: Serve) -> None:
    slower = Say(SLOW.text * 3, delay=0.05)
    api = await serve(ScriptedEngine([Say("first " * 5, delay=0.02), slower]))
    session_id = await api.open()
    await api.say(session_id, "one", mode="background")
    path = f"/v1/sessions/{session_id}/turns"
    body = {"input": "two", "on_conflict": "queue"}
    told = await api.http.post(path, json=body, headers=preferring("wait=2"))
    assert (told.status_code, told.json()["status"]) == (202, "in_progress")
