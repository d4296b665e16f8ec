"""`agent-serving serve`, as a process."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from agent_serving.cli.server import bound, serving
from agent_serving.domain.errors import ConfigurationError
from tests.cli.conftest import Start, read_until

DOWN = "http://127.0.0.1:9"
URL = r"serving (http://127\.0\.0\.1:\d+)"


def test_with_the_engine_down_it_serves_and_is_not_ready(start: Start) -> None:
    service = start("serve", "--engine", DOWN, "--port", "0")
    url = read_until(service, URL)[1]
    with httpx.Client(base_url=url, trust_env=False) as http:
        assert http.get("/healthz").status_code == 200
        ready = http.get("/readyz")
        assert ready.status_code == 503
        assert "No engine is up" in ready.json()["reasons"][0]
        assert http.get("/v1/sessions").json()["data"] == []
        assert http.post("/v1/sessions", json={"agent": {}}).status_code == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(start: Start, tmp_path: Path, number: int) -> None:
    service = start("serve", "--engine", DOWN, "--port", "0")
    read_until(service, URL)
    service.send_signal(number)
    rest, _ = service.communicate(timeout=30)
    assert service.returncode == 0
    assert "Traceback" not in rest
    redis_log = (tmp_path / ".agent-serving" / "redis" / "redis.log").read_text()
    assert "bye bye" in redis_log


def test_an_open_stream_does_not_keep_it_from_ending(start: Start, engine_url: str) -> None:
    service = start("serve", "--engine", engine_url, "--port", "0")
    url = read_until(service, URL)[1]
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        session = http.post("/v1/sessions", json={"agent": {}}).json()["id"]
        headers = {"accept": "text/event-stream"}
        with http.stream("GET", f"/v1/sessions/{session}/events", headers=headers) as events:
            assert events.status_code == 200
            service.send_signal(signal.SIGTERM)
            service.communicate(timeout=30)
    assert service.returncode == 0


def test_logs_are_json_where_no_terminal_is(start: Start) -> None:
    service = start("serve", "--engine", DOWN, "--port", "0")
    line = json.loads(read_until(service, URL).string)
    assert (line["level"], line["logger"]) == ("info", "agent_serving.cli.serve")


def test_logs_are_text_when_asked(start: Start) -> None:
    service = start("serve", "--engine", DOWN, "--port", "0", "--log-format", "text")
    assert " INFO    agent_serving.cli.serve: serving " in read_until(service, URL).string


def test_without_an_engine_it_says_what_to_do(start: Start) -> None:
    service = start("serve")
    told, _ = service.communicate(timeout=30)
    assert service.returncode == 1
    assert "--engine URL" in told


def test_a_port_that_is_taken_is_told(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service = start("serve", "--engine", DOWN, "--port", str(port))
        told, _ = service.communicate(timeout=30)
    assert service.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in told


def test_the_environment_and_the_file_are_read(start: Start, tmp_path: Path) -> None:
    (tmp_path / "agent-serving.toml").write_text(f'engines = ["{DOWN}"]\n')
    service = start("serve", AGENT_SERVING_PORT="0")
    assert read_until(service, URL)


def test_the_command_that_the_readme_prints_for_production_starts_a_service(start: Start) -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    [printed] = re.findall(r"^agent-serving (serve .*)$", readme, re.MULTILINE)
    service = start(*printed.split(), "--port", "0")
    assert json.loads(read_until(service, URL).string)["message"].endswith(
        "engines http://10.0.0.7:30000, http://10.0.0.8:30000"
    )


def test_an_address_that_is_no_loopback_address_is_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object, **__: object) -> None:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(socket, "create_server", taken)

    async def serve(host: str) -> None:
        async with serving(FastAPI(), host, 0):
            pass

    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ConfigurationError):
            asyncio.run(serve(host))
    [warning] = caplog.records
    assert "0.0.0.0 is not a loopback address" in warning.getMessage()


def test_a_connection_sends_each_write_at_once() -> None:
    with (
        bound("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as taken,
    ):
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
