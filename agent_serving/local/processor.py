"""What this machine's processor can do."""

from __future__ import annotations

from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "bf16"})


@cache
def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether it has instructions for bfloat16. Where it has none, products of matrices take many
    times as long in it as in float32. False where the system does not tell."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return False
    named = (line.partition(":") for line in lines)
    told = [flags for name, _, flags in named if name.strip().lower() in ("flags", "features")]
    return bool(told) and all(_BFLOAT16 & set(flags.split()) for flags in told)
