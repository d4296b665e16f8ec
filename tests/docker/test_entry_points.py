"""What the images and the compose file start, started here."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from agent_serving.adapters.redis import EmbeddedRedis
from tests.cli.conftest import clean_environment, read_until
from tests.docker.files import BIN, exec_form, services, stages

URL = r"serving (http://\S+?:\d+)"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def start(
    words: list[str], folder: Path, started: list[subprocess.Popen[str]], **environment: str
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [str(BIN / words[0]), *words[1:]],
        cwd=folder,
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started.append(process)
    return process


def health_check(port: int) -> subprocess.CompletedProcess[str]:
    """The image's HEALTHCHECK, with the port that is used here."""
    [text] = [rest for name, rest in stages()["api"] if name == "HEALTHCHECK"]
    words = json.loads(text.partition("CMD")[2])
    words = [word.replace(":8080/", f":{port}/") for word in words]
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]], capture_output=True, text=True, timeout=30
    )


def test_the_image_of_the_api_starts_a_service_that_its_health_check_finds(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    words = exec_form("api", "CMD")
    told = start(
        words,
        tmp_path,
        started,
        AGENT_SERVING_ENGINES="http://127.0.0.1:9",
        AGENT_SERVING_DATA_DIR=str(tmp_path),
        AGENT_SERVING_PORT="0",
    )
    port = urlsplit(read_until(told, URL)[1]).port
    assert port is not None
    assert health_check(port).returncode == 0
    assert health_check(free_port()).returncode != 0


async def test_the_command_of_the_compose_file_serves(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    await redis.start()
    try:
        service = services()["api"]
        words = [
            word.replace("redis://redis:6379/0", redis.url)
            .replace("http://sglang:30000", "http://127.0.0.1:9")
            .replace("--port=8080", "--port=0")
            for word in service["command"]
        ]
        # All but the wildcard address: a test listens on loopback only.
        words = [word.replace("--host=0.0.0.0", "--host=127.0.0.1") for word in words]
        assert words != service["command"]
        told = start(words, tmp_path, started)
        url = read_until(told, URL)[1]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert (await http.get("/healthz")).status_code == 200
            as_prometheus_says = {"host": "api:8080"}
            figures = await http.get("/metrics", headers=as_prometheus_says)
            assert "agent_serving_queue_depth" in figures.text
            assert (await http.get("/v1/sessions")).status_code == 200
    finally:
        await redis.stop()


def test_the_engine_s_image_runs_a_command_that_knows_its_options(tmp_path: Path) -> None:
    """To start it takes an engine; that its options are read is asked without one."""
    for words in (exec_form("engine-cpu", "CMD"), services()["sglang-cpu"]["command"]):
        told = subprocess.run(
            [str(BIN / words[0]), *words[1:], "--help"],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert told.returncode == 0, told.stderr
        assert "Run SGLang alone" in told.stdout


def test_the_address_of_a_container_is_refused_without_the_word_unsafe(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    words = [word for word in services()["api"]["command"] if word != "--unsafe-no-keys"]
    told = start(words, tmp_path, started)
    output, _ = told.communicate(timeout=30)
    assert told.returncode == 1
    assert "--unsafe-no-keys" in output
