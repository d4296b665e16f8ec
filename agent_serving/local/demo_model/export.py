"""The trained model as a Hugging Face directory, with checksums and a model card."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from agent_serving.local.demo_model import card
from agent_serving.local.demo_model.shape import Shape
from agent_serving.local.demo_model.tokenizer import SPECIAL

CHAT_TEMPLATE = Path(__file__).parent / "chat_template.jinja"


def export(run: Path, output: Path, shape: Shape | None = None) -> None:
    """Write what training left in `run` as a model directory. Raises FileNotFoundError: there is
    no checkpoint yet."""
    shape = shape or Shape()
    saved = torch.load(run / "checkpoint.pt", map_location="cpu")
    output.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.to(torch.bfloat16).contiguous() for name, value in saved["model"].items()
    }
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    (output / "model.safetensors").chmod(0o644)
    shutil.copyfile(run / "tokenizer.json", output / "tokenizer.json")
    shutil.copyfile(CHAT_TEMPLATE, output / "chat_template.jinja")
    if (run / "curve.jsonl").exists():
        shutil.copyfile(run / "curve.jsonl", output / "curve.jsonl")
    end = _id(output / "tokenizer.json", "<|im_end|>")
    pad = _id(output / "tokenizer.json", "<|endoftext|>")
    for name, document in _documents(shape, end, pad).items():
        (output / name).write_text(json.dumps(document, indent=2) + "\n")
    card.write(output)


def _id(tokenizer: Path, token: str) -> int:
    added = json.loads(tokenizer.read_text())["added_tokens"]
    return next(int(one["id"]) for one in added if one["content"] == token)


def _documents(shape: Shape, end: int, pad: int) -> dict[str, dict[str, Any]]:
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.mlp,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": "bfloat16",
        "eos_token_id": end,
        "pad_token_id": pad,
    }
    return {
        "config.json": config,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": list(SPECIAL),
            "model_max_length": shape.context,
            "clean_up_tokenization_spaces": False,
        },
        "generation_config.json": {
            "eos_token_id": [end, pad],
            "pad_token_id": pad,
            "do_sample": False,
        },
    }
