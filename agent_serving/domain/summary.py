"""What a list shows of a session: small, and written with every fact."""

from __future__ import annotations

from datetime import datetime

from agent_serving.domain.cost import Cost
from agent_serving.domain.session import Session, SessionStatus
from agent_serving.domain.values import Usage, Value


class AgentRef(Value):
    id: str
    name: str
    version: int


class Summary(Value):
    id: str
    agent: AgentRef
    status: SessionStatus
    turn_count: int
    active_turn: str | None
    usage: Usage
    cost: Cost = Cost()
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


def summarize(session: Session) -> Summary:
    active = session.active
    agent = session.agent
    return Summary(
        id=session.id,
        agent=AgentRef(id=agent.id, name=agent.name, version=agent.version),
        status=session.status,
        turn_count=len(session.turns),
        active_turn=active.id if active else None,
        usage=session.usage,
        cost=session.cost,
        metadata=session.metadata,
        created_at=session.created_at,
        updated_at=session.updated_at,
        expires_at=session.expires_at,
    )


def summary(session: Session) -> bytes:
    return summarize(session).model_dump_json().encode()
