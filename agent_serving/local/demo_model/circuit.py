"""A start that can copy already.

Most of what the model has to do is to copy names and numbers, and finding out how takes a small
model millions of tokens: a head that looks at the token before (layer 0), and one that looks for
earlier places where the present token was the one before, and repeats what stands there (layer 1).
Both are written into the first weights here; training changes them as all others.

The residual stream's dimensions at the start: 0 is the same for every token; CONTENT holds the
token; BEFORE is empty and gets the content of the token before.
"""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from agent_serving.local.demo_model.model import Attention, Model

_STEADY = 0.06
_LOCAL = 6  # pairs of the highest frequencies: they tell neighbours apart
_FAR = 16  # from this pair on, rotation is so slow that content can be compared from afar


@torch.no_grad()
def install(model: Model) -> None:
    shape = model.shape
    size = shape.head_size
    content, before = shape.hidden // 3, 2 * shape.hidden // 3
    embedding = model.model.embed_tokens.weight
    embedding[:, 0] = _STEADY
    embedding[:, before:] = 0
    first, second = (layer.self_attn for layer in list(model.model.layers)[:2])
    _previous(first, content, before, shape.theta)
    _induction(second, content, before)
    for attention in (first, second):
        attention.v_proj.weight[:size] = 0
        for row in range(size):
            attention.v_proj.weight[row, content + row] = 0.5


def _previous(attention: Attention, content: int, before: int, theta: float) -> None:
    size = attention.q_norm.weight.numel()
    half = size // 2
    q, k = attention.q_proj.weight, attention.k_proj.weight
    q[:size] = 0
    k[:size] = 0
    for pair in range(_LOCAL):
        angle = torch.tensor(theta ** (-pair / half))
        q[pair, 0] = 0.5
        k[pair, 0], k[pair + half, 0] = 0.5 * angle.cos(), 0.5 * angle.sin()
        for norm in (attention.q_norm, attention.k_norm):
            norm.weight[[pair, pair + half]] = 2.2
    for row in range(size):
        attention.o_proj.weight[before + row, row] = 0.09


def _induction(attention: Attention, content: int, before: int) -> None:
    size = attention.q_norm.weight.numel()
    half = size // 2
    q, k = attention.q_proj.weight, attention.k_proj.weight
    q[:size] = 0
    k[:size] = 0
    slow = [*range(_FAR, half), *range(half + _FAR, size)]
    for number, row in enumerate(slow):
        q[row, content + number] = 0.5
        k[row, before + number] = 0.5
    for norm in (attention.q_norm, attention.k_norm):
        norm.weight[slow] = 1.5
    for row in range(size):
        attention.o_proj.weight[content + row, row] = 0.25
