from __future__ import annotations

import re

import pytest

from agent_serving.api import listing
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served
from tests.runtime.talk import call

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_a_session_is_opened_read_changed_and_deleted(api: Served) -> None:
    session_id = await api.open({"tools": ["add"]}, metadata={"a": "1"}, ttl_seconds=60)
    session = await api.get(f"/v1/sessions/{session_id}")
    assert session["status"] == "idle"
    assert session["agent"]["name"] == "inline"
    assert session["usage"]["model_steps"] == 0
    assert session["cost"] is None
    assert all(RFC3339.fullmatch(session[at]) for at in ("created_at", "updated_at", "expires_at"))

    changed = await api.http.patch(
        f"/v1/sessions/{session_id}", json={"metadata": {"b": "2"}, "limits": {"max_steps": 2}}
    )
    assert changed.json()["metadata"] == {"b": "2"}
    assert changed.json()["limits"]["max_steps"] == 2
    assert changed.json()["limits"]["max_tool_calls"] == 64

    deleted = await api.http.delete(f"/v1/sessions/{session_id}")
    assert deleted.json() == {"id": session_id, "object": "session.deleted", "deleted": True}
    assert api.engine.closed_sessions == [session_id]
    assert (await api.http.get(f"/v1/sessions/{session_id}")).status_code == 404


async def test_an_empty_patch_changes_nothing(shared: Served) -> None:
    session_id = await shared.open()
    before = await shared.get(f"/v1/sessions/{session_id}")
    answer = await shared.http.patch(f"/v1/sessions/{session_id}", json={})
    assert answer.json() == before


async def test_deleting_a_session_cancels_its_turn(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("word " * 200, delay=0.02)]))
    session_id = await api.open()
    await api.say(session_id, "go", mode="background")
    await api.generating()
    assert (await api.http.delete(f"/v1/sessions/{session_id}")).status_code == 200
    assert api.engine.aborted == [api.engine.requests[0].rid]


async def test_a_session_with_an_input_answers_with_its_first_turn(shared: Served) -> None:
    answer = await shared.http.post("/v1/sessions", json={"agent": {}, "input": "hello"})
    assert answer.status_code == 201
    session = answer.json()
    assert session["status"] == "idle"
    assert session["turn"]["output_text"] == "OK."
    assert session["turn"]["id"] == answer.headers["x-turn-id"]
    assert session["usage"] == session["turn"]["usage"]


async def test_a_session_whose_first_turn_cannot_start_is_not_opened(serve: Serve) -> None:
    api = await serve(ScriptedEngine(context_length=50))
    answer = await api.http.post("/v1/sessions", json={"agent": {}, "input": "long " * 100})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "context_length_exceeded")
    assert (await api.get("/v1/sessions"))["data"] == []


async def test_sessions_are_paged_in_both_directions_and_orders(api: Served) -> None:
    ids = [await api.open() for _ in range(5)]
    newest = ids[::-1]
    first = await api.get("/v1/sessions", limit=2)
    assert [row["id"] for row in first["data"]] == newest[:2]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (newest[0], newest[1], True)
    second = await api.get("/v1/sessions", limit=2, after=first["last_id"])
    assert [row["id"] for row in second["data"]] == newest[2:4]
    last = await api.get("/v1/sessions", limit=2, after=second["last_id"])
    assert ([row["id"] for row in last["data"]], last["has_more"]) == (newest[4:], False)
    back = await api.get("/v1/sessions", limit=2, before=last["first_id"])
    assert ([row["id"] for row in back["data"]], back["has_more"]) == (newest[2:4], True)
    oldest = await api.get("/v1/sessions", order="asc", limit=3)
    assert [row["id"] for row in oldest["data"]] == ids[:3]


