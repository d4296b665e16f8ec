"""What the runtime asks of the world: small protocols, each with its contract.

Every adapter of a port passes the same test suite (tests/contracts). Adapters raise only errors
of `domain.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.tool import ToolContext
from agent_serving.domain.values import (
    Message,
    Sampling,
    ServiceClass,
    Timings,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)

# --- engine ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Worker:
    """One engine process and what was found when it was probed. `degraded` has a sentence for
    each thing that is missing and what it costs."""

    name: str
    url: str
    ready: bool
    version: str | None = None
    model: str | None = None
    hints: tuple[str, ...] = ()
    """Other names by which a dialect may know the model: its path, its architectures."""
    context_length: int | None = None
    vocabulary_size: int | None = None
    max_total_tokens: int | None = None
    metrics: bool = False
    cache_report: bool = False
    session_radix_cache: bool = False
    incremental_streaming: bool = False
    grammar_backend: str | None = None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One request. `prompt` is token ids, sent as they are; `rid` is 32 hex digits (SGLang aborts
    by prefix, so all have one length); `traceparent` is a W3C header."""

    rid: str
    session_id: str
    prompt: Sequence[int]
    max_new_tokens: int
    sampling: Sampling
    constraint: Constraint | None
    worker: str
    traceparent: str
    priority: ServiceClass = "online"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply as it streams. `text` is what is new, special tokens included;
    `tokens` are the new token ids. The concatenation over a reply is exact."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last element of a stream. `stop` means that the model ended its turn. Timings are the
    engine's own where it reports them, else measured from here."""

    reason: Literal["stop", "length"]
    usage: Usage
    timings: Timings


class Engine(Protocol):
    """Tokens in, tokens out."""

    def workers(self) -> Sequence[Worker]:
        """The pool as last probed; no I/O."""
        ...

    async def probe(self) -> None:
        """Probe every worker again. Never raises: a worker that does not answer is not ready."""
        ...

    async def render_opening(
        self,
        *,
        dialect: Dialect,
        instructions: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
    ) -> tuple[int, ...]:
        """The first prompt: system, tools and messages, with the generation prompt.

        Raises EngineUnavailable, InvalidRequest (the template cannot render this).
        """
        ...

    async def render_delta(
        self, *, dialect: Dialect, messages: Sequence[Message]
    ) -> tuple[int, ...]:
        """What follows an assistant's end-of-turn token when `messages` come next: everything up
        to and including the generation prompt. Control spellings in contents come out as text.

        Raises EngineUnavailable, InvalidRequest (the template cannot be rendered by deltas).
        """
        ...

    async def end_of_turn(self, *, dialect: Dialect) -> int:
        """The id of the dialect's end-of-turn token. Raises EngineUnavailable, InvalidRequest."""
        ...

    def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        """Zero or more Chunks, then one Finished. Closing the iterator early aborts the request at
        the engine and returns only once the engine has let go of it.

        Raises EngineUnavailable (the attempt is lost, another may succeed: connection, 5xx, abort
        by the server, an error in mid-stream under HTTP 200), InvalidRequest (the engine refuses
        this request for good: bad token id, bad grammar), ContextLengthExceeded.
        """
        ...

    async def check_constraint(self, constraint: Constraint, *, param: str) -> None:
        """Have the engine compile the constraint now, within a time bound, so that the first turn
        does not pay for it. Raises SchemaRejected; returns silently when no engine is up."""
        ...

    async def close_session(self, session_id: str) -> None:
        """Tell every worker that the session's KV may go. Never raises."""
        ...

    async def aclose(self) -> None: ...


# --- scheduler ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Admission:
    """A request for a place: `prompt_tokens` + at most `max_new_tokens` on some worker that serves
    `model` (None: any) and is not in `avoid` (workers that just failed), unless only those are
    left."""

    session_id: str
    tenant: str
    service_class: ServiceClass
    prompt_tokens: int
    max_new_tokens: int
    model: str | None = None
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    worker: str
    waited_ms: float


class Scheduler(Protocol):
    def admit(self, admission: Admission) -> AbstractAsyncContextManager[Grant]:
        """Wait for a place and hold it inside the block. First come, first served at least.
        Cancelling the wait gives the place up. Raises Overloaded, EngineUnavailable."""
        ...


