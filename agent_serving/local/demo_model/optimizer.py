"""Muon for matrices, AdamW for embeddings and norms."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

# Five coefficients of the Polar Express iteration; four steps of it suffice.
_POLAR = (
    (8.2872, -23.5959, 17.3004),
    (4.1071, -2.9478, 0.5448),
    (3.9487, -2.9089, 0.5518),
    (3.3184, -2.4885, 0.5100),
)


def orthogonal(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """(count, rows, columns) → the nearest matrices whose singular values are about 1, computed
    in `dtype`."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) * 1.01 + 1e-7)).to(dtype)
    for a, b, c in _POLAR:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrices.dtype)


class Muon:
    """One step for all matrices of a shape at once."""

    def __init__(
        self, matrices: list[nn.Parameter], dtype: torch.dtype, momentum: float = 0.95
    ) -> None:
        self._momentum, self._dtype = momentum, dtype
        groups: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
        for matrix in matrices:
            groups[tuple(sorted(matrix.shape))].append(matrix)
        self._groups = list(groups.values())
        self._velocity = [
            torch.zeros_like(torch.stack([_flat(m) for m in group])) for group in self._groups
        ]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for group, velocity in zip(self._groups, self._velocity, strict=True):
            gradients = torch.stack([_flat(m.grad) for m in group if m.grad is not None])
            velocity.lerp_(gradients, 1 - self._momentum)
            ahead = gradients.lerp(velocity, self._momentum)
            for matrix, update in zip(group, orthogonal(ahead, self._dtype), strict=True):
                turned = update if matrix.shape == update.shape else update.mT
                matrix.add_(turned, alpha=-rate * 0.2 * max(matrix.shape) ** 0.5)

    def state(self) -> list[Tensor]:
        return self._velocity

    def load(self, state: list[Tensor]) -> None:
        for mine, saved in zip(self._velocity, state, strict=True):
            mine.copy_(saved)


def _flat(matrix: Any) -> Tensor:
    """Wide, so that matrices of one shape and its transpose go together."""
    result: Tensor = matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix
    return result


class Optimizer:
    """`rate` in step is a share of the full learning rates. dtype: of Muon's products."""

    def __init__(
        self, model: nn.Module, dtype: torch.dtype, muon: float = 0.006, adam: float = 0.003
    ) -> None:
        matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
        self._muon, self._rate, self._adam_rate = Muon(matrices, dtype), muon, adam
        self._adam = torch.optim.AdamW(others, lr=adam, betas=(0.9, 0.95), weight_decay=0.01)

    def step(self, share: float) -> None:
        self._muon.step(self._rate * share)
        for group in self._adam.param_groups:
            group["lr"] = self._adam_rate * share
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        for group in self._muon._groups:
            for matrix in group:
                matrix.grad = None

    def state(self) -> dict[str, Any]:
        return {"muon": self._muon.state(), "adam": self._adam.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self._muon.load(state["muon"])
        self._adam.load_state_dict(state["adam"])
