"""SGLang out-of-tree platform for a plain CPU: no GPU, no AMX kernels.

SGLang finds this module through the entry-point group ``sglang.srt.platforms``; the launcher puts
the directory that holds it (with its ``.dist-info``) on PYTHONPATH. It runs inside the engine's
own environment and imports nothing of agent_serving.

SGLang's in-tree CPU platform selects kernels of a compiled ``sgl_kernel`` for AMX, of which there
is no wheel. Declared out-of-tree instead, every layer takes its plain PyTorch form.
"""
# mypy: disable-error-code="import-not-found"

import torch
from sglang.srt.platforms.cpu import CpuSRTPlatform
from sglang.srt.platforms.device_mixin import PlatformEnum
from sglang.srt.platforms.interface import PlatformCapabilities

TORCHVISION_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


class PlainCpuPlatform(CpuSRTPlatform):  # type: ignore[misc]  # SGLang is in the engine's env only
    """Memory figures and device operations are those of SGLang's CPU platform (psutil, no-ops)."""

    _enum = PlatformEnum.OOT
    capabilities = PlatformCapabilities()

    def get_default_attention_backend(self) -> str:
        return "torch_native"

    def get_dispatch_key_name(self) -> str:
        return "native"

    def get_compile_backend(self, mode: str | None = None) -> str:
        return "eager"


def activate() -> str | None:
    """Return the import path of the platform class; None where SGLang should use CUDA."""
    if torch.cuda.is_available():
        return None
    declare_torchvision_operators()
    return f"{__name__}.{PlainCpuPlatform.__name__}"


def declare_torchvision_operators() -> None:
    """Declare the operators whose fakes torchvision registers when it is imported.

    PyPI's torchvision is a CUDA build: beside a CPU build of torch its compiled operators do not
    load, and registering a fake for an operator that does not exist raises at import.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    declared = torch._C._dispatch_get_all_op_names()
    for schema in TORCHVISION_SCHEMAS:
        if f"torchvision::{schema.partition('(')[0]}" not in declared:
            library.define(schema)
    # A Library that is collected takes its operators with it.
    PlainCpuPlatform.torchvision_operators = library
