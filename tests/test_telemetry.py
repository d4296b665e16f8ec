"""The whole service with a collector that is there, and with one that is not."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Start, read_until, scripted_service
from tests.cli.conftest import start as start  # the fixture
from tests.tracing import collecting

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TURNS = 20
WHOLE_TURN = 7
"""Spans: the request, the turn, and its chat with four phases."""


async def counts(http: httpx.AsyncClient) -> dict[str, int]:
    spans: dict[str, int] = (await http.get("/v1/capabilities")).json()["spans"]
    return spans


async def test_turns_do_not_wait_for_a_collector_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor for the metrics, which go the same way."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1")
    with collecting(delay=600) as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        async with (
            scripted_service(tmp_path, "Hello.") as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
        ):
            opened = await http.post("/v1/sessions", json={"agent": {}})
            path = f"/v1/sessions/{opened.json()['id']}/turns"
            for _ in range(TURNS):
                turn = (await http.post(path, json={"input": "hi"})).json()
                assert turn["status"] == "completed"
            async with asyncio.timeout(30):
                while (spans := await counts(http))["waiting"] < TURNS * WHOLE_TURN:
                    await asyncio.sleep(0.02)
            assert collector.begun >= 1
            assert spans["delivered"] == 0
            assert collector.requests == []


async def test_what_a_dead_collector_did_not_take_is_counted_where_operators_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collecting(status=400) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.url}/v1/traces")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        async with (
            scripted_service(tmp_path, "Hello.") as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http,
        ):
            answer = await http.post("/v1/sessions", json={"agent": {}, "input": "hi"})
            assert answer.json()["turn"]["status"] == "completed"
            async with asyncio.timeout(30):
                while (lost := (await counts(http))["lost"]) < WHOLE_TURN:
                    await asyncio.sleep(0.02)
            text = (await http.get("/metrics")).text
    shown = re.search(r"^agent_serving_spans_dropped\w* (\d+)", text, re.MULTILINE)
    assert shown is not None, text
    assert float(shown[1]) == lost == WHOLE_TURN


def test_sigterm_sends_the_spans_that_wait(start: Start) -> None:
    with collecting() as collector:
        service = start(
            "serve",
            "--engine",
            "http://127.0.0.1:9",
            "--port",
            "0",
            OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces",
            OTEL_BSP_SCHEDULE_DELAY="600000",
        )
        url = read_until(service, r"serving (http://127\.0\.0\.1:\d+)")[1]
        with httpx.Client(base_url=url, trust_env=False) as http:
            assert http.post("/v1/sessions", json={"agent": {}}).status_code == 503
        assert collector.begun == 0
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=30)
    assert service.returncode == 0
    assert [span.name for span in collector.spans] == ["POST /v1/sessions"]  # type: ignore[attr-defined]
