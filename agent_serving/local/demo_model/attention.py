"""Causal attention, some queries at a time over the keys that they may see.

Made for one CPU thread: the keys that a block of queries may not see cost nothing, and gradients
are added where they belong without tensors in between.
"""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q: (batch, heads, length, head size), divided by the root of its last dimension already;
    k, v: (batch, KV heads, length, head size). All of one type."""
    batch, heads, length, size = q.shape
    groups = k.shape[1]
    mixed: Tensor = _Attention.apply(
        q.reshape(batch * groups, heads // groups, length, size),
        k.reshape(batch * groups, length, size),
        v.reshape(batch * groups, length, size),
    )
    return mixed.view(batch, heads, length, size)


class _Attention(torch.autograd.Function):
    """q: (groups, shared, length, size); k, v: (groups, length, size). What a block of queries
    looks at is kept as probabilities of the inputs' type."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        groups, shared, length, size = q.shape
        rows = 128 if length <= 1024 else 256
        future = torch.full((rows, rows), -1e4, dtype=q.dtype, device=q.device).triu_(1)
        mixed = torch.empty_like(q)
        kept: list[Tensor] = []
        with torch.autocast(q.device.type, enabled=False):
            for start, end in _blocks(length, rows):
                count = end - start
                block = q[:, :, start:end].reshape(groups, -1, size)
                scores = torch.bmm(block, k[:, :end].mT)
                hidden = future[:count, :count]
                scores.view(groups, shared, count, end)[..., start:].add_(hidden)
                looked = scores.softmax(-1)
                seen = torch.bmm(looked, v[:, :end])
                mixed[:, :, start:end] = seen.view(groups, shared, count, size)
                kept.append(looked)
        ctx.save_for_backward(q, k, v, *kept)
        ctx.rows = rows
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, *kept = ctx.saved_tensors
        groups, shared, length, size = q.shape
        of_q, of_k, of_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for looked, (start, end) in zip(kept, _blocks(length, ctx.rows), strict=True):
            gradient = gradients[0][:, :, start:end].reshape(groups, -1, size)
            of_v[:, :end] += torch.bmm(looked.mT, gradient)
            of_looked = torch.bmm(gradient, v[:, :end].mT)
            of_scores = torch._softmax_backward_data(of_looked, looked, -1, looked.dtype)
            found = torch.bmm(of_scores, k[:, :end]).view(groups, shared, end - start, size)
            of_q[:, :, start:end] = found
            block = q[:, :, start:end].reshape(groups, -1, size)
            of_k[:, :end] += torch.bmm(of_scores.mT, block)
        return of_q, of_k, of_v


def _blocks(length: int, rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, rows):
        yield start, min(length, start + rows)
