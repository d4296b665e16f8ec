"""Processes of one thread each that train the same model on different batches. On a CPU they get
more done than threads, which wait for each other many times in a step."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn


class Crowd:
    """`rank` of `size`; they find each other by the file `meeting`, which must not exist before."""

    def __init__(self, rank: int = 0, size: int = 1, meeting: Path | None = None) -> None:
        self.rank, self.size = rank, size
        if size > 1:
            dist.init_process_group(
                "gloo", init_method=f"file://{meeting}", rank=rank, world_size=size
            )

    @property
    def leads(self) -> bool:
        """Whether this one keeps the checkpoints and the learning curve."""
        return self.rank == 0

    def agree(
        self, parameters: Iterable[nn.Parameter], tokens: int, seconds: float
    ) -> tuple[int, float]:
        """Make the gradients those of all batches. The sum of tokens, the mean of seconds."""
        if self.size == 1:
            return tokens, seconds
        gradients = [one.grad for one in parameters if one.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients] + [torch.tensor([tokens, seconds])])
        dist.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()
        return round(flat[-2].item() * self.size), flat[-1].item()

    def least(self, number: int) -> int:
        """The smallest of what the processes have."""
        if self.size == 1:
            return number
        found = torch.tensor(number)
        dist.all_reduce(found, dist.ReduceOp.MIN)
        return int(found)
