"""What has to be true of a session before a turn of it can be taken."""

from __future__ import annotations

from agent_serving.domain.errors import (
    EngineUnavailable,
    InvalidRequest,
    NotFound,
    SessionBusy,
    UnknownTool,
)
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import Agent, NamedTool, ToolChoice
from agent_serving.ports import Engine


def check_tool_choice(agent: Agent, choice: ToolChoice) -> None:
    """Raises UnknownTool, InvalidRequest."""
    names = [tool.name for tool in agent.tools]
    if isinstance(choice, NamedTool) and choice.name not in names:
        raise UnknownTool(
            f"tool_choice names {choice.name!r}, which agent {agent.name!r} does not have. "
            f"It has: {', '.join(names) or 'none'}.",
            param="tool_choice",
        )
    if choice == "required" and not names:
        raise InvalidRequest(
            f"tool_choice is `required`, but agent {agent.name!r} has no tools.",
            param="tool_choice",
        )


def require_engine(engine: Engine, agent: Agent) -> None:
    """Raises EngineUnavailable."""
    if not any(w.ready and w.model == agent.model for w in engine.workers()):
        raise EngineUnavailable(
            f"No engine that serves {agent.model!r} is up. Nothing was accepted; try again. "
            "GET /v1/capabilities shows what was found of each engine.",
            retry_after=5.0,
        )


def busy(session: Session) -> SessionBusy:
    active = session.active or next(iter(session.queue), session.turns[-1])
    return SessionBusy(
        f"Session {session.id} is busy with turn {active.id} ({active.status}). Wait for it, or "
        "send on_conflict=queue, steer or interrupt.",
        details={"turn_id": active.id, "status": active.status},
    )


def turn_of(session: Session, turn_id: str) -> Turn:
    turn = session.turn(turn_id)
    if turn is None:
        raise NotFound(f"Session {session.id} has no turn {turn_id!r}.", param="turn_id")
    return turn
