"""What the classes of service mean where there is not room for all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from agent_serving.domain.values import ServiceClass

BY_URGENCY: tuple[ServiceClass, ...] = get_args(ServiceClass)
"""Who waits for a place gets it in this order; within a class it is first come, first served."""


def most_places(service_class: ServiceClass, places: int) -> int:
    """How many of a worker's places a class may hold. A tenth of them, and at least one, stays free
    of batch, so that what is urgent need not wait for the end of a batch's step."""
    if service_class != "batch":
        return places
    return max(1, places - max(1, -(-places // 10)))


def batch_window(engines: int, places: int, max_waiting: int) -> int:
    """How many turns of batches may be under way at once on so many engines of so many places:
    those that find a place at once, and never more than may queue for one engine."""
    each = most_places("batch", places)
    return min(each * max(1, engines), each + max_waiting)


def free_places(window: int, running: Iterable[tuple[str, int]], tenant: str) -> int:
    """How many more turns of the tenant's batches may begin, where `window` may be under way in
    all. `running` has the tenant and the number of turns of each batch. Tenants share equally."""
    rows = list(running)
    share = max(1, window // max(1, len({whose for whose, _ in rows} | {tenant})))
    own = sum(count for whose, count in rows if whose == tenant)
    return max(0, min(share - own, window - sum(count for _, count in rows)))
