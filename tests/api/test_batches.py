"""Batches by the API: what is accepted, how it stands, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from agent_serving.api import ApiSettings, batch_drafts
from agent_serving.domain.access import TenantLimits
from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Json, Serve, Served, error_of
from tests.api.keyed import keyed

ASK = {
    "type": "function",
    "name": "ask",
    "parameters": {"type": "object", "properties": {}},
}
CALLS_ASK = '<tool_call>\n{"name": "ask", "arguments": {}}\n</tool_call>'
NOTHING = {
    "queued": 0, "in_progress": 0, "waiting": 0, "completed": 0, "incomplete": 0, "failed": 0,
    "cancelled": 0,
}  # fmt: skip


def requests(count: int, **more: Any) -> list[Json]:
    return [{"custom_id": f"row-{n}", "input": f"number {n}", **more} for n in range(count)]


def each_its_own(count: int, more: Callable[[int], Json]) -> list[Json]:
    return [request | more(n) for n, request in enumerate(requests(count))]


def spelled(number: int) -> Json:
    return {"type": "regex", "pattern": f"number {number}"}


def echo(prompt: str) -> str:
    """Repeats what the user said."""
    said = prompt.split("<|im_start|>user\n")[-1].partition("<|im_end|>")[0]
    return f"You said: {said.strip()}"


async def make(api: Served, body: Json, **headers: str) -> Json:
    answer = await api.http.post("/v1/batches", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    assert answer.headers["location"] == f"/v1/batches/{made['id']}"
    return made


async def ended(api: Served, batch_id: str) -> Json:
    async with asyncio.timeout(60):
        while True:
            batch = await api.get(f"/v1/batches/{batch_id}")
            counts = dict(batch["request_counts"])
            assert counts.pop("total") == sum(counts.values())
            if batch["ended_at"] is not None:
                return batch
            await asyncio.sleep(0.05)


async def results(api: Served, batch_id: str, **params: Any) -> list[Json]:
    rows, after = [], None
    while True:
        given = params | ({"after": after} if after else {})
        page = await api.get(f"/v1/batches/{batch_id}/results", **given)
        rows += page["data"]
        if not page["has_more"]:
            return rows
        after = page["last_id"]


async def test_every_request_is_answered_in_a_session_of_its_own(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    made = await make(api, {"agent": {}, "requests": requests(60), "metadata": {"run": "7"}})
    assert made["object"] == "batch"
    assert made["status"] == "in_progress"
    assert made["request_counts"] == NOTHING | {"total": 60, "queued": 60}
    batch = await ended(api, made["id"])
    assert batch["status"] == "completed"
    assert batch["metadata"] == {"run": "7"}
    assert batch["request_counts"] == NOTHING | {"total": 60, "completed": 60}
    rows = await results(api, made["id"])
    assert [row["custom_id"] for row in rows] == [f"row-{n}" for n in range(60)]
    assert [row["turn"]["output_text"] for row in rows] == [
        f"You said: number {n}" for n in range(60)
    ]
    assert len({row["session_id"] for row in rows}) == 60
    usage = [row["turn"]["usage"] for row in rows]
    assert batch["usage"] == {name: sum(row[name] for row in usage) for name in batch["usage"]}
    assert batch["usage"]["model_steps"] == 60


async def test_turns_are_of_class_batch_whatever_class_their_agent_has(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    agent = await api.http.post("/v1/agents", json={"name": "helper", "class": "online"})
    assert agent.status_code == 201
    batch = await make(api, {"agent": "helper@1", "requests": requests(2)})
    await ended(api, batch["id"])
    assert {request.priority for request in api.engine.requests} == {"batch"}
    [row, _] = await results(api, batch["id"])
    session = await api.get(f"/v1/sessions/{row['session_id']}")
    assert session["agent"] == {"id": agent.json()["id"], "name": "helper", "version": 1}


async def test_a_request_has_its_own_agent_output_limits_and_metadata(serve: Serve) -> None:
    api = await serve(ScriptedEngine(lambda prompt: "yes" if "vote" in prompt else "2026-01-31"))
    mine = {
        "custom_id": "mine",
        "agent": {"instructions": "vote"},
        "input": [{"type": "message", "role": "user", "content": "well?"}],
        "output": {"type": "choice", "choices": ["yes", "no"]},
        "limits": {"max_steps": 3},
        "metadata": {"row": "1"},
    }
    theirs = {
        "custom_id": "theirs",
        "input": "when?",
        "output": {"type": "grammar", "name": "iso_date"},
    }
    batch = await make(api, {"agent": {}, "requests": [mine, theirs]})
    assert (await ended(api, batch["id"]))["request_counts"]["completed"] == 2
    first, second = await results(api, batch["id"])
    assert first["turn"]["output_text"] == "yes"
    assert first["turn"]["metadata"] == {"row": "1"}
    assert second["turn"]["output_text"] == "2026-01-31"
    listed = await api.get("/v1/sessions", **{"metadata.row": "1"})
    assert [row["id"] for row in listed["data"]] == [first["session_id"]]


async def test_one_that_fails_counts_as_failed_and_says_why(serve: Serve) -> None:
    engine = ScriptedEngine(echo, context_length=2_000)
    api = await serve(engine)
    asked = [*requests(2), {"custom_id": "long", "input": "far too long " * 2_000}]
    batch = await make(api, {"agent": {}, "requests": asked})
    counts = (await ended(api, batch["id"]))["request_counts"]
    assert counts == NOTHING | {"total": 3, "completed": 2, "failed": 1}
    row = (await results(api, batch["id"]))[2]
    assert (row["status"], row["session_id"], row["turn"]) == ("failed", None, None)
    assert row["error"]["code"] == "context_length_exceeded"
    assert len((await api.get("/v1/sessions"))["data"]) == 2


async def test_pages_of_results_go_both_ways(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    batch = await make(api, {"agent": {}, "requests": requests(7)})
    path = f"/v1/batches/{batch['id']}/results"

    async def page(**params: Any) -> tuple[list[str], bool]:
        found = await api.get(path, **params)
        names = [row["custom_id"] for row in found["data"]]
        assert (found["first_id"], found["last_id"]) == (names[0], names[-1])
        return [name.removeprefix("row-") for name in names], found["has_more"]

    assert await page(limit=3) == (["0", "1", "2"], True)
    assert await page(limit=3, after="row-2") == (["3", "4", "5"], True)
    assert await page(limit=3, after="row-5") == (["6"], False)
    assert await page(limit=3, before="row-5") == (["2", "3", "4"], True)
    assert await page(limit=3, before="row-2") == (["0", "1"], False)
    assert await page(limit=3, order="desc") == (["6", "5", "4"], True)
    assert await page(limit=3, order="desc", after="row-2") == (["1", "0"], False)
    assert await page(after="row-0", before="row-3") == (["1", "2"], False)
    nobody = await api.http.get(path, params={"after": "row-9"})
    assert error_of(nobody) == (422, "invalid_request", "after")


async def test_batches_are_listed_newest_first(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    made = [(await make(api, {"agent": {}, "requests": requests(1)}))["id"] for _ in range(5)]
    page = await api.get("/v1/batches", limit=2)
    assert [row["id"] for row in page["data"]] == made[:2:-1]
    assert page["has_more"]
    rest = await api.get("/v1/batches", after=page["last_id"])
    assert [row["id"] for row in rest["data"]] == made[2::-1]
    assert (await api.get("/v1/batches", before=made[3], limit=1))["data"][0]["id"] == made[4]


async def test_a_repetition_makes_no_second_batch(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    body = {"agent": {}, "requests": requests(3)}
    first = await make(api, body, **{"idempotency-key": "one"})
    again = await api.http.post("/v1/batches", json=body, headers={"idempotency-key": "one"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == first["id"]
    other = await api.http.post(
        "/v1/batches",
        json=body | {"requests": requests(2)},
        headers={"idempotency-key": "one"},
    )
    assert error_of(other)[:2] == (409, "idempotency_mismatch")
    await ended(api, first["id"])
    assert len(api.engine.requests) == 3
    assert len((await api.get("/v1/batches"))["data"]) == 1


async def test_the_same_key_sent_at_once_makes_one_batch(serve: Serve) -> None:
    api, other = await serve(ScriptedEngine(echo)), await serve(ScriptedEngine(echo))
    body = {"agent": {}, "requests": requests(5)}
    sent = [
        one.http.post("/v1/batches", json=body, headers={"idempotency-key": "at-once"})
        for one in (api, other) * 4
    ]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    [batch_id] = {answer.json()["id"] for answer in answers}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert (await ended(api, batch_id))["request_counts"]["completed"] == 5
    assert len(api.engine.requests) + len(other.engine.requests) == 5


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"agent": {}, "requests": []}, 422, "invalid_request", "requests"),
        ({"agent": {}}, 422, "invalid_request", "requests"),
        ({"requests": requests(1)}, 422, "invalid_request", "requests[0].agent"),
        ({"agent": "nobody", "requests": requests(1)}, 404, "not_found", "agent"),
        (
            {
                "agent": {},
                "requests": [*requests(3), {"custom_id": "x", "agent": "no", "input": "a"}],
            },
            404,
            "not_found",
            "requests[3].agent",
        ),
        (
            {"requests": requests(2, agent={"tools": ["add", "hammer"]})},
            422,
            "unknown_tool",
            "requests[0].agent.tools[1]",
        ),
        (
            {"requests": requests(2, agent={"model": "gpt-9"})},
            404,
            "unknown_model",
            "requests[0].agent.model",
        ),
        (
            {"agent": {}, "requests": [*requests(2), *requests(1)]},
            422,
            "invalid_request",
            "requests[2].custom_id",
        ),
        (
            {"agent": {}, "requests": [*requests(1), {"custom_id": "x", "input": "  "}]},
            422,
            "invalid_request",
            "requests[1].input",
        ),
        (
            {"agent": {}, "requests": [*requests(1), {"custom_id": "x"}]},
            422,
            "invalid_request",
            "requests[1].input",
        ),
        (
            {"agent": {}, "requests": requests(1, mode="wait")},
            422,
            "invalid_request",
            "requests[0].mode",
        ),
        (
            {"agent": {}, "requests": requests(1, output={"type": "grammar", "name": "no"})},
            422,
            "invalid_request",
            "requests[0].output.name",
        ),
        (
            {"agent": {}, "requests": requests(1, output={"type": "regex", "pattern": "("})},
            422,
            "schema_rejected",
            "requests[0].output",
        ),
        ({"agent": {}, "requests": requests(10_001)}, 422, "invalid_request", "requests"),
        (
            {"requests": each_its_own(101, lambda n: {"agent": {"instructions": f"say {n}"}})},
            422,
            "invalid_request",
            "requests[100].agent",
        ),
        (
            {"agent": {}, "requests": each_its_own(101, lambda n: {"output": spelled(n)})},
            422,
            "invalid_request",
            "requests[100].output",
        ),
    ],
)
async def test_what_is_wrong_is_told_by_its_place_and_nothing_is_accepted(
    api: Served, body: Json, status: int, code: str, param: str
) -> None:
    answer = await api.http.post("/v1/batches", json=body, headers={"idempotency-key": "k"})
    found = error_of(answer)
    assert found[:2] == (status, code), answer.text
    assert found[2] is not None
    assert found[2].startswith(param), answer.text
    assert (await api.get("/v1/batches"))["data"] == []
    assert (await api.get("/v1/sessions"))["data"] == []
    # The key is free.
    await make(api, {"agent": {}, "requests": requests(1)}, **{"idempotency-key": "k"})


async def test_as_many_agents_and_outputs_as_a_batch_may_have_are_taken(api: Served) -> None:
    def more(n: int) -> Json:
        return {"agent": {"instructions": f"say {n % 100}"}, "output": spelled(n % 100)}

    made = await make(api, {"requests": each_its_own(200, more)})
    assert made["request_counts"]["total"] == 200


async def test_agents_that_are_too_large_together_are_refused(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_drafts, "MAX_AGENT_BYTES", 5_000)
    body = {"requests": each_its_own(3, lambda n: {"agent": {"instructions": f"{n}" * 2_000}})}
    answer = await api.http.post("/v1/batches", json=body)
    assert error_of(answer) == (422, "invalid_request", "requests[2].agent")
    assert (await api.get("/v1/batches"))["data"] == []
    # An agent that many requests have counts once.
    await make(api, {"agent": {"instructions": "a" * 2_000}, "requests": requests(10)})


async def test_a_body_that_is_too_large_is_refused(serve: Serve) -> None:
    api = await serve(settings=ApiSettings(max_body_bytes=10_000))
    body = {"agent": {}, "requests": requests(500)}
    answer = await api.http.post("/v1/batches", json=body)
    assert answer.status_code == 413
    assert answer.json()["error"]["details"] == {"max_bytes": 10_000}


async def test_a_cancelled_batch_keeps_what_is_completed_and_begins_nothing_more(
    serve: Serve,
) -> None:
    def script(prompt: str) -> str | Say:
        return "quick" if "number 0" in prompt else Say("slow " * 2_000, delay=0.05)

    api = await serve(ScriptedEngine(script))
    made = await make(api, {"agent": {}, "requests": requests(80)})
    async with asyncio.timeout(20):
        while (await api.get(f"/v1/batches/{made['id']}"))["request_counts"]["completed"] < 1:
            await asyncio.sleep(0.05)
    path = f"/v1/batches/{made['id']}/cancel"
    answer = await api.http.post(path, headers={"idempotency-key": "stop"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "cancelling"
    batch = await ended(api, made["id"])
    assert batch["status"] == "cancelled"
    assert batch["request_counts"] == NOTHING | {"total": 80, "completed": 1, "cancelled": 79}
    begun = len(api.engine.requests)
    assert begun < 40
    assert len(api.engine.aborted) == begun - 1
    again = await api.http.post(path, headers={"idempotency-key": "stop"})
    assert again.status_code == 202
    assert again.headers["idempotent-replayed"] == "true"
    rows = await results(api, made["id"], limit=100)
    assert [row["status"] for row in rows] == ["completed"] + ["cancelled"] * 79
    assert rows[-1]["session_id"] is None
    assert len(api.engine.requests) == begun


async def test_a_completed_batch_cannot_be_cancelled(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    made = await make(api, {"agent": {}, "requests": requests(1)})
    await ended(api, made["id"])
    answer = await api.http.post(f"/v1/batches/{made['id']}/cancel")
    assert error_of(answer)[:2] == (409, "batch_not_active")
    assert answer.headers["x-should-retry"] == "false"


async def test_a_turn_that_waits_is_answered_as_any_other_and_holds_no_other_up(
    serve: Serve,
) -> None:
    def script(prompt: str) -> str:
        return "42" if "<|im_start|>tool" in prompt else CALLS_ASK

    api = await serve(ScriptedEngine(script))
    made = await make(api, {"agent": {"tools": [ASK]}, "requests": requests(40)})
    path = f"/v1/batches/{made['id']}"
    async with asyncio.timeout(30):
        while (await api.get(path))["request_counts"]["waiting"] < 40:
            await asyncio.sleep(0.1)
    batch = await api.get(path)
    assert batch["request_counts"] == NOTHING | {"total": 40, "waiting": 40}
    for row in await results(api, made["id"], limit=100):
        assert row["status"] == "waiting"
        [asked] = row["turn"]["required_inputs"]
        given = {"type": "tool_result", "call_id": asked["call_id"], "output": "42"}
        turn = f"/v1/sessions/{row['session_id']}/turns/{row['turn']['id']}"
        answer = await api.http.post(f"{turn}/inputs", json={"inputs": [given]})
        assert answer.status_code == 200, answer.text
    assert (await ended(api, made["id"]))["request_counts"]["completed"] == 40


async def test_a_session_that_is_deleted_on_the_way_is_told_as_failed(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("slow " * 200, delay=0.05)]))
    made = await make(api, {"agent": {}, "requests": requests(1)})
    await api.generating()
    [row] = await results(api, made["id"])
    assert row["status"] == "in_progress"
    assert (await api.http.delete(f"/v1/sessions/{row['session_id']}")).status_code == 200
    batch = await ended(api, made["id"])
    # Its cancelled end may have been seen before it was gone.
    counts = batch["request_counts"]
    assert counts["failed"] + counts["cancelled"] == 1
    [row] = await results(api, made["id"])
    assert row["turn"] is None


async def test_a_batch_that_is_over_is_deleted_and_its_sessions_stay(serve: Serve) -> None:
    api = await serve(ScriptedEngine(lambda prompt: Say("slowly " * 5, delay=0.05)))
    body = {"agent": {}, "requests": requests(2)}
    made = await make(api, body, **{"idempotency-key": "k"})
    path = f"/v1/batches/{made['id']}"
    assert error_of(await api.http.delete(path))[:2] == (409, "batch_busy")
    await ended(api, made["id"])
    told = await api.http.delete(path)
    assert told.json() == {"id": made["id"], "object": "batch.deleted", "deleted": True}
    for answer in (await api.http.get(path), await api.http.delete(path)):
        assert error_of(answer) == (404, "not_found", "batch_id")
    assert (await api.get("/v1/batches"))["data"] == []
    assert len((await api.get("/v1/sessions"))["data"]) == 2
    # Its key does not make it again.
    again = await api.http.post("/v1/batches", json=body, headers={"idempotency-key": "k"})
    assert error_of(again) == (404, "not_found", "idempotency-key")
    assert len((await api.get("/v1/sessions"))["data"]) == 2


async def test_what_has_a_time_to_live_goes_with_all_its_sessions(serve: Serve) -> None:
    api = await serve(ScriptedEngine(echo))
    made = await make(api, {"agent": {}, "requests": requests(2), "ttl_seconds": 8})
    await ended(api, made["id"])
    [row, _] = await results(api, made["id"])
    session = await api.get(f"/v1/sessions/{row['session_id']}")
    assert session["expires_at"] == made["expires_at"] is not None
    await asyncio.sleep(8.2)
    gone = await api.http.get(f"/v1/batches/{made['id']}")
    assert error_of(gone) == (404, "not_found", "batch_id")
    assert (await api.http.get(f"/v1/sessions/{row['session_id']}")).status_code == 404
    assert (await api.get("/v1/batches"))["data"] == []


async def test_another_tenant_s_batch_is_not_there(serve: Serve) -> None:
    api = await keyed(serve, engine=ScriptedEngine(echo))
    body = {"agent": {}, "requests": requests(1)}
    async with api.tenant("acme", "run") as acme, api.tenant("rival", "run") as rival:
        made = (await acme.post("/v1/batches", json=body)).json()
        path = f"/v1/batches/{made['id']}"
        for answer in (
            await rival.get(path),
            await rival.get(f"{path}/results"),
            await rival.post(f"{path}/cancel"),
        ):
            assert error_of(answer) == (404, "not_found", "batch_id")
        assert (await rival.get("/v1/batches")).json()["data"] == []
        assert (await acme.get(path)).json()["status"] in ("in_progress", "completed")


async def test_a_batch_waits_for_room_and_leaves_room_for_its_tenant_s_own_turns(
    serve: Serve,
) -> None:
    """Of the tenant's concurrent turns a batch has half."""

    def script(prompt: str) -> str | Say:
        return "now" if "urgent" in prompt else Say("slowly", delay=0.3)

    limits = {"*": TenantLimits(concurrent_turns=4)}
    api = await serve(ScriptedEngine(script), tenant_limits=limits)
    made = await make(api, {"agent": {}, "requests": requests(6)})
    await api.generating(2)
    session = await api.open()
    answer = await api.say(session, "urgent")
    assert answer.status_code == 201, answer.text
    assert answer.json()["output_text"] == "now"
    assert (await ended(api, made["id"]))["request_counts"]["completed"] == 6


