"""A tracer that keeps what it gets, and a collector that speaks OTLP over HTTP."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from agent_serving.domain.span import Attributes, Span
from agent_serving.ports.tracer import SpanCounts, Tracer


class RecordingTracer(Tracer):
    """`sampled` is its answer where the caller has not said."""

    def __init__(self, *, sampled: bool = True) -> None:
        self.spans: list[Span] = []
        self._sampled = sampled

    @property
    def resource(self) -> Attributes:
        return {"service.name": "recorded"}

    def samples(self, trace_id: str, name: str, *, parent_sampled: bool | None) -> bool:
        return self._sampled if parent_sampled is None else parent_sampled

    def export(self, spans: Iterable[Span]) -> None:
        self.spans += spans

    def counts(self) -> SpanCounts:
        return SpanCounts(delivered=len(self.spans), lost=3, waiting=0)

    def named(self, start: str) -> list[Span]:
        return [span for span in self.spans if span.name.startswith(start)]


@dataclass
class Collector:
    """`delay` is seconds for each request; `status` what it answers."""

    delay: float = 0.0
    status: int = 200
    url: str = ""
    begun: int = 0
    requests: list[tuple[dict[str, str], ExportTraceServiceRequest]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def resources(self) -> list[ResourceSpans]:
        return [spans for _, request in self.requests for spans in request.resource_spans]

    @property
    def spans(self) -> list[object]:
        return [
            span
            for resource in self.resources
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collecting(delay: float = 0.0, status: int = 200) -> Iterator[Collector]:
    """A collector on a port of its own. What it holds back it lets go at the end."""
    collector = Collector(delay=delay, status=status)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.begun += 1
            collector.released.wait(collector.delay)
            if collector.status == 200:
                request = ExportTraceServiceRequest.FromString(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.requests.append(({**headers, "path": self.path}, request))
            try:
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()
            except OSError:
                return  # who asked has gone

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def until(done: object, seconds: float = 60.0) -> None:
    """Wait until `done()` is true."""
    assert callable(done)
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)
