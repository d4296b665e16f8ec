"""A dialect or an output is a file; an error in one names the file and the field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.values import ChoiceOutput, JsonSchemaOutput
from agent_serving.plugins.grammars import choose_dialect, load_dialects, load_outputs
from agent_serving.plugins.locations import shipped


@pytest.fixture
def dialects() -> dict[str, Dialect]:
    return load_dialects([shipped("grammars")])


def test_shipped_grammars_load(dialects: dict[str, Dialect]) -> None:
    assert {"qwen", "qwen3", "qwen3-thinking", "llama3"} <= dialects.keys()
    assert load_outputs([shipped("grammars")])["yes_no"] == ChoiceOutput(choices=("yes", "no"))


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("Qwen3ForCausalLM", "qwen"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "qwen"),
        ("/models/Qwen3-8B-FP8", "qwen3"),
        ("Qwen/Qwen3-4B-Thinking-2507", "qwen3-thinking"),
        ("Qwen/QwQ-32B", "qwen3-thinking"),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama3"),
        ("LlamaForCausalLM", "llama3"),
    ],
)
def test_a_model_s_name_tells_its_dialect(
    dialects: dict[str, Dialect], name: str, dialect: str
) -> None:
    chosen = choose_dialect(dialects, name)
    assert chosen is not None
    assert chosen.name == dialect


def test_the_first_name_that_tells_anything_decides(dialects: dict[str, Dialect]) -> None:
    chosen = choose_dialect(dialects, "/models/demo", "demo", "Qwen3ForCausalLM")
    assert chosen is dialects["qwen"]
    assert choose_dialect(dialects, "llama3", "Qwen3ForCausalLM") is dialects["llama3"]
    assert choose_dialect(dialects, "gpt-2") is None


def test_a_later_folder_counts(tmp_path: Path, dialects: dict[str, Dialect]) -> None:
    text = (shipped("grammars") / "qwen.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace("<|im_end|>", "<|done|>"))
    loaded = load_dialects([shipped("grammars"), tmp_path])
    assert loaded["qwen"].end_of_turn == "<|done|>"
    assert loaded["llama3"] == dialects["llama3"]


def test_one_name_twice_in_a_folder_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        shutil.copy(shipped("grammars") / "qwen.toml", tmp_path / name)
    with pytest.raises(InvalidRequest, match=r"b\.toml: name: 'qwen' .*a\.toml"):
        load_dialects([tmp_path])


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('end_of_turn = "<|im_end|>"', "", "end_of_turn"),
        ('trigger = "<tool_call>"', 'trigger = "<call>"', "tool_call"),
        ('separator = "\\n"', 'seperator = "\\n"', "tool_call.seperator"),
        ('name = "qwen"', 'name = "Two words"', "name"),
        ('name = "qwen"', "name = ", "line 2"),
    ],
)
def test_an_error_names_file_and_field(tmp_path: Path, old: str, new: str, field: str) -> None:
    text = (shipped("grammars") / "qwen.toml").read_text()
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(InvalidRequest) as caught:
        load_dialects([tmp_path])
    assert "mine.toml: " in caught.value.message
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('type = "regex"', "regex.pattern"),
        ('type = "regex"\npattern = "("', "$.pattern"),
        ('type = "florp"', "florp"),
        ('type = "choice"\nchoices = []', "choice.choices"),
        ('type = "json_schema"\n[schema]\ntype = "florp"', "$.type"),
    ],
)
def test_an_error_in_an_output_names_file_and_field(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "mine.toml").write_text(text)
    with pytest.raises(InvalidRequest) as caught:
        load_outputs([tmp_path])
    assert "mine.toml: " in caught.value.message
    assert reason in caught.value.message


def test_an_output_may_be_a_json_schema(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "mine.toml").write_text('type = "json_schema"\n[schema]\ntype = "dict"')
    assert load_outputs([tmp_path]) == {"mine": JsonSchemaOutput(schema_={"type": "object"})}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not a folder"):
        load_dialects([tmp_path / "gone"])
