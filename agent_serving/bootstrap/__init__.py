"""The composition root: the one place that chooses what stands behind the ports."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_serving.bootstrap.agents import filed_agents
    from agent_serving.bootstrap.engine import local_engine, local_model, served_by
    from agent_serving.bootstrap.keys import key_desk
    from agent_serving.bootstrap.service import Running, build
    from agent_serving.bootstrap.store import durability_problem, state_durability

__all__ = [
    "Running",
    "build",
    "durability_problem",
    "filed_agents",
    "key_desk",
    "local_engine",
    "local_model",
    "served_by",
    "state_durability",
]

_HOMES = {
    "Running": "service",
    "build": "service",
    "durability_problem": "store",
    "filed_agents": "agents",
    "key_desk": "keys",
    "local_engine": "engine",
    "local_model": "engine",
    "served_by": "engine",
    "state_durability": "store",
}


def __getattr__(name: str) -> Any:
    """Imported when it is first asked for: a command that starts no service does not wait for one,
    which takes a second and more."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
