from __future__ import annotations

from pathlib import Path

import pytest

from agent_serving.local.processor import has_bfloat16


@pytest.mark.parametrize(
    ("told", "has"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\n", True),
        ("flags\t\t: fpu avx2 amx_bf16 amx_tile\n", True),
        ("Features\t: fp asimd bf16 i8mm\n", True),
        ("flags\t\t: fpu avx avx2\n", False),
        ("model name\t: avx512_bf16\nflags\t\t: fpu avx2\n", False),
        ("flags\t\t: avx512_bf16\n\nflags\t\t: avx2\n", False),
        ("", False),
    ],
)
def test_a_processor_has_bfloat16_where_all_its_cores_say_so(
    tmp_path: Path, told: str, has: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(told)
    assert has_bfloat16(tmp_path / "cpuinfo") is has


def test_where_the_system_does_not_tell_there_is_none(tmp_path: Path) -> None:
    assert not has_bfloat16(tmp_path / "cpuinfo")
