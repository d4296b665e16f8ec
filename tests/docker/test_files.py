"""Linters, and the rules that no linter knows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.docker.files import (
    BIN,
    COMPOSE,
    DOCKER,
    DOCKERFILE,
    ROOT,
    compose_config,
    plain,
    services,
    stages,
)

PROFILES = {"sglang": ["gpu"], "sglang-cpu": ["cpu"]}


def lint(*command: str | Path) -> subprocess.CompletedProcess[str]:
    words = [str(BIN / command[0]), *map(str, command[1:])]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def test_the_dockerfile_passes_its_linter() -> None:
    told = lint("hadolint", "--failure-threshold", "info", DOCKERFILE)
    assert told.returncode == 0, told.stdout


def test_the_linter_of_the_dockerfile_can_fail(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python:latest\nRUN apt-get install curl\n")
    assert lint("hadolint", "--failure-threshold", "info", bad).returncode == 1


def test_docker_compose_itself_takes_the_file() -> None:
    assert services().keys() == {
        "api", "redis", "sglang", "sglang-cpu", "jaeger", "prometheus", "grafana"
    }  # fmt: skip


def test_docker_compose_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    bad = tmp_path / "compose.yaml"
    bad.write_text("services: {a: {image: 'redis:7.4.11', healthchek: {}}}\n")
    assert compose_config(bad).returncode != 0


def test_the_security_linter_finds_nothing_serious_and_nothing_new() -> None:
    told = lint("compose-lint", "check", "--format", "json", "--fail-on", "high", COMPOSE)
    assert told.returncode == 0, told.stdout
    rules = set(re.findall(r"CL-\d{4}", told.stdout))
    # Tags without digests; an engine that compiles kernels and runs them from a tmpfs; a writable
    # root for the toy engine, which locks a file of its own.
    assert rules <= {"CL-0019", "CL-0022", "CL-0007"}


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_is_pinned_limited_watched_and_without_privileges(name: str) -> None:
    service = services()[name]
    assert re.search(r":v?\d+\.\d+\.\d+(-\w+)?$", service["image"]), service["image"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert not service.get("privileged")
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service.get("read_only", False) == (name != "sglang-cpu")
    assert service.get("profiles", []) == PROFILES.get(name, [])
    # The API's own is in its image.
    assert ("healthcheck" in service) == (name != "api")
    assert any(name == "HEALTHCHECK" for name, _ in stages()["api"])


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert {port["target"] for port in published} == {8080, 16686, 9090, 3000}


def test_redis_and_the_engines_are_on_a_network_without_a_way_out() -> None:
    config = json.loads(compose_config().stdout)
    assert config["networks"]["inside"]["internal"] is True
    for name in ("redis", "sglang", "sglang-cpu"):
        assert set(config["services"][name]["networks"]) == {"inside"}


def test_files_that_are_mounted_exist() -> None:
    for service in services().values():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind" and volume["target"] != "/model":
                assert Path(volume["source"]).exists()
                assert volume["read_only"]


def test_an_image_is_run_by_a_user_without_rights_and_holds_no_secret() -> None:
    for stage in ("api", "engine-cpu"):
        assert ("USER", "10001:10001") in stages()[stage]
    text = DOCKERFILE.read_text() + COMPOSE.read_text()
    assert not re.search(r"(?i)(password|secret|token|api_?key)\s*[:=]", text)


def test_every_stage_stands_on_an_exact_version() -> None:
    bases = re.findall(r"^FROM (\S+) AS", DOCKERFILE.read_text(), re.MULTILINE)
    assert set(bases) == {"python:3.12.12-slim-bookworm", "service"}


def test_what_the_image_is_made_of_gets_into_the_build() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    copied = {
        source for name, rest in stages()["build"] if name == "COPY" for source in rest.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_prometheus_asks_services_that_there_are() -> None:
    jobs = plain("prometheus.yml")["scrape_configs"]
    targets = {target for job in jobs for at in job["static_configs"] for target in at["targets"]}
    assert targets == {"api:8080", "sglang:30000"}
    aliases = services()["sglang-cpu"]["networks"]["inside"]["aliases"]
    assert aliases == ["sglang"]


def test_jaeger_links_a_session_back_to_the_explorer() -> None:
    [pattern] = json.loads((DOCKER / "jaeger-ui.json").read_text())["linkPatterns"]
    assert pattern["key"] == "gen_ai.conversation.id"
    [port] = services()["api"]["ports"]
    base = f"http://127.0.0.1:{port['published']}/explorer/sessions/"
    assert pattern["url"] == base + "#{gen_ai.conversation.id}"
