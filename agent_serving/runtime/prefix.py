"""Finds out, once the engine has answered, why a part of the prefix was computed again."""

from __future__ import annotations

from agent_serving.domain.prefix import last_computed, lost_tokens, prefix_reason
from agent_serving.domain.session import Session
from agent_serving.ports import Engine
from agent_serving.runtime.reply import Reply


async def explain_prefix(engine: Engine, session: Session, reply: Reply) -> None:
    """Says it in the reply; `session` does not have the attempt yet. Where something was lost, the
    worker is asked whether it was started anew since it was last probed; a hit asks nothing."""
    cached = reply.cached_tokens
    if cached is None:
        return
    expected = reply.step.expected_tokens
    if lost_tokens(expected, cached, reply.page_tokens):
        reply.incarnation = await engine.incarnation(reply.worker)
    reply.prefix_reason = prefix_reason(
        last_computed(session),
        worker=reply.worker,
        incarnation=reply.incarnation,
        expected=expected,
        cached=cached,
        page_tokens=reply.page_tokens,
    )
