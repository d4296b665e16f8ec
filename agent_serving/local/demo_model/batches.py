"""Endless training batches, made up on the fly: right-padded, of conversations of like length."""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,no-any-return"

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from agent_serving.local.demo_model import rendering, tokenizer
from agent_serving.local.demo_model.conversations import Generator, Mix

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 2600
"""Tokens. What a conversation has beyond is cut off."""

Encoded = tuple[list[int], list[int]]


@dataclass(frozen=True, slots=True)
class Batch:
    """ids: (conversations, length). at: flat positions whose successor is learned; wanted: those
    successors."""

    ids: Tensor
    at: Tensor
    wanted: Tensor

    @property
    def tokens(self) -> int:
        """Padding included."""
        return self.ids.numel()


def batch_of(conversations: Sequence[Encoded]) -> Batch:
    length = max(len(ids) for ids, _ in conversations)
    rows = torch.zeros(len(conversations), length, dtype=torch.long)
    at: list[int] = []
    wanted: list[int] = []
    for number, (ids, learned) in enumerate(conversations):
        rows[number, : len(ids)] = torch.tensor(ids)
        for position in range(len(ids) - 1):
            if learned[position + 1] >= 0:
                at.append(number * length + position)
                wanted.append(ids[position + 1])
    return Batch(rows, torch.tensor(at), torch.tensor(wanted))


class Batches:
    """Pools of conversations, each made from the seed, the process and its number: a resumed
    training goes on where it stopped."""

    def __init__(
        self, generator: Generator, tokens: Tokenizer, *, seed: int, rank: int, size: int
    ) -> None:
        self._generator, self._tokenizer = generator, tokens
        self._seed, self._rank, self._size = seed, rank, size

    def pool(self, number: int, mix: Mix) -> Iterator[Batch]:
        """Batches of about 64 conversations, in random order."""
        rng = Random(f"{self._seed}/{self._rank}/{number}")  # noqa: S311  # nothing secret is made here
        encoded: list[Encoded] = []
        for _ in range(64):
            conversation = self._generator.conversation(rng, mix)
            ids, learned = tokenizer.encode(self._tokenizer, rendering.pieces(conversation))
            encoded.append((ids[:LONGEST], learned[:LONGEST]))
        encoded.sort(key=lambda one: len(one[0]))
        groups: list[list[Encoded]] = [[]]
        for one in encoded:
            if groups[-1] and len(one[0]) * (len(groups[-1]) + 1) > self._size:
                groups.append([])
            groups[-1].append(one)
        rng.shuffle(groups)
        return (batch_of(group) for group in groups)
