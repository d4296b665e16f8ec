"""How many turns were right, by kind and by length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

ALL = "all"
LONG = "1500-2500 tokens"


@dataclass
class Tally:
    seen: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, tokens: int, *, is_right: bool) -> None:
        """tokens: of the conversation, up to the turn's last step."""
        names = [ALL, kind]
        if 1500 <= tokens <= 2500:
            names.append(LONG)
        for name in names:
            self.seen[name] += 1
            self.right[name] += is_right

    def share(self, kind: str = ALL) -> float:
        """Of 1; 0 where there was none."""
        return self.right[kind] / self.seen[kind] if self.seen[kind] else 0.0

    def kinds(self) -> list[str]:
        """All of them first, the long ones last."""
        between = sorted(self.seen.keys() - {ALL, LONG})
        return [kind for kind in (ALL, *between, LONG) if self.seen[kind]]

    def table(self) -> dict[str, dict[str, int]]:
        return {
            kind: {"turns": self.seen[kind], "right": self.right[kind]} for kind in self.kinds()
        }
