"""Sessions and keys in Redis (6.2 or newer), and `EmbeddedRedis` to stand on."""

from __future__ import annotations

from agent_serving.adapters.redis.access import RedisKeyring
from agent_serving.adapters.redis.agents import AgentBounds
from agent_serving.adapters.redis.embedded import EmbeddedRedis
from agent_serving.adapters.redis.store import RedisSessionStore

__all__ = ["AgentBounds", "EmbeddedRedis", "RedisKeyring", "RedisSessionStore"]
