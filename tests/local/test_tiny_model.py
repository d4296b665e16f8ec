from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.local.errors import LocalEngineError
from agent_serving.local.install import EngineEnvironment
from agent_serving.local.tiny_model import ensure_model

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def hashes(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_the_same_seed_gives_the_same_files_and_another_seed_other_weights(
    engine_environment: EngineEnvironment, tmp_path: Path, messages: list[str]
) -> None:
    python = engine_environment.python
    first = ensure_model(tmp_path / "a", python, messages.append, seed=1)
    second = ensure_model(tmp_path / "b", python, messages.append, seed=1)
    other = ensure_model(tmp_path / "a", python, messages.append, seed=2)

    assert hashes(first.directory) == hashes(second.directory)
    differing = {
        name for name, value in hashes(other.directory).items()
        if value != hashes(first.directory)[name]
    }  # fmt: skip
    assert differing == {"model.safetensors"}
    assert not list((tmp_path / "a" / "models").glob("unfinished-*"))


def test_a_model_that_is_there_is_reused(
    engine_environment: EngineEnvironment, tmp_path: Path, messages: list[str]
) -> None:
    made = ensure_model(tmp_path, engine_environment.python, messages.append)
    messages.clear()
    assert ensure_model(tmp_path, tmp_path / "no python", messages.append) == made
    assert messages == []
    assert json.loads((made.directory / "config.json").read_text())["model_type"] == "qwen3"


def test_without_an_engine_the_error_says_what_to_do(tmp_path: Path, messages: list[str]) -> None:
    with pytest.raises(LocalEngineError, match="Install the engine first"):
        ensure_model(tmp_path, tmp_path / "no python", messages.append)


def rendered(engine_url: str, messages: list[dict[str, Any]], **more: Any) -> str:
    with httpx.Client(base_url=engine_url, timeout=60) as client:
        model = client.get("/v1/models").json()["data"][0]["id"]
        tokens = client.post(
            "/v1/tokenize", json={"model": model, "messages": messages, **more}
        ).json()["tokens"]
        answer = client.post(
            "/v1/detokenize",
            json={"model": model, "tokens": tokens, "skip_special_tokens": False},
        )
    text: str = answer.json()["text"]
    return text


def test_the_tools_stand_in_the_system_message(engine_url: str) -> None:
    text = rendered(
        engine_url,
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        tools=[WEATHER],
        add_generation_prompt=True,
    )
    assert text.startswith("<|im_start|>system\nBe brief.\n\n# Tools\n")
    tools = text.partition("<tools>\n")[2].partition("\n</tools>")[0]
    assert json.loads(tools)["function"]["parameters"] == WEATHER["function"]["parameters"]
    assert text.endswith("<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n")


def test_results_of_parallel_calls_are_grouped_and_history_is_rendered_plainly(
    engine_url: str,
) -> None:
    def call(name: str, city: str) -> dict[str, Any]:
        arguments = json.dumps({"city": city})
        return {"id": name, "type": "function",
                "function": {"name": "get_weather", "arguments": arguments}}  # fmt: skip

    text = rendered(
        engine_url,
        [
            {"role": "user", "content": "Oslo and Rome?"},
            {"role": "assistant", "content": None, "tool_calls": [call("1", "Oslo"),
                                                                  call("2", "Rome")]},
            {"role": "tool", "tool_call_id": "1", "content": "rain"},
            {"role": "tool", "tool_call_id": "2", "content": "sun"},
            {"role": "assistant", "content": "Rain and sun."},
            {"role": "user", "content": "Thanks"},
        ],
        add_generation_prompt=False,
    )  # fmt: skip
    assert text == (
        "<|im_start|>user\nOslo and Rome?<|im_end|>\n"
        "<|im_start|>assistant\n"
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>'
        "<|im_end|>\n"
        "<|im_start|>user\n<tool_response>\nrain\n</tool_response>\n"
        "<tool_response>\nsun\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\nRain and sun.<|im_end|>\n"
        "<|im_start|>user\nThanks<|im_end|>\n"
    )


@pytest.mark.parametrize("seed", range(4))
def test_text_under_a_schema_ends_by_itself(engine_url: str, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["name", "count"],
    }
    answer = httpx.post(
        f"{engine_url}/generate",
        json={
            "text": f"<|im_start|>user\nNumber {seed}<|im_end|>\n<|im_start|>assistant\n",
            "sampling_params": {
                "max_new_tokens": 400, "temperature": 1.0, "sampling_seed": seed,
                "json_schema": json.dumps(schema),
            },
        },
        timeout=120,
    ).json()  # fmt: skip
    assert answer["meta_info"]["finish_reason"]["type"] == "stop"
    assert set(json.loads(answer["text"])) == {"name", "count"}
