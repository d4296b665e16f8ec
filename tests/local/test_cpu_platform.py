from __future__ import annotations

import subprocess
import sys

from agent_serving.local.install import EngineEnvironment
from agent_serving.local.launch import CPU_PLATFORM


def test_the_platform_is_discovered_from_its_directory_alone() -> None:
    find = (
        "from importlib.metadata import entry_points\n"
        "found = entry_points(group='sglang.srt.platforms')\n"
        "print([(point.name, point.value, point.dist.name) for point in found])"
    )
    found = subprocess.check_output(
        [sys.executable, "-c", find], env={"PYTHONPATH": str(CPU_PLATFORM)}, text=True
    )
    assert eval(found) == [
        (
            "agent_serving_cpu",
            "agent_serving_cpu_platform:activate",
            "agent-serving-cpu-platform",
        )
    ]


def test_sglang_serves_on_the_plain_cpu_platform_and_torchvision_can_be_imported(
    engine_environment: EngineEnvironment,
) -> None:
    look = (
        "from sglang.srt.platforms import current_platform as platform\n"
        "import torchvision\n"
        "print(type(platform).__name__, platform.is_out_of_tree(), platform.is_cpu(),"
        " platform.device_type, platform.get_default_attention_backend())"
    )
    seen = subprocess.check_output(
        [engine_environment.python, "-c", look],
        env={"PYTHONPATH": str(CPU_PLATFORM), "SGLANG_PLATFORM": "agent_serving_cpu"},
        text=True,
    )
    assert seen.split() == ["PlainCpuPlatform", "True", "False", "cpu", "torch_native"]
