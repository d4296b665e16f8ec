"""Short ways to talk to a service in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from agent_serving.domain.partial import Partial
from agent_serving.domain.session import Session, Turn
from agent_serving.runtime.agents import AgentDraft
from agent_serving.runtime.service import Service
from agent_serving.runtime.turn_request import TurnRequest

TENANT = "default"


def call(name: str, arguments: str) -> str:
    """A tool call as Qwen writes it."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


async def open_session(service: Service, tools: Sequence[Any] = ("add",), **draft: Any) -> Session:
    agent = await service.agents.resolve(AgentDraft(name="test", tools=tuple(tools), **draft))
    return (await service.sessions.open(TENANT, agent)).value


async def say(service: Service, session: Session, text: str, **request: Any) -> Turn:
    """Start a turn and see it settle."""
    conflict = request.pop("on_conflict", "reject")
    taken = await service.sessions.start_turn(
        TENANT, session.id, TurnRequest(input=(text,), **request), on_conflict=conflict
    )
    return await settle(service, session, taken.turn)


async def begin(service: Service, session: Session, text: str, **request: Any) -> Turn:
    conflict = request.pop("on_conflict", "reject")
    taken = await service.sessions.start_turn(
        TENANT, session.id, TurnRequest(input=(text,), **request), on_conflict=conflict
    )
    return taken.turn


async def settle(service: Service, session: Session, turn: Turn) -> Turn:
    return await asyncio.wait_for(service.sessions.settled(TENANT, session.id, turn.id), timeout=20)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def until_kept(service: Service, session: Session, tokens: int) -> None:
    """Until the store has so many tokens of the reply that streams."""
    async with asyncio.timeout(20):
        while await _kept(service, session) < tokens:
            await asyncio.sleep(0.01)


async def _kept(service: Service, session: Session) -> int:
    kept = await service.ports.store.kept(session.id)
    return 0 if kept is None else len(Partial.of(kept.head, kept.parts, kept.since).tokens)


async def reload(service: Service, session: Session) -> Session:
    return await service.sessions.get(TENANT, session.id)
