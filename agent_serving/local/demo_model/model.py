"""Qwen3 in plain torch; its parameters are named as Hugging Face names them."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  # the name that all torch code uses
from torch import Tensor, nn

from agent_serving.local.demo_model.attention import attended
from agent_serving.local.demo_model.shape import Shape


class Norm(nn.Module):
    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self._epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self._epsilon)


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape
        size = shape.head_size
        self.q_proj = nn.Linear(shape.hidden, shape.heads * size, bias=False)
        self.k_proj = nn.Linear(shape.hidden, shape.kv_heads * size, bias=False)
        self.v_proj = nn.Linear(shape.hidden, shape.kv_heads * size, bias=False)
        self.o_proj = nn.Linear(shape.heads * size, shape.hidden, bias=False)
        self.q_norm = Norm(size, shape.epsilon)
        self.k_norm = Norm(size, shape.epsilon)

    def looks(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: (batch, length, hidden); cos, sin: (length, head size). What `attended` takes."""
        shape = self._shape
        batch, length, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(batch, length, shape.heads, shape.head_size))
        k = self.k_norm(self.k_proj(x).view(batch, length, shape.kv_heads, shape.head_size))
        v = self.v_proj(x).view(batch, length, shape.kv_heads, shape.head_size).transpose(1, 2)
        q = _rotated(q.transpose(1, 2), cos, sin) * shape.head_size**-0.5
        k = _rotated(k.transpose(1, 2), cos, sin)
        return q.to(v.dtype).contiguous(), k.to(v.dtype).contiguous(), v.contiguous()

    def joined(self, mixed: Tensor) -> Tensor:
        """(batch, heads, length, head size) → (batch, length, hidden)."""
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.up_proj = nn.Linear(shape.hidden, shape.mlp, bias=False)
        self.down_proj = nn.Linear(shape.mlp, shape.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = Norm(shape.hidden, shape.epsilon)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape.hidden, shape.epsilon)
        self.mlp = Mlp(shape)

    def before(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.self_attn.looks(self.input_layernorm(x), cos, sin)

    def after(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + self.self_attn.joined(mixed)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.epsilon)


class Model(nn.Module):
    """Tied embeddings; output projections start at zero, so that each layer starts as identity."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Body(shape)
        angles = torch.outer(
            torch.arange(shape.context).float(),
            shape.theta ** (-torch.arange(0, shape.head_size, 2).float() / shape.head_size),
        )
        angles = torch.cat([angles, angles], dim=-1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._before, self._after = Layer.before, Layer.after
        self._start()

    def fuse(self) -> None:
        """Compile what lies between the attentions, for training: benchmarks/training_speed.py."""
        self._before = torch.compile(Layer.before, dynamic=True)
        self._after = torch.compile(Layer.after, dynamic=True)

    def _start(self) -> None:
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.zeros_(parameter)
            elif name.endswith("proj.weight"):
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            elif "embed" in name:
                nn.init.normal_(parameter, std=0.05)

    def hidden(self, ids: Tensor) -> Tensor:
        """ids: (batch, length) → (batch, length, hidden)."""
        length = ids.shape[1]
        x = self.model.embed_tokens(ids)
        cos, sin = self.cos[:length].to(x.dtype), self.sin[:length].to(x.dtype)
        for layer in self.model.layers:
            x = self._after(layer, x, attended(*self._before(layer, x, cos, sin)))
        normed: Tensor = self.model.norm(x)
        return normed

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (batch, length) → logits (batch, length, vocabulary)."""
        return F.linear(self.hidden(ids), self.model.embed_tokens.weight)

    def loss(self, ids: Tensor, at: Tensor, wanted: Tensor) -> Tensor:
        """Mean cross entropy. at: flat positions whose successor is learned; wanted: its ids."""
        chosen = self.hidden(ids).flatten(0, 1)[at]
        logits = F.linear(chosen, self.model.embed_tokens.weight)
        return F.cross_entropy(logits.float(), wanted)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cos + turned * sin
