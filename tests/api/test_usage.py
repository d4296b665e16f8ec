"""What things cost, and budgets, as the API shows them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from agent_serving.domain.prices import ModelPrices, PriceBook
from agent_serving.domain.values import TenantBudget
from agent_serving.testing import Break, ScriptedEngine
from tests.api.conftest import Json, Serve, Served, error_of

PRICES = PriceBook(
    currency="EUR",
    models={
        "*": ModelPrices(input=Decimal("0.2"), cached_input=Decimal("0.02"), output=Decimal(1))
    },
    tools={"add": Decimal("0.001")},
)
ADD = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
AGENT = {"name": "adder", "tools": ["add"]}
PARTS = ("input", "cached_input", "output", "tool", "kv_residency")


@pytest.fixture
async def priced(serve: Serve) -> Served:
    return await serve(ScriptedEngine([Break("half"), ADD, "It is 3."]), prices=PRICES)


def in_all(rows: list[Json], part: str = "total") -> Decimal:
    return sum((Decimal(row["cost"][part]) for row in rows if row["cost"]), Decimal(0))


async def test_cost_adds_up_from_attempts_to_the_tenant(priced: Served) -> None:
    session_id = await priced.open(AGENT)
    turn = (await priced.say(session_id, "add")).json()
    steps = (await priced.get(turn["steps_url"]))["data"]
    session = await priced.get(f"/v1/sessions/{session_id}")
    (listed,) = (await priced.get("/v1/sessions"))["data"]
    usage = await priced.get(f"/v1/sessions/{session_id}/usage")
    report = await priced.get("/v1/usage", by="tenant")
    assert len(steps[0]["attempts"]) == 2
    for part in (*PARTS, "total", "gpu_seconds", "prefix_miss"):
        assert in_all(steps[0]["attempts"], part) == Decimal(steps[0]["cost"][part])
        assert in_all(steps, part) == Decimal(turn["cost"][part])
    assert turn["cost"] == session["cost"] == listed["cost"] == usage["cost"]
    (row,) = report["rows"]
    assert (row["key"], row["cost"]) == ("default", turn["cost"])
    assert row["usage"] == turn["usage"] == report["totals"][0]["usage"]
    total = sum((Decimal(turn["cost"][part]) for part in PARTS), Decimal(0))
    assert total == Decimal(turn["cost"]["total"]) > Decimal("0.001")
    assert turn["cost"]["currency"] == "EUR"


async def test_a_sessions_usage_tells_model_steps_from_tools(priced: Served) -> None:
    session_id = await priced.open(AGENT)
    await priced.say(session_id, "add")
    usage = await priced.get(f"/v1/sessions/{session_id}/usage")
    (add,) = usage["tools"]
    assert (add["name"], add["steps"], add["cost"]["tool"]) == ("add", 1, "0.001")
    assert usage["model_steps"]["steps"] == 2
    parts = [add, usage["model_steps"]]
    assert in_all(parts) == Decimal(usage["cost"]["total"])
    for phase, value in usage["timings"].items():
        assert sum(part["timings"][phase] for part in parts) == pytest.approx(value)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("agent", ["adder@1", "other@1"]),
        ("model", ["scripted"]),
        ("tool", [None, "add"]),
        ("tenant", ["default"]),
    ],
)
async def test_usage_is_told_by(priced: Served, by: str, keys: list[str | None]) -> None:
    await priced.say(await priced.open(AGENT), "add")
    await priced.say(await priced.open({"name": "other"}), "hello")
    report = await priced.get("/v1/usage", by=by)
    assert [row["key"] for row in report["rows"]] == keys
    assert in_all(report["rows"]) == Decimal(report["totals"][0]["cost"]["total"])
    assert report["totals"][0]["worked_ms"] > 0


async def test_a_deleted_session_still_counts(priced: Served) -> None:
    session_id = await priced.open(AGENT)
    before = (await priced.say(session_id, "add")).json()["cost"]
    await priced.http.delete(f"/v1/sessions/{session_id}")
    (row,) = (await priced.get("/v1/usage"))["rows"]
    assert row["cost"] == before


async def test_usage_is_of_the_hours_that_are_asked_for(priced: Served) -> None:
    await priced.say(await priced.open(AGENT), "add")
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    for since, until, rows in (
        (now - 2 * hour, now, 1),
        (now + 2 * hour, now + 3 * hour, 0),
        (now - 9 * hour, now - 2 * hour, 0),
    ):
        report = await priced.get("/v1/usage", since=since.isoformat(), until=until.isoformat())
        assert len(report["rows"]) == rows
        assert report["since"].endswith(":00:00.000000Z")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"since": "2026-01-02", "until": "2026-01-01"}, "since"),
        ({"since": "2020-01-01", "until": "2026-01-01"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"until": "0001-01-01"}, "until"),
        ({"by": "colour"}, "by"),
    ],
)
async def test_a_span_of_time_that_makes_no_sense_is_refused(
    shared: Served, query: dict[str, str], param: str
) -> None:
    assert error_of(await shared.http.get("/v1/usage", params=query)) == (
        422,
        "invalid_request",
        param,
    )


async def test_cost_is_null_where_no_prices_are_configured(api: Served) -> None:
    session_id = await api.open()
    turn = (await api.say(session_id, "hello")).json()
    (step,) = (await api.get(turn["steps_url"]))["data"]
    report = await api.get("/v1/usage")
    assert [turn["cost"], step["cost"], step["attempts"][0]["cost"]] == [None, None, None]
    assert (await api.get(f"/v1/sessions/{session_id}"))["cost"] is None
    assert report["rows"][0]["cost"] is None
    assert report["rows"][0]["usage"] == turn["usage"]


# --- budgets --------------------------------------------------------------------------------


async def events(api: Served, session_id: str) -> list[str]:
    page = await api.get(f"/v1/sessions/{session_id}/events", limit=100)
    return [event["type"] for event in page["data"]]


async def test_a_session_that_reaches_its_budget_waits_until_it_is_raised(priced: Served) -> None:
    session_id = await priced.open(AGENT, budget={"max_cost": "0.001"})
    path = f"/v1/sessions/{session_id}"
    turn = (await priced.say(session_id, "add")).json()
    assert (turn["status"], turn["required_inputs"]) == ("waiting", [])
    assert turn["paused"] == {"scope": "session", "budget": "max_cost"}
    session = await priced.get(path)
    assert (session["status"], session["active_turn"]) == ("budget_reached", turn["id"])
    assert session["budget"]["max_cost"] == "0.001"
    (listed,) = (await priced.get("/v1/sessions", status="budget_reached"))["data"]
    assert listed["id"] == session_id
    assert (await events(priced, session_id))[-2:] == ["turn.waiting", "session.budget_reached"]
    refused = await priced.say(session_id, "more")
    assert error_of(refused) == (402, "budget_reached", None)
    assert refused.json()["error"]["details"] == {"scope": "session", "budget": "max_cost"}
    raised = await priced.http.patch(path, json={"budget": {"max_cost": "1.00"}})
    assert raised.json()["budget"]["max_cost"] == "1.00"
    ended = await _ended(priced, session_id, turn["id"])
    assert (ended["status"], ended["output_text"]) == ("completed", "It is 3.")
    assert (await priced.get(path))["status"] == "idle"


async def _ended(api: Served, session_id: str, turn_id: str) -> Json:
    async with asyncio.timeout(20):
        while True:
            turn = await api.get(f"/v1/sessions/{session_id}/turns/{turn_id}")
            if turn["ended_at"]:
                return turn
            await asyncio.sleep(0.02)


async def test_a_turns_budget_is_raised_on_the_turn(priced: Served) -> None:
    session_id = await priced.open(AGENT)
    turn = (await priced.say(session_id, "add", budget={"max_tokens": 1})).json()
    assert turn["paused"] == {"scope": "turn", "budget": "max_tokens"}
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}"
    answer = await priced.http.patch(path, json={"budget": {}})
    assert answer.status_code == 200
    assert (await _ended(priced, session_id, turn["id"]))["status"] == "completed"
    late = await priced.http.patch(path, json={"budget": {}})
    assert error_of(late)[:2] == (409, "turn_not_active")
    missing = await priced.http.patch(f"{path}x", json={"budget": {}})
    assert error_of(missing)[:2] == (404, "not_found")


async def test_a_stream_ends_where_the_turn_pauses(priced: Served) -> None:
    session_id = await priced.open(AGENT)
    answer = await priced.say(session_id, "add", mode="stream", budget={"max_steps": 1})
    lines = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    assert lines[-1] in ("event: turn.waiting", "event: session.budget_reached")


async def test_the_cost_limit_ends_a_turn(priced: Served) -> None:
    session_id = await priced.open({**AGENT, "limits": {"max_cost": "0.0005"}})
    turn = (await priced.say(session_id, "add")).json()
    assert turn["status"] == "incomplete"
    assert turn["incomplete_details"] == {"reason": "max_cost"}


@pytest.mark.parametrize(
    "budget", [{"max_cost": "-1"}, {"max_cost": "NaN"}, {"max_steps": -1}, {"max_dollars": 1}]
)
async def test_a_budget_that_makes_no_sense_is_refused(
    shared: Served, budget: dict[str, Any]
) -> None:
    answer = await shared.http.post("/v1/sessions", json={"agent": {}, "budget": budget})
    assert error_of(answer)[:2] == (422, "invalid_request")
    assert str(error_of(answer)[2]).startswith("budget")


async def test_a_tenants_budget_refuses_turns_of_all_its_sessions(serve: Serve) -> None:
    budgets = {"default": TenantBudget(max_steps=0)}
    api = await serve(tenant_budgets=budgets)
    refused = await api.say(await api.open(), "hello")
    assert error_of(refused)[:2] == (402, "budget_reached")
    assert refused.json()["error"]["details"]["scope"] == "tenant"
