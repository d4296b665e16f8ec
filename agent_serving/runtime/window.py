"""How many turns of batches are under way in this process at once, and whose."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from agent_serving.scheduling.classes import free_places


@dataclass(slots=True)
class _Bench:
    """A batch with its seats: the places of its requests whose turns are under way. One that is
    `held_up` (by a limit, a budget, an engine that is down) or `idle` (all its open turns wait for
    somebody) leaves its share to others."""

    tenant: str
    seats: set[int] = field(default_factory=set)
    held_up: bool = False
    idle: bool = False


class Window:
    def __init__(self, size: int) -> None:
        self.size = size
        self._benches: dict[str, _Bench] = {}

    def join(self, batch_id: str, tenant: str) -> None:
        self._benches[batch_id] = _Bench(tenant)

    def leave(self, batch_id: str) -> None:
        self._benches.pop(batch_id, None)

    def keep(self, batch_id: str, running: Collection[int], *, held_up: bool, idle: bool) -> None:
        """Only the requests at these places may still have turns under way."""
        bench = self._benches[batch_id]
        bench.seats &= set(running)
        bench.held_up, bench.idle = held_up, idle

    def room(self, batch_id: str, running: Collection[int]) -> int:
        """How many more requests the batch may take up: as many as could have a seat beside those
        that it has taken up already."""
        bench = self._benches[batch_id]
        return max(0, self._free(bench) - len(set(running) - bench.seats))

    def sit(self, batch_id: str, place: int, *, begun: bool) -> bool:
        """Whether the turn may begin; one that has `begun` has its seat in any case."""
        bench = self._benches[batch_id]
        if place in bench.seats:
            return True
        if not begun and not self._free(bench):
            return False
        bench.seats.add(place)
        return True

    def rise(self, batch_id: str, place: int) -> None:
        """It could not begin after all."""
        self._benches[batch_id].seats.discard(place)

    def _free(self, bench: _Bench) -> int:
        rows = (
            (each.tenant, len(each.seats))
            for each in self._benches.values()
            if each.seats or not (each.held_up or each.idle)
        )
        return free_places(self.size, rows, bench.tenant)
