"""Rotel, an OpenTelemetry collector by others, that prints every span it gets."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

Value = str | int | float | bool | list[str]

_FIELD = re.compile(r"^ +(\w[\w ]*?) *: ?(.*)$")
_TIME = re.compile(r"^(Start|End) time: (\d+)$")
_PAIR = re.compile(r"^ {5}-> ([^:]+): (.*)$")
_TYPED = re.compile(r"^(Str|Int|Double|Bool|Slice)\((.*)\)$", re.DOTALL)


@dataclass
class Printed:
    """A span as rotel wrote it down. Ids are hex, empty where there is none; times nanoseconds."""

    service: str
    scope: str
    trace_id: str = ""
    id: str = ""
    parent_id: str = ""
    name: str = ""
    kind: str = ""
    status: str = ""
    start: int = 0
    end: int = 0
    attributes: dict[str, Value] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        return (self.end - self.start) / 1_000_000


@dataclass(frozen=True)
class Rotel:
    """`grpc` is host:port, `http` a base URL."""

    grpc: str
    http: str
    output: Path

    def spans(self) -> list[Printed]:
        return list(_read(self.output.read_text(encoding="utf-8")))


@contextmanager
def receiving(folder: Path) -> Iterator[Rotel]:
    found = find_spec("rotel")
    assert found is not None
    assert found.origin is not None
    ports = _free_ports(2)
    grpc, http = (f"127.0.0.1:{port}" for port in ports)
    rotel = Rotel(grpc, f"http://{http}", folder / "rotel.out")
    command = [Path(found.origin).parent / "rotel-agent", "start", "--exporter", "blackhole"]
    command += ["--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
    command += ["--debug-log", "traces", "--debug-log-verbosity", "detailed"]
    with rotel.output.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder)
        try:
            for port in ports:
                _wait_for(port, process)
            yield rotel
        finally:
            process.terminate()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in sockets]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    with socket.socket() as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, "rotel ended"
            assert time.monotonic() < end, f"rotel does not listen on {port}"
            time.sleep(0.05)


def _read(text: str) -> Iterator[Printed]:
    """Lines of other sections, and those behind the first of a text, are passed over."""
    service, scope, section = "", "", ""
    span: Printed | None = None
    for line in text.splitlines():
        if line.startswith(("Span #", "ResourceSpans #")):
            if span is not None:
                yield span
            span = Printed(service, scope) if line.startswith("Span #") else None
            section = ""
        elif line.startswith("InstrumentationScope "):
            scope = line.split(" ", 1)[1]
        elif line.endswith(":") and not line.startswith(" "):
            section = line
        elif pair := _PAIR.match(line):
            if section == "Resource attributes:" and pair[1] == "service.name":
                service = str(_value(pair[2]))
            elif span is not None and section == "Attributes:":
                span.attributes[pair[1]] = _value(pair[2])
            elif span is not None and section == "Links:":
                _link(span, pair[1], pair[2])
        elif span is not None and (moment := _TIME.match(line)):
            setattr(span, moment[1].lower(), int(moment[2]))
        elif span is not None and not section and (said := _FIELD.match(line)):
            _set(span, said[1], said[2])
    if span is not None:
        yield span


def _set(span: Printed, name: str, value: str) -> None:
    known = {
        "Trace ID": "trace_id",
        "Parent ID": "parent_id",
        "ID": "id",
        "Name": "name",
        "Kind": "kind",
        "Status code": "status",
    }
    if name in known:
        setattr(span, known[name], value.strip())


def _link(span: Printed, name: str, value: str) -> None:
    if name == "Trace ID":
        span.links.append((value, ""))
    elif name == "ID":
        span.links[-1] = (span.links[-1][0], value)


def _value(text: str) -> Value:
    """A text that goes on in the next line is told up to there."""
    typed = _TYPED.match(text)
    if typed is None:
        return text.removeprefix("Str(")
    match typed[1]:
        case "Int":
            return int(typed[2])
        case "Double":
            return float(typed[2])
        case "Bool":
            return typed[2] == "true"
        case "Slice":
            return [str(_value(part)) for part in typed[2].split(", ") if part]
        case _:
            return typed[2]
