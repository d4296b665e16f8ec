"""The demo model's weights, as they ship and as the real engine serves them."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.local.demo_model import rendering
from agent_serving.local.demo_model.conversations import Generator, Mix
from agent_serving.local.demo_model.toolbox import Toolbox
from agent_serving.local.errors import LocalEngineError
from agent_serving.local.shipped_model import NAME, WEIGHTS, shipped_model

MOST_BYTES = 10_000_000


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, tmp_path / "weights"))


def test_what_ships_is_whole_and_small() -> None:
    model = shipped_model()
    assert (model.served_name, model.context_length) == (NAME, 4096)
    assert sum(path.stat().st_size for path in model.directory.iterdir()) < MOST_BYTES


def test_a_damaged_file_is_named_with_what_to_do(copied: Path) -> None:
    weights = copied / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(LocalEngineError, match=r"model\.safetensors .*is damaged.*--model DIR"):
        shipped_model(copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "tokenizer.json").unlink()
    with pytest.raises(LocalEngineError, match=r"tokenizer\.json .*is missing"):
        shipped_model(copied)


def test_without_checksums_nothing_is_served(copied: Path) -> None:
    (copied / "SHA256SUMS").unlink()
    with pytest.raises(LocalEngineError, match=r"no readable SHA256SUMS"):
        shipped_model(copied)


def test_the_checksums_are_those_of_all_its_files() -> None:
    listed = {line.partition("  ")[2] for line in (WEIGHTS / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in WEIGHTS.iterdir()} - {"SHA256SUMS"}


def test_the_engine_reads_a_question_as_the_tokens_that_were_learned(engine_url: str) -> None:
    """What the loaded template makes of messages is what the text of training is made of."""
    with httpx.Client(base_url=engine_url, timeout=60, trust_env=False) as http:

        def tokens(**body: Any) -> list[int]:
            answer = http.post("/v1/tokenize", json={"model": NAME, **body})
            found: list[int] = answer.json()["tokens"]
            return found

        for one in islice(Generator(Toolbox(), held_out=True).stream(4, Mix(1, 0, 0)), 5):
            tools = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "parameters": {
                            "type": "object",
                            "properties": {name: {"type": "string"} for name in tool.parameters},
                        },
                    },
                }
                for tool in one.tools
            ]
            system = [{"role": "system", "content": one.instructions}] if one.instructions else []
            said = {"role": "user", "content": one.turns[0].user}
            rendered = tokens(messages=[*system, said], tools=tools, add_generation_prompt=True)
            learned = next(rendering.pieces(one)).text
            assert rendered == tokens(prompt=learned, add_special_tokens=False)
