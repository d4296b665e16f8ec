"""Exact turns without an engine: what the model would write greedily, given what was right so far.

One pass over a conversation tells: a reply is written greedily if and only if each of its tokens is
the most likely one after those before it.
"""

# Its libraries are an extra.
# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from agent_serving.local.demo_model import rendering, tokenizer
from agent_serving.local.demo_model.scene import Conversation

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from agent_serving.local.demo_model.model import Model


@dataclass
class Score:
    """Turns by kind: how many there were, and how many were right."""

    seen: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Conversation, int]] = field(default_factory=list)
    """Which turn of which conversation."""

    def share(self, kind: str) -> float:
        return self.right[kind] / self.seen[kind] if self.seen[kind] else 0.0

    def kinds(self) -> list[str]:
        return sorted(kind for kind in self.seen if kind != "all" and not kind.endswith("tokens"))

    def lengths(self) -> list[str]:
        return sorted(kind for kind in self.seen if kind.endswith("tokens"))

    def add(self, kind: str, at: int, is_right: bool) -> None:
        """at: tokens of the conversation up to the end of the turn."""
        start = at // 500 * 500
        for name in ("all", kind, f"{start:04}-{start + 500:04} tokens"):
            self.seen[name] += 1
            self.right[name] += is_right


@torch.no_grad()
def score(
    model: Model, tokens: Tokenizer, conversations: Sequence[Conversation], *, longest: int = 2600
) -> Score:
    result = Score()
    device = next(model.parameters()).device
    for conversation in conversations:
        ids, learned = tokenizer.encode(tokens, rendering.pieces(conversation))
        ids, learned = ids[:longest], learned[:longest]
        logits = model(torch.tensor([ids], device=device))[0]
        right = (logits[:-1].argmax(-1).cpu() == torch.tensor(ids[1:])).tolist()
        ends: dict[int, tuple[bool, int]] = {}
        for position, turn in enumerate(learned[1:]):
            if turn >= 0:
                so_far = ends.get(turn, (True, 0))[0]
                ends[turn] = (so_far and right[position], position)
        for turn, (is_right, at) in ends.items():
            if at + 2 >= longest:
                continue  # its end is cut off
            result.add(conversation.turns[turn].kind, at, is_right)
            if not is_right:
                result.wrong.append((conversation, turn))
    return result
