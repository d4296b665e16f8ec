"""That training trains. Its libraries are an extra; the engine's environment has them, so these
tests borrow them there, in processes of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent_serving.local.install import ensure_engine
from agent_serving.local.shipped_model import WEIGHTS
from tests.conftest import HOME

pytestmark = pytest.mark.timeout(1500)  # a busy machine trains slowly
FEW_STEPS = """
from pathlib import Path
from agent_serving.local.demo_model.crowd import Crowd
from agent_serving.local.demo_model.training import Plan, Training

start = Path(sys.argv[3]) if sys.argv[3:] else None
plan = Plan(minutes=60, size=512, processes=1, steps=int(sys.argv[2]), checked=2, start=start)
Training(Path(sys.argv[1]), plan, print).run()
"""
BOTH_ATTENTIONS = """
import json
import torch
from torch.nn.functional import scaled_dot_product_attention
from agent_serving.local.demo_model.attention import attended

torch.manual_seed(0)
far = {}
for length in (1, 127, 300, 1100):
    q, k, v = (torch.randn(2, heads, length, 16, requires_grad=True) for heads in (4, 2, 2))
    weights = torch.randn(2, 4, length, 16)
    gradients = []
    for mixed in (
        attended(q * 16**-0.5, k, v),
        scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
    ):
        gradients.append((mixed, *torch.autograd.grad((mixed * weights).sum(), (q, k, v))))
    far[length] = max((a - b).abs().max().item() for a, b in zip(*gradients))
print(json.dumps(far))
"""


@pytest.fixture(scope="session")
def libraries() -> Path:
    environment = ensure_engine(HOME, print)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(environment.python).parent.parent / "lib" / version / "site-packages"


def run(libraries: Path, script: str, *arguments: str) -> str:
    """What it prints. The borrowed libraries come last: ours stay what they are."""
    begin = f"import sys; sys.path.append({str(libraries)!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", begin + script, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_attention_in_blocks_and_its_gradients_are_those_of_torch(libraries: Path) -> None:
    far = json.loads(run(libraries, BOTH_ATTENTIONS))
    assert set(far) == {"1", "127", "300", "1100"}
    assert all(distance < 1e-4 for distance in far.values()), far


def test_a_few_steps_of_training_lower_the_loss_and_go_on_where_they_stopped(
    libraries: Path, tmp_path: Path
) -> None:
    shutil.copy(WEIGHTS / "tokenizer.json", tmp_path)
    run(libraries, FEW_STEPS, str(tmp_path), "50")
    assert "resumed" in run(libraries, FEW_STEPS, str(tmp_path), "100")
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    first, last = (line["loss"] for line in curve if "loss" in line)
    assert [line["step"] for line in curve if "loss" in line] == [50, 100]
    assert last < first


def test_a_trained_model_is_trained_further(libraries: Path, tmp_path: Path) -> None:
    said = run(libraries, FEW_STEPS, str(tmp_path), "20", str(WEIGHTS))
    assert f"started from {WEIGHTS}" in said
    before = (WEIGHTS / "curve.jsonl").read_text().splitlines()
    behind_the_checkpoint = json.dumps({"step": 30, "loss": 9.0})
    (tmp_path / "curve.jsonl").write_text("\n".join([*before, behind_the_checkpoint, ""]))
    assert "resumed" in run(libraries, FEW_STEPS, str(tmp_path), "50", str(WEIGHTS))
    assert (tmp_path / "tokenizer.json").read_bytes() == (WEIGHTS / "tokenizer.json").read_bytes()
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert curve[: len(before)] == [json.loads(line) for line in before]
    [loss] = (line["loss"] for line in curve[len(before) :] if "loss" in line)
    assert loss < 1, "of random weights it is six in the first steps"