@pytest.mark.parametrize("scanned_at_once", [1, 200])
async def test_sessions_are_filtered_by_metadata_and_status(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, scanned_at_once: int
) -> None:
    monkeypatch.setattr(listing, "SCANNED_AT_ONCE", scanned_at_once)
    api = await serve(ScriptedEngine([Say("word " * 200, delay=0.02)]))
    ids = [await api.open(metadata={"n": str(n), "even": str(n % 2 == 0)}) for n in range(6)]
    even = await api.get("/v1/sessions", **{"metadata.even": "True", "limit": 2})
    assert [row["id"] for row in even["data"]] == [ids[4], ids[2]]
    assert even["has_more"]
    rest = await api.get(
        "/v1/sessions", **{"metadata.even": "True", "limit": 2, "after": even["last_id"]}
    )
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == ([ids[0]], False)
    back = await api.get("/v1/sessions", **{"metadata.even": "True", "before": ids[0]})
    assert [row["id"] for row in back["data"]] == [ids[4], ids[2]]
    both = await api.get("/v1/sessions", **{"metadata.even": "True", "metadata.n": "2"})
    assert [row["id"] for row in both["data"]] == [ids[2]]

    await api.say(ids[3], "go", mode="background")
    busy = await api.get("/v1/sessions", status="in_progress")
    assert [row["id"] for row in busy["data"]] == [ids[3]]
    await api.http.delete(f"/v1/sessions/{ids[3]}")


@pytest.mark.parametrize("cursor", ["after", "before"])
async def test_a_filter_that_finds_little_says_where_to_go_on(
    api: Served, monkeypatch: pytest.MonkeyPatch, cursor: str
) -> None:
    monkeypatch.setattr(listing, "SCANNED_AT_ONCE", 2)
    monkeypatch.setattr(listing, "MAX_SCANNED", 2)
    ids = [await api.open(metadata={"n": str(n)}) for n in range(7)]
    wanted, start = ("1", None) if cursor == "after" else ("5", ids[0])
    found, pages, place = [], 0, start
    while pages < 10:
        params = {cursor: place} if place is not None else {}
        page = await api.get("/v1/sessions", **{"metadata.n": wanted, **params})
        found += [row["id"] for row in page["data"]]
        pages += 1
        if not page["has_more"]:
            break
        place = page["last_id" if cursor == "after" else "first_id"]
    assert found == [ids[int(wanted)]]
    assert pages > 1


async def test_a_fork_shares_the_transcript_and_not_the_bill(shared: Served) -> None:
    session_id = await shared.open(metadata={"a": "1"})
    first = (await shared.say(session_id, "one")).json()
    await shared.say(session_id, "two")
    answer = await shared.http.post(
        f"/v1/sessions/{session_id}/fork", json={"at_turn": first["id"], "metadata": {"b": "2"}}
    )
    assert answer.status_code == 201
    fork = answer.json()
    assert fork["forked_from"] == {"session_id": session_id, "turn_id": first["id"]}
    assert (fork["turn_count"], fork["usage"]["input_tokens"]) == (1, 0)
    assert fork["metadata"] == {"b": "2"}
    await shared.say(fork["id"], "three")
    texts = [
        item["text"] for item in (await shared.get(f"/v1/sessions/{fork['id']}/items"))["data"]
    ]
    assert texts == ["one", "OK.", "three", "OK."]
    assert (await shared.get(f"/v1/sessions/{fork['id']}/usage"))["turns"] == 1


async def test_a_fork_needs_no_body(shared: Served) -> None:
    session_id = await shared.open(metadata={"a": "1"})
    await shared.say(session_id, "one")
    fork = await shared.http.post(f"/v1/sessions/{session_id}/fork")
    assert (fork.status_code, fork.json()["turn_count"]) == (201, 1)
    assert fork.json()["metadata"] == {"a": "1"}


