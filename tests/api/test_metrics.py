"""GET /metrics says what the ledger says."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import httpx
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from agent_serving import bootstrap
from agent_serving.config import Settings
from agent_serving.domain.prices import ModelPrices
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.api.conftest import Json, Serve, Served, listening
from tests.runtime.talk import call

LONG = Say("word " * 100, delay=0.02)
Labels = frozenset[tuple[str, str]]


class Figures:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples: Counter[tuple[str, Labels]] = Counter()
        for family in self.families.values():
            for sample in family.samples:
                self.samples[sample.name, frozenset(sample.labels.items())] += sample.value

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples with that name and at least these labels."""
        wanted = frozenset(labels.items())
        return sum(
            value for (found, has), value in self.samples.items() if found == name and wanted <= has
        )

    def values(self, label: str) -> set[str]:
        return {value for _, labels in self.samples for name, value in labels if name == label}


async def scrape(api: Served) -> Figures:
    answer = await api.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return Figures(answer.text)


async def ledger(api: Served, session_id: str) -> list[Json]:
    turns = (await api.get(f"/v1/sessions/{session_id}/turns"))["data"]
    pages = [await api.get(turn["steps_url"]) for turn in turns]
    return [row for page in pages for row in page["data"]]


async def test_the_figures_are_those_of_the_ledger(serve: Serve) -> None:
    engine = ScriptedEngine([call("add", '{"a": 2, "b": 3}'), Break("la"), "Five.", "Six."])
    api = await serve(engine)
    session_id = await api.open({"tools": ["add"]})
    await api.say(session_id, "2 + 3?")
    engine.forget()
    await api.say(session_id, "and one more?")
    rows, figures = await ledger(api, session_id), await scrape(api)

    models = [row for row in rows if row["kind"] == "model"]
    tools = [row for row in rows if row["kind"] == "tool"]
    attempts = [attempt for row in models for attempt in row["attempts"]]
    assert (len(models), len(tools), len(attempts)) == (3, 1, 4)
    assert figures.sum("agent_serving_steps_total", agent_serving_step_kind="model") == 3
    assert figures.sum("agent_serving_steps_total", agent_serving_step_kind="tool") == 1

    usage = "gen_ai_client_token_usage"
    for kind in ("input", "output"):
        assert figures.sum(f"{usage}_sum", gen_ai_token_type=kind) == sum(
            attempt["usage"][f"{kind}_tokens"] for attempt in attempts
        )
        assert figures.sum(f"{usage}_count", gen_ai_token_type=kind) == len(attempts)

    lost: Counter[str] = Counter()
    for row in models:
        lost[row["prefix"]["reason"]] += row["prefix"]["lost_tokens"]
    assert lost["evicted"] > 0
    for reason, tokens in lost.items():
        labels = {"agent_serving_prefix_reason": str(reason)}
        assert figures.sum("agent_serving_prefix_lost_tokens_total", **labels) == tokens
    assert figures.sum("agent_serving_prefix_expected_tokens_total") == sum(
        row["prefix"]["expected_tokens"] for row in models
    )
    assert figures.sum("agent_serving_prefix_cached_tokens_total") == sum(
        min(row["prefix"]["cached_tokens"], row["prefix"]["expected_tokens"]) for row in models
    )

    [call_row] = tools
    run = "gen_ai_execute_tool_duration_seconds"
    assert figures.sum(f"{run}_count", gen_ai_tool_name="add") == 1
    assert round(figures.sum(f"{run}_sum") * 1000, 3) == call_row["timings"]["tool_ms"]
    turns = "gen_ai_invoke_agent_duration_seconds_count"
    assert figures.sum(turns, agent_serving_status="completed") == 2
    operations = "gen_ai_client_operation_duration_seconds_count"
    assert figures.sum(operations) == 4
    assert figures.sum(operations, error_type="engine_unavailable") == 1


async def test_a_step_s_phases_add_up_to_its_time(serve: Serve) -> None:
    api = await serve(ScriptedEngine([Say("word " * 20, delay=0.005)]))
    session_id = await api.open()
    await api.say(session_id, "hello")
    [row] = await ledger(api, session_id)
    figures = await scrape(api)
    measured = figures.sum("agent_serving_step_phase_duration_seconds_sum") * 1000
    assert abs(measured - row["timings"]["total_ms"]) < 0.01


async def test_both_text_formats_are_read_by_prometheus_own_parsers(api: Served) -> None:
    await api.say(await api.open(), "hello")
    plain = Figures((await api.http.get("/metrics")).text)
    assert plain.families["gen_ai_client_operation_duration_seconds"].type == "histogram"
    assert plain.families["agent_serving_steps"].type == "counter"
    assert plain.families["agent_serving_queue_depth"].type == "gauge"
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = await api.http.get("/metrics", headers=accept)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = list(openmetrics.text_string_to_metric_families(answer.text))
    assert {family.name for family in families} >= {"agent_serving_steps", "target"}


