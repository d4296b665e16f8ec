"""How many turns of batches are under way in this process at once."""

from __future__ import annotations

from agent_serving.scheduling.classes import free_places


class Window:
    def __init__(self, size: int) -> None:
        self.size = size
        self._running: dict[str, tuple[str, int]] = {}

    def hold(self, batch_id: str, tenant: str, running: int) -> None:
        """So many turns of the batch are under way now."""
        self._running[batch_id] = (tenant, running)

    def leave(self, batch_id: str) -> None:
        self._running.pop(batch_id, None)

    def free(self, tenant: str) -> int:
        """How many more of the tenant's may begin."""
        return free_places(self.size, self._running.values(), tenant)