async def test_a_batch_has_its_half_beside_its_tenant_s_own_turns(serve: Serve) -> None:
    def script(prompt: str) -> str | Say:
        return Say("slowly " * 100, delay=0.1) if "urgent" in prompt else "done"

    limits = {"*": TenantLimits(concurrent_turns=4)}
    api = await serve(ScriptedEngine(script), tenant_limits=limits)
    urgent = [await api.open() for _ in range(2)]
    turns = [(await api.say(each, "urgent", mode="background")).json()["id"] for each in urgent]
    made = await make(api, {"agent": {}, "requests": requests(6)})
    assert (await ended(api, made["id"]))["request_counts"]["completed"] == 6
    for session_id, turn_id in zip(urgent, turns, strict=True):
        turn = await api.get(f"/v1/sessions/{session_id}/turns/{turn_id}")
        assert turn["status"] == "in_progress"
        await api.http.post(f"/v1/sessions/{session_id}/turns/{turn_id}/cancel")


async def test_a_batch_that_never_could_end_is_refused(serve: Serve) -> None:
    limits = {"*": TenantLimits(open_sessions=10)}
    api = await serve(tenant_limits=limits)
    answer = await api.http.post("/v1/batches", json={"agent": {}, "requests": requests(11)})
    assert error_of(answer) == (422, "invalid_request", "requests")
    assert "open_sessions" in answer.json()["error"]["message"]
