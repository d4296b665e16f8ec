"""The dashboard asks only for what a running service shows."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_serving import bootstrap
from agent_serving.config import Settings
from agent_serving.ports import Chunk, Finished, Generation
from agent_serving.testing import Break, ScriptedEngine
from tests.docker.files import dashboard, plain, queries
from tests.runtime.talk import call

PRICES: Any = {"*": {"input": "1", "cached_input": "0.1", "output": "2"}}


def wanted(query: str) -> dict[str, set[str]]:
    """Each metric of a query, and the labels that the query knows."""
    promql_parser.parse(query)
    names = set(re.findall(r"\b((?:gen_ai|agent_serving|http_server)_\w+)(?=[\[{)]|$)", query))
    labels = set(re.findall(r"by \(([^)]*)\)", query))
    grouped = {label.strip() for group in labels for label in group.split(",")} - {"le"}
    matched = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", query))
    return dict.fromkeys(names - grouped - matched, grouped | matched)


class TimedEngine(ScriptedEngine):
    """One that says when its first token came, as SGLang does."""

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        async with aclosing(super().generate(generation)) as stream:
            async for part in stream:
                if isinstance(part, Finished):
                    timings = part.timings.but(ttft_ms=5.0, decode_ms=9.0)
                    yield replace(part, timings=timings)
                else:
                    yield part


async def shown(folder: Path) -> dict[str, set[str]]:
    """Every sample of a service that has been through something, with all its labels."""
    engine = TimedEngine(
        [Break("la"), call("calculator", '{"expression": "1 / 0"}'), "Sorry.", "Bye."]
    )
    settings = Settings(data_dir=folder, currency="EUR", prices=PRICES)
    found: dict[str, set[str]] = {}
    async with bootstrap.build(settings, engine=engine) as running:
        transport = httpx.ASGITransport(running.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            agent = {"tools": ["calculator"]}
            session = (await http.post("/v1/sessions", json={"agent": agent})).json()
            path = f"/v1/sessions/{session['id']}/turns"
            for text in ("1 / 0?", "bye"):
                turn = (await http.post(path, json={"input": text})).json()
                assert turn["status"] == "completed", turn
                engine.forget()
            text = (await http.get("/metrics")).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def test_every_query_is_about_metrics_and_labels_that_there_are(tmp_path: Path) -> None:
    # Shown from the first doubt, failed turn or lost span on, which need no proof here.
    later = {"agent_serving_tools_doubted_total", "agent_serving_spans_dropped_total"}
    service = await shown(tmp_path)
    asked = 0
    for query in queries():
        metrics = wanted(query)
        assert metrics, query
        for name, labels in metrics.items():
            asked += 1
            if name in later and name not in service:
                continue
            assert name in service, query
            assert labels - {"error_type"} <= service[name], query
    assert asked > 20


def test_every_panel_the_operators_need_is_there() -> None:
    titles = " ".join(panel["title"].lower() for panel in dashboard()["panels"])
    for word in (
        "turns", "first token", "inter-token", "queue depth", "prefix hit ratio", "lost tokens",
        "cost by tenant, per hour", "tool duration", "errors",
    ):  # fmt: skip
        assert word in titles


def test_panels_do_not_cover_one_another() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        columns = range(at["x"], at["x"] + at["w"])
        rows = range(at["y"], at["y"] + at["h"])
        cells = set(itertools.product(columns, rows))
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    [source] = plain("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    for panel in dashboard()["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert panel["description"]


def test_a_query_that_is_not_promql_is_found() -> None:
    with pytest.raises(ValueError, match=r"."):
        wanted("sum by (le (rate(x[1m]))")
