import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent_serving.domain.tool import ToolContext, ToolFunction
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.tools import load_tools
from tests.tools.web import Fetch, Names, Site


class DictMemory:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.values.get(key)

    async def put(self, key: str, value: str) -> None:
        self.values[key] = value

    async def keys(self) -> list[str]:
        return list(self.values)


@pytest.fixture(scope="session")
def functions() -> dict[str, ToolFunction]:
    tools = load_tools([shipped("tools")])
    return {name: loaded.function for name, loaded in tools.items()}


@pytest.fixture
def context_with() -> Callable[[Mapping[str, str]], ToolContext]:
    """A new session's context, with these settings for the tool."""

    def make(settings: Mapping[str, str]) -> ToolContext:
        return ToolContext(
            session_id="sess_1",
            turn_id="turn_1",
            call_id="call_1",
            tenant="default",
            deadline=datetime(2030, 1, 1, tzinfo=UTC),
            idempotency_key="turn_1:call_1",
            traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01",
            memory=DictMemory(),
            settings=settings,
        )

    return make


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, self.headers["host"]))
            status, headers, body = served.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # of a reader that stopped early
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    real = socket.getaddrinfo
    given = Names({"site.test": [["127.0.0.1"]], "other.test": [["127.0.0.1"]]})

    def lookup(host: str, port: int, *rest: Any, **more: Any) -> object:
        if host not in given.answers:
            return real(host, port, *rest, **more)
        given.asked.append(host)
        answers = given.answers[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return given


@pytest.fixture
def fetch(
    functions: dict[str, ToolFunction],
    context_with: Callable[[Mapping[str, str]], ToolContext],
    site: Site,
    names: Names,
) -> Fetch:
    """Fetches with site.test listed and its address, which is of this machine, let through."""

    def call(url: str, **settings: str) -> str:
        default = {"hosts": f"site.test:{site.port}", "allow_private": "1"}
        result: str = functions["fetch_url"](url, context_with(default | settings))
        return result

    return call
