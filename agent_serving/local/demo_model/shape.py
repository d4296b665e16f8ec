"""The demo model's dimensions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    vocabulary: int = 1024
    layers: int = 4
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 64
    mlp: int = 512
    context: int = 4096
    theta: float = 1e4
    epsilon: float = 1e-6

    @property
    def parameters(self) -> int:
        attention = self.hidden * self.head_size * (2 * self.heads + 2 * self.kv_heads)
        norms = 2 * self.hidden + 2 * self.head_size
        layer = attention + 3 * self.hidden * self.mlp + norms
        return self.vocabulary * self.hidden + self.layers * layer + self.hidden