async def test_steps_add_up_to_the_turn_and_turns_to_the_session(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("add", '{"a": 2, "b": 3}'), "It is 5.", "Bye."]))
    session_id = await api.open({"tools": ["add"]})
    turn = (await api.say(session_id, "2 + 3?")).json()
    assert [item["type"] for item in turn["items"]] == [
        "message",
        "tool_call",
        "tool_result",
        "message",
    ]
    await api.say(session_id, "bye")
    steps = (await api.get(turn["steps_url"]))["data"]
    assert [step["kind"] for step in steps] == ["model", "tool", "model"]
    for field in ("input_tokens", "cached_tokens", "uncached_tokens", "output_tokens"):
        assert sum(step["usage"][field] for step in steps) == turn["usage"][field] > -1
    total = sum(step["timings"]["total_ms"] for step in steps)
    assert abs(total - turn["timings"]["total_ms"]) < 0.0005
    turns = (await api.get(f"/v1/sessions/{session_id}/turns"))["data"]
    usage = await api.get(f"/v1/sessions/{session_id}/usage")
    for field, value in usage["usage"].items():
        assert sum(turn["usage"][field] for turn in turns) == value
    assert usage["usage"]["tool_calls"] == 1


async def test_a_step_row_tells_tokens_prefix_times_and_tool(serve: Serve) -> None:
    api = await serve(ScriptedEngine([call("add", '{"a": 2, "b": 3}'), "It is 5."]))
    session_id = await api.open({"tools": ["add"]})
    turn = (await api.say(session_id, "2 + 3?")).json()
    first, tool, last = (await api.get(turn["steps_url"]))["data"]
    assert first["prefix"]["expected_tokens"] == 0
    assert (first["prefix"]["lost_tokens"], first["prefix"]["reason"]) == (0, "cold")
    assert last["prefix"]["expected_tokens"] > 0
    assert last["prefix"]["cached_tokens"] >= last["prefix"]["expected_tokens"] - 1
    assert (last["prefix"]["lost_tokens"], last["prefix"]["reason"]) == (0, None)
    assert last["attempts"][0]["rid"] == last["rid"] == api.engine.requests[1].rid
    assert tool["tool"]["outcome"] == "ok"
    assert (tool["tool"]["name"], tool["prefix"], tool["worker"]) == ("add", None, None)
    assert set(tool["usage"].values()) == {0}
    for step in (first, tool, last):
        timings = step["timings"]
        phases = ("admission", "engine_queue", "prefill", "decode", "tool", "orchestration")
        spent = sum(timings[f"{phase}_ms"] for phase in phases)
        assert abs(spent - timings["total_ms"]) < 0.0005
        assert step["trace_id"] == turn["trace_id"]
        assert RFC3339.fullmatch(step["started_at"])
    one = await api.get(f"{turn['steps_url']}/{tool['id']}")
    assert one == tool


async def test_the_transcript_is_paged_with_its_turns(shared: Served) -> None:
    session_id = await shared.open()
    turn_ids = [
        (await shared.say(session_id, text)).json()["id"] for text in ("one", "two", "three")
    ]
    first = await shared.get(f"/v1/sessions/{session_id}/items", limit=4)
    assert [item["text"] for item in first["data"]] == ["one", "OK.", "two", "OK."]
    assert [item["turn_id"] for item in first["data"]] == [turn_ids[0]] * 2 + [turn_ids[1]] * 2
    rest = await shared.get(f"/v1/sessions/{session_id}/items", after=first["last_id"])
    assert [item["text"] for item in rest["data"]] == ["three", "OK."]
    turns = await shared.get(f"/v1/sessions/{session_id}/turns", order="desc", limit=2)
    assert [turn["id"] for turn in turns["data"]] == [turn_ids[2], turn_ids[1]]


async def test_a_prefix_that_was_lost_is_counted(serve: Serve) -> None:
    api = await serve(ScriptedEngine(["One.", "Two."]))
    session_id = await api.open()
    await api.say(session_id, "one")
    api.engine.forget()
    turn = (await api.say(session_id, "two")).json()
    prefix = (await api.get(turn["steps_url"]))["data"][0]["prefix"]
    assert prefix["lost_tokens"] == prefix["expected_tokens"] - 1 > 0
    assert prefix["reason"] == "evicted"
