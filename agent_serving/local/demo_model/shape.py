"""The demo model's dimensions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shape:
    vocabulary: int = 1024
    layers: int = 4
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 64
    mlp: int = 768
    context: int = 4096
    theta: float = 1e4
    epsilon: float = 1e-6

    @property
    def parameters(self) -> int:
        attention = self.hidden * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        norms = 2 * self.hidden + 2 * self.head_size
        layer = attention + 3 * self.hidden * self.mlp + norms
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden

    @classmethod
    def of(cls, config: Path) -> Shape:
        """What a model's config.json says of its dimensions."""
        found = json.loads(config.read_text())
        return cls(
            vocabulary=found["vocab_size"],
            layers=found["num_hidden_layers"],
            hidden=found["hidden_size"],
            heads=found["num_attention_heads"],
            kv_heads=found["num_key_value_heads"],
            head_size=found["head_dim"],
            mlp=found["intermediate_size"],
            context=found["max_position_embeddings"],
            theta=found["rope_theta"],
            epsilon=found["rms_norm_eps"],
        )
