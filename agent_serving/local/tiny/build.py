"""Build the tiny model: ``python build.py OUTPUT_DIRECTORY SEED``.

A random-weights Qwen3 checkpoint in Hugging Face format. Run with the engine's own Python, which
has torch, tokenizers and safetensors; agent_serving has none of them. The same seed, corpus and
library versions give the same bytes.
"""
# mypy: disable-error-code="import-not-found"

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_SIZE, MLP = 4, 256, 4, 2, 64, 768
POSITIONS = 8192
VOCABULARY = 2048

# As in Qwen3: the control tokens are special, the tags are single tokens but plain text.
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TAGS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")

# The split of Qwen3's tokenizer: words with their leading space, every digit alone.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Random logits would let a JSON string run until max_new_tokens: of 2000 tokens one closes it. So
# hidden dimension 0 is the same for every token and no layer writes it, and lm_head's column 0 is
# an addend to each token's logit: JSON punctuation, closers most, ends a string or a number after
# about ten tokens, and the end of turn ends a reply after about forty. Tags, bytes that are not
# ASCII text and backslashes are written only where a grammar leaves nothing else.
LOGIT_SPREAD = 1.6
ADDENDS = {'"': 3.5, "}": 2.75, "]": 2.75, ",": 2.0, "<|im_end|>": 3.25}
ADDEND_NEVER = -12.0
CONSTANT = 0
# The root mean square of the residual stream before the last norm, measured: norm weight 0 times
# this makes the constant 1 in the last hidden state.
RESIDUAL_SCALE = 4.85


def build(output: Path, corpus: str, chat_template: str, seed: int) -> None:
    """Write the checkpoint's files into the existing directory ``output``."""
    tokenizer = train_tokenizer(corpus)
    tokenizer.save(str(output / "tokenizer.json"))
    weights = random_weights(token_addends(tokenizer), torch.Generator().manual_seed(seed))
    save_file(weights, output / "model.safetensors", metadata={"format": "pt"})
    size, eos = tokenizer.get_vocab_size(), tokenizer.token_to_id("<|im_end|>")
    pad = tokenizer.token_to_id("<|endoftext|>")
    documents = {
        "config.json": model_config(size, eos, pad),
        "tokenizer_config.json": tokenizer_config(),
        "generation_config.json": {
            "eos_token_id": [eos, pad], "pad_token_id": pad, "do_sample": True,
            "temperature": 1.0, "top_p": 1.0,
        },
    }  # fmt: skip
    for name, document in documents.items():
        (output / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (output / "chat_template.jinja").write_text(chat_template, encoding="utf-8")


def train_tokenizer(corpus: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL) - len(TAGS),
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([corpus], trainer)
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in TAGS])
    return tokenizer


def token_addends(tokenizer: Tokenizer) -> torch.Tensor:
    """Return what is added to each token's logit, shape (vocabulary,)."""
    addends = torch.zeros(tokenizer.get_vocab_size())
    for token in range(len(addends)):
        text = tokenizer.decode([token], skip_special_tokens=False)
        if text in ADDENDS:
            addends[token] = ADDENDS[text]
        elif text in SPECIAL + TAGS or not re.fullmatch(r"[ -\[\]-~\n]+", text):
            addends[token] = ADDEND_NEVER
    return addends


def random_weights(addends: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
    def matrix(rows: int, columns: int, gain: float = 1.0) -> torch.Tensor:
        weight = torch.randn(rows, columns, generator=generator)
        return weight * (gain / math.sqrt(columns))

    def output(columns: int, gain: float) -> torch.Tensor:
        weight = matrix(HIDDEN, columns, gain)
        weight[CONSTANT] = 0.0
        return weight

    embedding = matrix(len(addends), HIDDEN, math.sqrt(HIDDEN))
    embedding[:, CONSTANT] = 1.0
    # Not tied to the embedding: in a random model the likeliest token would be the last one again.
    head = matrix(len(addends), HIDDEN, LOGIT_SPREAD)
    head[:, CONSTANT] = addends
    weights = {"model.embed_tokens.weight": embedding, "lm_head.weight": head}
    for layer in range(LAYERS):
        attention, mlp = f"model.layers.{layer}.self_attn.", f"model.layers.{layer}.mlp."
        weights |= {
            attention + "q_proj.weight": matrix(HEADS * HEAD_SIZE, HIDDEN),
            attention + "k_proj.weight": matrix(KV_HEADS * HEAD_SIZE, HIDDEN),
            attention + "v_proj.weight": matrix(KV_HEADS * HEAD_SIZE, HIDDEN),
            attention + "o_proj.weight": output(HEADS * HEAD_SIZE, 1.5),
            attention + "q_norm.weight": torch.full((HEAD_SIZE,), 1.5),
            attention + "k_norm.weight": torch.full((HEAD_SIZE,), 1.5),
            mlp + "gate_proj.weight": matrix(MLP, HIDDEN, 1.5),
            mlp + "up_proj.weight": matrix(MLP, HIDDEN, 1.5),
            mlp + "down_proj.weight": output(MLP, 1.5),
            f"model.layers.{layer}.input_layernorm.weight": torch.ones(HIDDEN),
            f"model.layers.{layer}.post_attention_layernorm.weight": torch.ones(HIDDEN),
        }
    weights["model.norm.weight"] = torch.ones(HIDDEN)
    weights["model.norm.weight"][CONSTANT] = RESIDUAL_SCALE
    return {name: weight.to(torch.bfloat16).contiguous() for name, weight in weights.items()}


def model_config(vocabulary: int, eos: int, pad: int) -> dict[str, Any]:
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": None,
        "eos_token_id": eos,
        "pad_token_id": pad,
        "head_dim": HEAD_SIZE,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": MLP,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "num_key_value_heads": KV_HEADS,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": vocabulary,
    }


def tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "bos_token": None,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": POSITIONS,
    }


def main() -> None:
    here, output = Path(__file__).parent, Path(sys.argv[1])
    corpus = (here / "corpus.txt").read_text(encoding="utf-8")
    chat_template = (here / "chat_template.jinja").read_text(encoding="utf-8")
    build(output, corpus, chat_template, seed=int(sys.argv[2]))


if __name__ == "__main__":
    main()
