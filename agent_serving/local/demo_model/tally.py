"""How many turns were right, by kind and by length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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

    @classmethod
    def of(cls, table: Mapping[str, Mapping[str, int]]) -> Tally:
        """What `table` gave."""
        return cls(
            Counter({kind: row["turns"] for kind, row in table.items()}),
            Counter({kind: row["right"] for kind, row in table.items()}),
        )

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


@dataclass(frozen=True, slots=True)
class Floors:
    """Least shares, of 1; None where nothing is required."""

    overall: float | None = None
    kind: float | None = None
    long: float | None = None

    def missed(self, tally: Tally) -> list[str]:
        """A sentence for each floor that is not reached; one without a turn is not."""
        kinds = [kind for kind in tally.kinds() if kind not in (ALL, LONG)] or [ALL]
        floors = [(ALL, self.overall), *((kind, self.kind) for kind in kinds), (LONG, self.long)]
        return [
            f"{100 * tally.share(name):.1f} % of {name} turns are exact; "
            f"{100 * floor:.1f} % are required."
            for name, floor in floors
            if floor is not None and tally.share(name) < floor
        ]
