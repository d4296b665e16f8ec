"""Why the engine computed tokens again that one had computed before: a rule over the facts.

SGLang does not tell a flushed cache from an eviction, nor a replica inside one worker
(`--dp-size`) from the next: on a worker that was not restarted, all of these are `evicted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent_serving.domain.session import Session
from agent_serving.domain.values import PrefixReason


@dataclass(frozen=True, slots=True)
class Computed:
    """Who computed a session's transcript last. `tokens`: how long it was then, reply included.
    `worker` is empty where the attempt's process died before it could say. `rewritten`: what has
    been done to the transcript since, so that its tokens are not those any more."""

    worker: str
    incarnation: str | None
    tokens: int
    rewritten: Literal["tools_changed", "compacted"] | None = None


def last_computed(session: Session) -> Computed | None:
    """None where no engine has read any of it. Attempts of a fork's origin count too: the fork
    begins with the tokens that they computed."""
    for turn in reversed(session.turns):
        for step in reversed(turn.model_steps):
            for attempt in reversed(step.attempts):
                if attempt.usage.input_tokens > 0:
                    return Computed(
                        worker=attempt.worker,
                        incarnation=attempt.incarnation,
                        tokens=attempt.usage.input_tokens + attempt.usage.output_tokens,
                        rewritten="tools_changed" if turn.index < session.opening_turn else None,
                    )
    return None


def lost_tokens(expected: int, cached: int, page_tokens: int = 1) -> int:
    """How many of the first `expected` tokens were not found in a cache that keeps whole pages.
    The last one is no loss: a reply's last token was drawn and never read, and the last token of
    a prompt is computed always."""
    attainable = max(expected - 1, 0) // page_tokens * page_tokens
    return max(0, attainable - cached)


def prefix_reason(
    last: Computed | None,
    *,
    worker: str,
    incarnation: str | None,
    expected: int,
    cached: int,
    page_tokens: int = 1,
) -> PrefixReason | None:
    """None where nothing was lost. `cold`: nothing was expected, or what is missing had never been
    computed; `unknown`: the facts do not tell."""
    if expected == 0:
        return "cold"
    if lost_tokens(expected, cached, page_tokens) == 0:
        return None
    if last is None:
        return "cold"
    if last.rewritten is not None:
        return last.rewritten
    if lost_tokens(min(expected, last.tokens), cached, page_tokens) == 0:
        return "cold"
    if not last.worker:
        return "unknown"
    if last.worker != worker:
        return "routed_elsewhere"
    if last.incarnation is None or incarnation is None:
        return "unknown"
    return "evicted" if last.incarnation == incarnation else "engine_restarted"
