"""What goes out: agents, sessions, turns. The ledger's rows are in `ledger`."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from agent_serving.api.amounts import COST, Cost, PhaseTimings, Time, Usage, View, phases
from agent_serving.api.ledger import Step
from agent_serving.api.paging import Page
from agent_serving.domain import session as domain
from agent_serving.domain import summary, values
from agent_serving.domain.events import ForkOrigin
from agent_serving.domain.values import Budget, Failure, Item, Limits, MessageItem, Pause


class Deleted(View):
    id: str
    object: Literal["agent.deleted", "session.deleted", "batch.deleted"]
    deleted: Literal[True] = True


# --- sessions -------------------------------------------------------------------------------


class AgentSummary(View):
    id: str = Field(description="An inline agent's id is known to its session only.")
    name: str
    version: int


class Session(View):
    id: str
    object: Literal["session"] = "session"
    agent: AgentSummary
    status: domain.SessionStatus
    turn_count: int = Field(description="Turns, those inherited by a fork included.")
    active_turn: str | None = Field(description="The turn under way.")
    usage: Usage = Field(description="Of this session's own turns.")
    cost: Cost | None = COST
    limits: Limits | None = Field(
        None, description="For its turns, where they are not the agent's. Null in lists."
    )
    budget: Budget | None = Field(
        None, description="What all its turns together may spend. Null in lists."
    )
    forked_from: ForkOrigin | None = Field(None, description="Null in lists.")
    metadata: dict[str, str]
    created_at: Time
    updated_at: Time
    expires_at: Time | None

    @classmethod
    def of(cls, session: domain.Session) -> Session:
        return cls(**_session(session))

    @classmethod
    def of_summary(cls, row: summary.Summary) -> Session:
        return cls(**_summary(row))


def _summary(row: summary.Summary) -> dict[str, Any]:
    return dict(row) | {
        "agent": AgentSummary(**dict(row.agent)),
        "usage": Usage.of(row.usage),
        "cost": Cost.of(row.cost),
    }


def _session(session: domain.Session) -> dict[str, Any]:
    return {
        **_summary(summary.summarize(session)),
        "limits": session.limits,
        "budget": session.budget,
        "forked_from": session.origin,
    }


class SessionPage(Page[Session]):
    pass


# --- turns ----------------------------------------------------------------------------------


class RequiredInput(View):
    """What the turn waits for; `POST …/inputs` takes it."""

    type: Literal["tool_result", "in_doubt", "approval"]
    call_id: str
    name: str
    arguments: str = Field(description="JSON text, as the model wrote it.")


class Incomplete(View):
    reason: str = Field(description="The limit that was reached.", examples=["max_steps"])


class Turn(View):
    id: str
    object: Literal["turn"] = "turn"
    session_id: str
    index: int
    status: domain.TurnStatus
    input: list[MessageItem]
    output_text: str = Field(description="The final answer.")
    output_parsed: Any = Field(
        description="The final answer as JSON, where the output is a `json_schema`."
    )
    items: list[Item] = Field(description="The turn as the model saw it, its input included.")
    required_inputs: list[RequiredInput]
    budget: Budget = Field(description="What the turn may spend before it pauses.")
    paused: Pause | None = Field(
        description="The budget that it waits for; it goes on when that is raised."
    )
    usage: Usage
    timings: PhaseTimings = Field(description="The steps' timings added up.")
    cost: Cost | None = COST
    steps: list[Step] | None = Field(
        None, description="The ledger: with `include=steps`, once the turn is over; else null."
    )
    steps_url: str
    trace_id: str
    trace_url: str | None = Field(
        description="The trace in Jaeger; null where no Jaeger is configured, or it has none."
    )
    error: Failure | None
    incomplete_details: Incomplete | None
    metadata: dict[str, str]
    created_at: Time
    started_at: Time | None
    ended_at: Time | None

    @classmethod
    def of(
        cls, session_id: str, turn: domain.Turn, *, jaeger_url: str | None, steps: bool = False
    ) -> Turn:
        incomplete = turn.status == "incomplete" and turn.reason is not None
        told = steps and turn.ended_at is not None
        return cls(
            id=turn.id,
            session_id=session_id,
            index=turn.index,
            status=turn.status,
            input=list(turn.input),
            output_text=turn.output_text,
            output_parsed=_parsed(turn),
            items=list(turn.items),
            required_inputs=_required(turn),
            budget=turn.budget,
            paused=turn.pause,
            usage=Usage.of(turn.usage),
            timings=phases(step.timings for step in turn.steps),
            cost=Cost.of(turn.cost),
            steps=[Step.of(turn, step) for step in turn.steps] if told else None,
            steps_url=f"/v1/sessions/{session_id}/turns/{turn.id}/steps",
            trace_id=turn.trace_id,
            trace_url=trace_url(jaeger_url, turn),
            error=turn.error,
            incomplete_details=Incomplete(reason=turn.reason or "") if incomplete else None,
            metadata=turn.metadata,
            created_at=turn.created_at,
            started_at=turn.started_at,
            ended_at=turn.ended_at,
        )


def trace_url(jaeger_url: str | None, turn: domain.Turn) -> str | None:
    """Where Jaeger shows the turn's trace; None where none was recorded."""
    if jaeger_url is None or not turn.sampled:
        return None
    return f"{jaeger_url.rstrip('/')}/trace/{turn.trace_id}"


def _parsed(turn: domain.Turn) -> Any:
    if turn.status != "completed" or not isinstance(turn.output, values.JsonSchemaOutput):
        return None
    return json.loads(turn.output_text)


def _required(turn: domain.Turn) -> list[RequiredInput]:
    if turn.status != "waiting":
        return []
    kinds: list[tuple[Literal["tool_result", "in_doubt", "approval"], values.ToolCall]] = [
        ("approval", asked.call) for asked in turn.open_approvals
    ]
    for step in turn.tool_steps:
        if step.status == "in_doubt":
            kinds.append(("in_doubt", step.call))
        elif step.status == "running" and step.executor == "client":
            kinds.append(("tool_result", step.call))
    return [
        RequiredInput(type=kind, call_id=call.call_id, name=call.name, arguments=call.arguments)
        for kind, call in kinds
    ]


class TurnPage(Page[Turn]):
    pass


class OpenedSession(Session):
    turn: Turn | None = Field(None, description="The first turn, where there was an `input`.")

    @classmethod
    def opened(cls, session: domain.Session, turn: Turn | None) -> OpenedSession:
        return cls(turn=turn, **_session(session))
