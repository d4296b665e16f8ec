"""What the runtime asks of the world: small protocols, each with its contract.

Every adapter of a port passes the same test suite (tests/contracts). Adapters raise only errors
of `domain.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent_serving.domain.access import TenantLimits
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.prices import PriceBook
from agent_serving.domain.values import TenantBudget
from agent_serving.ports.access import Hasher, Keyring, Tokens
from agent_serving.ports.batches import BatchListing, BatchRow, BatchStore, NewBatch, UnderWay
from agent_serving.ports.clock import Clock
from agent_serving.ports.engine import Chunk, Engine, Finished, Generation, Spelled, Worker
from agent_serving.ports.observer import Observer
from agent_serving.ports.quotas import Quotas, Rate
from agent_serving.ports.scheduler import Admission, Grant, Scheduler
from agent_serving.ports.store import (
    Append,
    FactEntry,
    Handovers,
    Keep,
    Kept,
    Lease,
    Listing,
    LiveEntry,
    Reserved,
    SessionStore,
    Stored,
    StoredAgent,
)
from agent_serving.ports.tool_servers import LeftOut, ToolServers, ToolServerState
from agent_serving.ports.tools import ToolRunner
from agent_serving.ports.tracer import SpanCounts, Tracer

__all__ = [
    "Admission",
    "Append",
    "BatchListing",
    "BatchRow",
    "BatchStore",
    "Chunk",
    "Clock",
    "Engine",
    "FactEntry",
    "Finished",
    "Generation",
    "Grant",
    "Handovers",
    "Hasher",
    "Keep",
    "Kept",
    "Keyring",
    "Lease",
    "LeftOut",
    "Listing",
    "LiveEntry",
    "NewBatch",
    "Observer",
    "Ports",
    "Quotas",
    "Rate",
    "Reserved",
    "Scheduler",
    "SessionStore",
    "SpanCounts",
    "Spelled",
    "Stored",
    "StoredAgent",
    "Tokens",
    "ToolRunner",
    "ToolServerState",
    "ToolServers",
    "Tracer",
    "UnderWay",
    "Worker",
]


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything the runtime stands on, chosen by bootstrap."""

    engine: Engine
    scheduler: Scheduler
    store: SessionStore
    tools: ToolRunner
    clock: Clock
    new_id: Callable[[str], str]
    """`new_id("sess")` → `sess_` + 26 characters, sortable by time."""
    dialects: dict[str, Dialect] = field(default_factory=dict)
    prices: PriceBook = field(default_factory=PriceBook)
    tenant_budgets: Mapping[str, TenantBudget] = field(default_factory=dict)
    quotas: Quotas | None = None
    tenant_limits: Mapping[str, TenantLimits] = field(default_factory=dict)
    observers: tuple[Observer, ...] = ()
    tracer: Tracer | None = None
    tool_servers: ToolServers | None = None