async def test_no_metric_names_a_session_a_turn_or_a_path_that_somebody_made_up(
    api: Served,
) -> None:
    sessions = [await api.open() for _ in range(3)]
    for session_id in sessions:
        turn = (await api.say(session_id, "hello")).json()
        await api.get(f"/v1/sessions/{session_id}/turns/{turn['id']}")
    for path in ("/made/up", "/v1/made-up", f"/v1/sessions/{sessions[0]}/made-up"):
        assert (await api.http.get(path)).status_code == 404
    await api.http.request("BREW", "/v1/sessions")
    text = (await api.http.get("/metrics")).text
    assert not any(word in text for word in (*sessions, turn["id"], "made", "BREW", "hello"))
    figures = Figures(text)
    requests = "http_server_request_duration_seconds_count"
    by_route = {"http_route": "/v1/sessions/{session_id}/turns/{turn_id}"}
    assert figures.sum(requests, **by_route) == 3
    assert figures.sum(requests, http_route="", http_response_status_code="404") == 3
    assert figures.sum(requests, http_request_method="_OTHER") == 1


async def test_agents_behind_the_first_hundred_are_one(api: Served) -> None:
    for number in range(103):
        session_id = await api.open({"name": f"agent-{number}"})
        await api.say(session_id, "hello")
    names = (await scrape(api)).values("gen_ai_agent_name")
    assert len(names - {""}) == 101
    assert "_OTHER" in names


async def test_what_is_in_hand_is_shown(serve: Serve) -> None:
    api = await serve(ScriptedEngine([LONG]))
    session_id = await api.open()
    await api.say(session_id, "tell", mode="background")
    await api.say(session_id, "and then?", mode="background", on_conflict="queue")
    await api.generating()
    headers = {"accept": "text/event-stream"}
    async with api.http.stream("GET", f"/v1/sessions/{session_id}/events", headers=headers):
        busy = await scrape(api)
    assert busy.sum("agent_serving_turns_open", agent_serving_status="in_progress") == 1
    assert busy.sum("agent_serving_turns_open", agent_serving_status="queued") == 1
    assert busy.sum("agent_serving_followers") == 1
    assert busy.sum("agent_serving_queue_depth") == 0
    assert busy.sum("agent_serving_admitted_requests") == 1
    [request] = api.engine.requests
    assert busy.sum("agent_serving_admitted_working_set") == (
        len(request.prompt) + request.max_new_tokens
    )
    assert busy.sum("agent_serving_engine_ready", agent_serving_worker="scripted") == 1
    for turn in (await api.get(f"/v1/sessions/{session_id}/turns"))["data"]:
        await api.http.post(f"/v1/sessions/{session_id}/turns/{turn['id']}/cancel")
        await api.settled(session_id, turn["id"])
    idle = await scrape(api)
    assert idle.sum("agent_serving_admitted_working_set") == 0
    assert idle.sum("agent_serving_turns_open", agent_serving_status="queued") == 0


async def test_a_tool_of_the_callers_is_not_told_apart_by_name(serve: Serve) -> None:
    mine = {"type": "function", "name": "my_own", "parameters": {"type": "object"}}
    api = await serve(ScriptedEngine([call("my_own", "{}"), "Thanks."]))
    session_id = await api.open({"tools": [mine]})
    turn = (await api.say(session_id, "go")).json()
    [waits] = turn["required_inputs"]
    path = f"/v1/sessions/{session_id}/turns/{turn['id']}/inputs"
    result = {"type": "tool_result", "call_id": waits["call_id"], "output": "done"}
    await api.http.post(path, json={"inputs": [result]})
    await api.settled(session_id, turn["id"])
    figures = await scrape(api)
    run = "gen_ai_execute_tool_duration_seconds_count"
    assert figures.sum(run, gen_ai_tool_name="_OTHER", gen_ai_tool_type="function") == 1


async def test_metrics_are_in_the_openapi_document(shared: Served) -> None:
    operation = (await shared.get("/openapi.json"))["paths"]["/metrics"]["get"]
    assert operation["tags"] == ["health"]
    assert "text/plain" in operation["responses"]["200"]["content"]


async def test_cost_is_counted_by_tenant_in_its_currency_as_the_ledger_has_it(
    tmp_path: Path,
) -> None:
    prices = {"*": ModelPrices(input=Decimal("1.5"), output=Decimal(4))}
    settings = Settings(
        data_dir=tmp_path, currency="EUR", prices=prices, tool_prices={"calculator": Decimal("0.2")}
    )
    engine = ScriptedEngine([call("calculator", '{"expression": "2 + 3"}'), "Five."])
    async with bootstrap.build(settings, engine=engine) as running, listening(running.app) as url:
        client = httpx.AsyncClient(base_url=url, trust_env=False)
        async with client as http:
            api = Served(http, running.service, engine, running.app)
            session_id = await api.open({"tools": ["calculator"]})
            await api.say(session_id, "2 + 3?")
            usage = await api.get(f"/v1/sessions/{session_id}/usage")
            figures = await scrape(api)
    counted = figures.sum(
        "agent_serving_cost_total",
        agent_serving_tenant="default",
        agent_serving_cost_currency="EUR",
    )
    assert Decimal(usage["cost"]["total"]) > Decimal("0.2")
    assert abs(Decimal(counted) - Decimal(usage["cost"]["total"])) < Decimal("1e-9")


async def test_what_the_process_takes_is_shown(api: Served) -> None:
    async def sleep() -> None:
        await asyncio.sleep(60)

    before = await scrape(api)
    assert before.sum("process_memory_usage_bytes") > 10e6
    tasks = [asyncio.create_task(sleep()) for _ in range(100)]
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(100)]
    after = await scrape(api)
    for task in tasks:
        task.cancel()
    for file in files:
        os.close(file)
    await asyncio.gather(*tasks, return_exceptions=True)
    for name in ("agent_serving_tasks", "process_unix_file_descriptor_count"):
        assert 90 <= after.sum(name) - before.sum(name) <= 110
