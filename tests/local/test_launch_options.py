from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent_serving.local import launch
from agent_serving.local.install import Device, EngineEnvironment
from agent_serving.local.launch import (
    CPU_PLATFORM,
    LaunchOptions,
    launch_command,
    launch_environment,
)


@pytest.fixture
def options(tmp_path: Path) -> LaunchOptions:
    return LaunchOptions(
        environment=EngineEnvironment(tmp_path / "env", "cpu"),
        model=tmp_path / "model",
        served_name="demo",
        log=tmp_path / "log",
    )


def test_the_server_listens_on_loopback_only(options: LaunchOptions, tmp_path: Path) -> None:
    command = launch_command(options, 30_411)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--port") + 1] == "30411"
    environment = launch_environment(options, tmp_path, {})
    assert environment["GLOO_SOCKET_IFNAME"] == "lo"
    assert environment["SGLANG_DISTRIBUTED_INIT_METHOD_OVERRIDE"].startswith("file://")


def test_a_cuda_machine_gets_none_of_the_cpu_flags(options: LaunchOptions, tmp_path: Path) -> None:
    cuda = replace(options, environment=EngineEnvironment(tmp_path / "env", "cuda"))
    command = launch_command(cuda, 1)
    for flag in ("--device", "--attention-backend", "--sampling-backend"):
        assert flag in launch_command(options, 1)
        assert flag not in command
    environment = launch_environment(cuda, tmp_path, {})
    assert {"PYTHONPATH", "SGLANG_PLATFORM", "OMP_NUM_THREADS"}.isdisjoint(environment)


@pytest.mark.parametrize(
    ("has", "size", "config", "device", "given"),
    [
        (False, 3, "{}", "cpu", True),
        (True, 3, "{}", "cpu", False),
        (False, 3, "{}", "cuda", False),
        (False, 5, "{}", "cpu", False),
        (False, 3, '{"quantization_config": {}}', "cpu", False),
        (False, 0, "{}", "cpu", False),
    ],
)
def test_a_light_model_runs_in_float32_where_the_cpu_has_no_bfloat16(
    options: LaunchOptions,
    monkeypatch: pytest.MonkeyPatch,
    has: bool,
    size: int,
    config: str,
    device: Device,
    given: bool,
) -> None:
    monkeypatch.setattr(launch, "has_bfloat16", lambda: has)
    monkeypatch.setattr(launch, "LIGHT_BYTES", 4)
    options.model.mkdir()
    (options.model / "model.safetensors").write_bytes(bytes(size))
    (options.model / "config.json").write_text(config)
    on = replace(options, environment=EngineEnvironment(options.log, device))
    assert ("float32" in launch_command(on, 1)) is given


def test_of_a_model_that_is_not_here_nothing_is_known(
    options: LaunchOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "has_bfloat16", lambda: False)
    assert "--dtype" not in launch_command(options, 1)


def test_the_services_own_python_does_not_reach_the_engine(
    options: LaunchOptions, tmp_path: Path
) -> None:
    inherited = {
        "PYTHONPATH": "/service", "VIRTUAL_ENV": "/service", "SGLANG_USE_CPU_ENGINE": "1",
        "PATH": "/bin", "LANG": "C",
    }  # fmt: skip
    environment = launch_environment(options, tmp_path, inherited)
    assert environment["PYTHONPATH"] == str(CPU_PLATFORM)
    assert environment["LANG"] == "C"
    assert environment["PATH"] == f"{tmp_path / 'env' / 'bin'}:/bin"
    assert {"VIRTUAL_ENV", "SGLANG_USE_CPU_ENGINE"}.isdisjoint(environment)


def test_a_key_is_not_on_the_command_line(options: LaunchOptions, tmp_path: Path) -> None:
    locked = replace(options, api_key="k3y")
    command = launch_command(locked, 1, tmp_path / "secrets.yaml")
    assert command[command.index("--config") + 1] == str(tmp_path / "secrets.yaml")
    assert "k3y" not in " ".join(command)
    assert "k3y" not in repr(locked)
    assert "--config" not in launch_command(options, 1, tmp_path / "secrets.yaml")


def test_beside_a_configuration_of_one_s_own_a_key_is_an_argument(
    options: LaunchOptions, tmp_path: Path
) -> None:
    """SGLang takes one file."""
    for own in (("--config", "mine.yaml"), ("--config=mine.yaml",)):
        given = replace(options, api_key="k3y", extra_arguments=own)
        command = launch_command(given, 1, tmp_path / "secrets.yaml")
        assert command[command.index("--api-key") + 1] == "k3y"
        assert str(tmp_path / "secrets.yaml") not in command


def test_what_is_given_in_addition_comes_last_and_wins(
    options: LaunchOptions, tmp_path: Path
) -> None:
    given = replace(
        options,
        max_total_tokens=None,
        session_radix_cache=False,
        dp_size=2,
        extra_arguments=("--context-length", "4096"),
        extra_environment={"OMP_NUM_THREADS": "2"},
    )
    command = launch_command(given, 1)
    assert command[-2:] == ["--context-length", "4096"]
    assert "--max-total-tokens" not in command
    assert "--enable-session-radix-cache" not in command
    assert command[command.index("--dp-size") + 1] == "2"
    environment = launch_environment(given, tmp_path, {})
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["SGLANG_CPU_OMP_THREADS_BIND"].count("|") == 1
