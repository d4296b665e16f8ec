"""What goes out: agents, sessions, turns. The ledger's rows are in `ledger`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from agent_serving.api.paging import Page
from agent_serving.domain import cost as costs
from agent_serving.domain import session as domain
from agent_serving.domain import summary, values
from agent_serving.domain.events import ForkOrigin
from agent_serving.domain.feed import timings_data
from agent_serving.domain.values import Budget, Failure, Item, Limits, MessageItem, Pause


def rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.123456Z"]}
    ),
]


class View(BaseModel):
    model_config = ConfigDict(frozen=True)


class Deleted(View):
    id: str
    object: Literal["agent.deleted", "session.deleted", "batch.deleted"]
    deleted: Literal[True] = True


# --- usage ----------------------------------------------------------------------------------


class StepUsage(View):
    """Tokens, all attempts together. `input_tokens` are cached and uncached ones;
    `output_tokens` include reasoning."""

    input_tokens: int
    cached_tokens: int = Field(description="Whose KV the engine still had.")
    uncached_tokens: int
    output_tokens: int
    reasoning_tokens: int

    @classmethod
    def of_step(cls, usage: values.Usage) -> StepUsage:
        return StepUsage(
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            uncached_tokens=usage.uncached_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
        )


class Usage(StepUsage):
    """What turns used; the steps add up to it."""

    model_steps: int
    tool_calls: int

    @classmethod
    def of(cls, usage: values.Usage) -> Usage:
        tokens = StepUsage.of_step(usage).model_dump()
        return cls(**tokens, model_steps=usage.model_steps, tool_calls=usage.tool_calls)


class Cost(View):
    """Money as decimal strings, exact. The parts add up to `total`."""

    currency: str
    input: str = Field(description="Input tokens that were computed, and the GPU time of prefill.")
    cached_input: str = Field(description="Input tokens whose KV the engine still had.")
    output: str = Field(description="Output tokens, and the GPU time of decode.")
    tool: str = Field(description="Tool calls, by the tool's price.")
    kv_residency: str = Field(description="KV held while tools ran.")
    total: str
    gpu_seconds: str = Field(description="Prefill and decode, as the engine measured them.")
    prefix_miss: str = Field(
        description="What it cost to compute again what had been in the cache. Part of `input`."
    )

    @classmethod
    def of(cls, cost: costs.Cost) -> Cost | None:
        if cost.currency is None:
            return None
        amounts = {part: decimal_text(getattr(cost, part)) for part in (*costs.PARTS, "total")}
        return cls(currency=cost.currency, **amounts)


COST = Field(None, description="Null where no prices are configured.")


def decimal_text(amount: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    return f"{amount.normalize():f}" if amount else "0"


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


class PhaseTimings(View):
    """Milliseconds. The phases add up to `total_ms`."""

    admission_ms: float = Field(description="Waiting for a place on a worker.")
    engine_queue_ms: float = Field(description="Waiting inside the engine.")
    prefill_ms: float
    decode_ms: float
    tool_ms: float
    orchestration_ms: float = Field(description="What is left: this service and its store.")
    total_ms: float


def phases(timings: Iterable[values.Timings]) -> PhaseTimings:
    """What the rows show is what is added, so that it adds up to the last digit."""
    rows = [timings_data(row) for row in timings]
    return PhaseTimings(
        **{
            phase: round(sum(row[phase] or 0.0 for row in rows), 3)
            for phase in PhaseTimings.model_fields
        }
    )


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
    def of(cls, session_id: str, turn: domain.Turn, *, jaeger_url: str | None) -> Turn:
        incomplete = turn.status == "incomplete" and turn.reason is not None
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