# --- store ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Append:
    """One fact on its way into a log.

    version      of the session before the fact; the log must be exactly there (0: a new log)
    fact         JSON of the fact
    width        how many public events it stands for (≥ 1); each takes one number of the feed
    tokens       ids that it adds to the transcript
    summary      what lists show of the session, JSON
    open         whether a turn is open after this fact (recovery looks for such sessions)
    expires_at   when all of the session's keys go
    """

    session_id: str
    tenant: str
    version: int
    fact: bytes
    width: int
    summary: bytes
    open: bool
    tokens: Sequence[int] = ()
    snapshot: bytes | None = None
    """The session after this fact, JSON; given every N facts."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is needed to rebuild a session: fold `facts` over `snapshot` (None: over nothing).
    `version` counts all facts ever, so `len(facts)` less is the snapshot's version."""

    snapshot: bytes | None
    facts: tuple[bytes, ...]
    version: int


@dataclass(frozen=True, slots=True)
class FactEntry:
    """A fact in the feed: its public events are numbered `sequence … sequence + width - 1`."""

    sequence: int
    width: int
    fact: bytes


@dataclass(frozen=True, slots=True)
class LiveEntry:
    """A delta in the feed: `event` is JSON of a `feed.Public`. May be trimmed at any time."""

    sequence: int
    event: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of summaries. `more` says whether the next page would have anything."""

    rows: tuple[bytes, ...]
    more: bool


class SessionStore(Protocol):
    """Durable session logs. All calls raise StoreUnavailable when the store cannot be reached,
    and work again as soon as it can."""

    async def append(self, append: Append) -> int:
        """Atomic: fact, tokens, summary, snapshot and feed number, or nothing. Returns the
        fact's first feed sequence. Raises StaleWriter, SequenceGap, LogGone."""
        ...

    async def load(self, session_id: str, *, after_version: int = 0) -> Stored | None:
        """None where there is no such session. With `after_version` > 0: only the facts that
        follow it, and no snapshot."""
        ...

    async def tokens(self, session_id: str, start: int = 0, end: int | None = None) -> list[int]:
        """Transcript ids [start, end)."""
        ...

    async def publish(self, session_id: str, events: Sequence[bytes]) -> None:
        """Append deltas to the live feed: capped, expiring, lost with the store's memory."""
        ...

    async def read(
        self, session_id: str, after: int, *, block_ms: int = 0, limit: int = 512
    ) -> list[FactEntry | LiveEntry]:
        """The feed behind `after`, in order; a fact whose range straddles `after` is included.
        Waits up to `block_ms` for the first entry; [] then. Never skips an entry that a later
        call would have shown in its place."""
        ...

    async def list_sessions(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        """Summaries by session id (so by time of creation); `after` and `before` exclude."""
        ...

    async def open_sessions(self) -> list[str]:
        """Sessions that may have an open turn: never misses one, may name one too many."""
        ...

    async def delete_session(self, session_id: str, tenant: str) -> None:
        """Every key goes; a later append raises LogGone. Idempotent."""
        ...

    async def put_agent(self, tenant: str, agent: bytes, *, agent_id: str, name: str) -> int:
        """Store the next version of a named agent; the version's number (1, 2, …) replaces
        nothing in `agent`: the caller reads it from the return value. Atomic."""
        ...

    async def agent_versions(self, tenant: str, key: str) -> list[tuple[int, bytes]]:
        """All versions, oldest first; `key` is an agent id or a name; [] where unknown."""
        ...

    async def list_agents(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        """The newest version of each agent, by agent id."""
        ...

    async def delete_agent(self, tenant: str, agent_id: str) -> bool:
        """Sessions that froze a version keep it."""
        ...

    async def memory_get(self, session_id: str, key: str) -> str | None: ...

    async def memory_put(self, session_id: str, key: str, value: str) -> None:
        """Bounded: InvalidRequest past 1 000 keys or 64 KiB a value."""
        ...

    async def memory_keys(self, session_id: str) -> list[str]: ...

    async def acquire_lease(self, session_id: str, owner: str, ttl_ms: int) -> bool:
        """True when `owner` holds the session now (also when it already did: renewed)."""
        ...

    async def release_lease(self, session_id: str, owner: str) -> None: ...

    async def ping(self) -> dict[str, Any]:
        """What /v1/capabilities shows of the store: version, persistence, address; no secrets."""
        ...

    async def aclose(self) -> None: ...


# --- tools ----------------------------------------------------------------------------------


class ToolRunner(Protocol):
    def specs(self) -> Sequence[ToolSpec]:
        """The server-side tools of this deployment, by name."""
        ...

    async def run(self, spec: ToolSpec, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run one validated call, within `spec.timeout_seconds`. Never raises but for
        cancellation: what goes wrong in a tool is its result."""
        ...


# --- time -----------------------------------------------------------------------------------


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds; for durations only."""
        ...


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
