"""The engine port: tokens in, tokens out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.values import Message, Sampling, ServiceClass, Timings, ToolSpec, Usage


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
    page_tokens: int = 1
    """Its prefix cache keeps whole pages of so many tokens."""
    incarnation: str | None = None
    """Differs between two starts of it; None where it does not tell."""
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One request. `prompt` is token ids, sent as they are; `rid` is 32 hex digits (SGLang aborts
    by prefix, so all have one length); `traceparent` is a W3C header. An engine that isolates
    tenants shares the cached prefixes of one `tenant` with no other."""

    rid: str
    session_id: str
    prompt: Sequence[int]
    max_new_tokens: int
    sampling: Sampling
    constraint: Constraint | None
    worker: str
    traceparent: str
    priority: ServiceClass = "online"
    tracestate: str | None = None
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply as it streams. `text` is what is new, special tokens included;
    `tokens` are the new token ids. The concatenation over a reply is exact."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Spelled:
    """The first `tokens` of a reply spell `text`, and end where a character ends."""

    tokens: int
    text: str


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

    async def incarnation(self, worker: str) -> str | None:
        """`Worker.incarnation`, asked of it now, by one request. Never raises: None where it does
        not tell or does not answer."""
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

    async def spell(self, tokens: Sequence[int], *, behind: Sequence[int]) -> Spelled:
        """The text that a reply of `tokens` to the prompt `behind` has, as its chunks had it,
        without tokens at its end that spell a part of a character: a generation whose prompt ends
        with the rest goes on in whole characters.

        Raises EngineUnavailable.
        """
        ...

    def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        """Zero or more Chunks, then one Finished. Closing the iterator early aborts the request at
        the engine and returns only once the engine has let go of it.

        Raises EngineUnavailable (the attempt is lost, another may succeed: connection, 5xx, abort
        by the server, an error in mid-stream under HTTP 200), as VoidReply where what has come is
        no reply to the prompt, and in front of the chunk that ends it: a reply whose process dies
        then would be taken as whole; InvalidRequest (the engine refuses this request for good: bad
        token id, bad grammar), ContextLengthExceeded.
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
