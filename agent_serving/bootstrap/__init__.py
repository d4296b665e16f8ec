"""The composition root: the one place that chooses what stands behind the ports."""

from __future__ import annotations

from agent_serving.bootstrap.agents import filed_agents
from agent_serving.bootstrap.engine import local_engine, local_model
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
    "state_durability",
]
