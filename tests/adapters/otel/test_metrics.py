"""What goes out over OTLP, and what becomes of metrics when nobody listens."""

from __future__ import annotations

import asyncio
import gzip
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client.parser import text_string_to_metric_families

from agent_serving.adapters.otel import metric_names as names
from agent_serving.adapters.otel.cardinality import Bounded
from agent_serving.adapters.otel.metrics import Metrics, otlp_readers
from agent_serving.domain.errors import ConfigurationError
from agent_serving.ports import Worker
from agent_serving.runtime.load import Load

DOCS = Path(__file__).parents[3] / "docs"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP; with `answers` False it takes a request and keeps quiet."""

    daemon_threads = True

    def __init__(self, *, answers: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.answers = answers
        self.received: list[ExportMetricsServiceRequest] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.server.answers:
            self.server.closing.wait(30)
            return
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        assert self.path == "/v1/metrics"
        self.server.received.append(ExportMetricsServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def listening(collector: Collector) -> Iterator[Collector]:
    thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        collector.closing.set()
        collector.shutdown()
        collector.server_close()
        thread.join()


def metrics() -> Metrics:
    made = Metrics(tools=["add"])
    worker = Worker(name="one", url="http://one", ready=True)
    made.watch(lambda: Load(turns={"in_progress": 2}, followers=3, adopted=4), lambda: [worker])
    made.watch_spans(lambda: 5)
    made.request_ended("GET", "/healthz", 200, 0.001)
    return made


def test_what_prometheus_reads_is_also_sent_to_the_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening(Collector()) as collector:
        monkeypatch.setenv(ENDPOINT, collector.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "agents-of-mine")
        made = metrics()
        text = made.exposition("")[0].decode()
        made.shutdown()
    [request] = collector.received
    [resource] = request.resource_metrics
    attributes = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert attributes["service.name"] == "agents-of-mine"
    sent = {metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics}
    assert sent[names.ADOPTED.name].sum.data_points[0].as_int == 4
    assert sent[names.SPANS_DROPPED.name].sum.is_monotonic
    [point] = sent[names.REQUEST_DURATION.name].histogram.data_points
    assert tuple(point.explicit_bounds) == names.REQUEST_DURATION.buckets
    shown = {family.name for family in text_string_to_metric_families(text)} - {"target_info"}
    assert len(sent) == len(shown)


@pytest.mark.parametrize("answers", [True, False], ids=["refuses", "keeps quiet"])
async def test_a_collector_that_is_dead_does_not_keep_the_service_from_ending(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector(answers=answers)
    monkeypatch.setenv(ENDPOINT, collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    if answers:
        collector.server_close()
        made = metrics()
        async with asyncio.timeout(10):
            await asyncio.to_thread(made.shutdown)
        return
    with listening(collector):
        made = metrics()
        async with asyncio.timeout(10):
            await asyncio.to_thread(made.shutdown)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"},
        {ENDPOINT: "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "none"},
        {ENDPOINT: "http://127.0.0.1:9", "OTEL_METRICS_EXPORTER": "prometheus"},
        {ENDPOINT: ""},
    ],
)
def test_nothing_is_sent_where_nobody_asked_for_it(environment: dict[str, str]) -> None:
    assert otlp_readers(environment) == []


def test_a_protocol_that_is_not_spoken_is_told_at_the_start() -> None:
    environment = {ENDPOINT: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(ConfigurationError) as caught:
        Metrics(environment=environment)
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in caught.value.message
    assert "http/protobuf" in caught.value.message


def test_two_who_read_at_once_both_get_all_of_it() -> None:
    made = Metrics(environment={})
    made.request_ended("GET", "/healthz", 200, 0.001)
    texts: list[bytes] = []
    readers = [
        threading.Thread(target=lambda: texts.extend(made.exposition("")[0] for _ in range(20)))
        for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(texts) == 80
    assert set(texts) == {made.exposition("")[0]}


def test_an_attribute_has_a_hundred_values_and_one_for_the_rest() -> None:
    bounded = Bounded()
    told = {bounded("tenant", f"t{number}") for number in range(1000)}
    assert len(told) == 101
    assert bounded("tenant", "t7") == "t7"
    assert bounded("tenant", "t700") == names.OTHER
    assert bounded("agent", "t700") == "t700"


def test_every_metric_has_a_unit_a_description_and_a_name_of_ours_or_the_conventions() -> None:
    assert len({metric.name for metric in names.ALL}) == len(names.ALL) > 20
    for metric in names.ALL:
        assert metric.name.startswith(("gen_ai.", "agent_serving.", "http.server.", "process."))
        assert metric.description.endswith(".")
        assert tuple(sorted(metric.buckets)) == metric.buckets


def test_the_page_about_metrics_is_current() -> None:
    page = runpy.run_path(str(DOCS / "generate_metrics.py"))["page"]
    assert (DOCS / "metrics.md").read_text() == page()
