"""The step ledger's rows, as they go out."""

from __future__ import annotations

from typing import Literal, assert_never

from pydantic import Field

from agent_serving.api.amounts import COST, Cost, PhaseTimings, StepUsage, Time, View
from agent_serving.api.paging import Page
from agent_serving.domain import step as domain
from agent_serving.domain import values
from agent_serving.domain.events import Attempt as EngineAttempt
from agent_serving.domain.feed import timings_data
from agent_serving.domain.prefix import lost_tokens
from agent_serving.domain.session import Turn
from agent_serving.domain.values import Effect, Failure, Outcome, PrefixReason


class StepTimings(PhaseTimings):
    ttft_ms: float | None = Field(description="From sending the request to the first token.")
    itl_p50_ms: float | None = Field(description="Between tokens.")
    itl_p99_ms: float | None

    @classmethod
    def of(cls, timings: values.Timings) -> StepTimings:
        return cls.model_validate(timings_data(timings))


class Prefix(View):
    """How much of what the engine had seen before it still had. The last token of a prompt is
    always computed, so at most `expected_tokens` - 1 can be cached, in whole pages of the engine's
    cache."""

    expected_tokens: int = Field(description="The transcript, as long as it was before this step.")
    cached_tokens: int = Field(description="Of the prompt, found in the engine's cache.")
    lost_tokens: int = Field(description="Could have been cached and were computed again.")
    reason: PrefixReason | None = Field(
        description="Null where nothing was lost. `cold`: nothing was expected, or what is missing "
        "was never computed before. `evicted`: the same worker had it and has given it up, for "
        "want of room or by a flush. `routed_elsewhere`: another worker computed it. "
        "`engine_restarted`: the worker was started anew. `tools_changed`: a fork has another "
        "opening than its origin. `compacted`: the transcript was shortened. `unknown`: the "
        "facts do not tell."
    )


class Attempt(View):
    """One request to the engine."""

    number: int
    rid: str = Field(description="The engine's id of the request.")
    worker: str
    status: Literal["completed", "failed", "cancelled"]
    usage: StepUsage
    timings: StepTimings
    cost: Cost | None = COST
    error: Failure | None

    @classmethod
    def of(cls, attempt: EngineAttempt) -> Attempt:
        return cls(
            number=attempt.number,
            rid=attempt.rid,
            worker=attempt.worker,
            status=attempt.status,
            usage=StepUsage.of_step(attempt.usage),
            timings=StepTimings.of(attempt.timings),
            cost=Cost.of(attempt.cost),
            error=attempt.error,
        )


class ToolUse(View):
    name: str
    call_id: str
    effect: Effect
    executor: Literal["server", "client"]
    arguments: str = Field(description="JSON text, as the model wrote it.")
    outcome: Outcome | None = Field(description="Null until it has a result.")


class Step(View):
    id: str
    object: Literal["step"] = "step"
    turn_id: str
    index: int
    kind: Literal["model", "tool", "approval", "compaction"]
    status: Literal["planned", "running", "completed", "failed", "in_doubt"]
    attempts: list[Attempt]
    worker: str | None = Field(description="Of the last attempt.")
    rid: str | None = Field(description="Of the last attempt.")
    usage: StepUsage
    prefix: Prefix | None = Field(
        description="Of model steps whose reply is whole: the engine tells then what it had "
        "cached. Null for others."
    )
    timings: StepTimings
    cost: Cost | None = COST
    tool: ToolUse | None
    error: Failure | None
    trace_id: str
    span_id: str | None
    started_at: Time
    ended_at: Time | None

    @classmethod
    def of(cls, turn: Turn, step: domain.ModelStep | domain.ToolStep) -> Step:
        attempts = list(step.attempts) if isinstance(step, domain.ModelStep) else []
        last = attempts[-1] if attempts else None
        return cls(
            id=step.id,
            turn_id=turn.id,
            index=step.index,
            kind=step.kind,
            status=step.status,
            attempts=[Attempt.of(attempt) for attempt in attempts],
            worker=last.worker if last else None,
            rid=last.rid if last else None,
            usage=StepUsage.of_step(step.usage),
            prefix=_prefix(step),
            timings=StepTimings.of(step.timings),
            cost=Cost.of(step.cost),
            tool=_tool(step),
            error=_error(step),
            trace_id=turn.trace_id,
            span_id=step.span_id,
            started_at=step.started_at,
            ended_at=step.ended_at,
        )


class StepPage(Page[Step]):
    pass


def _prefix(step: domain.ModelStep | domain.ToolStep) -> Prefix | None:
    if not isinstance(step, domain.ModelStep) or not step.attempts:
        return None
    attempt = step.attempts[-1]
    if attempt.status != "completed":
        return None
    cached = attempt.usage.cached_tokens
    lost = lost_tokens(step.expected_tokens, cached, attempt.page_tokens)
    return Prefix(
        expected_tokens=step.expected_tokens,
        cached_tokens=cached,
        lost_tokens=lost,
        reason=attempt.prefix_reason or ("unknown" if lost else None),
    )


def _tool(step: domain.ModelStep | domain.ToolStep) -> ToolUse | None:
    if isinstance(step, domain.ModelStep):
        return None
    return ToolUse(
        name=step.call.name,
        call_id=step.call.call_id,
        effect=step.effect,
        executor=step.executor,
        arguments=step.call.arguments,
        outcome=step.result.outcome if step.result else None,
    )


def _error(step: domain.ModelStep | domain.ToolStep) -> Failure | None:
    match step:
        case domain.ModelStep():
            return step.error
        case domain.ToolStep(result=values.ToolResult() as result) if result.outcome != "ok":
            return Failure(code=result.outcome, message=result.output)
        case domain.ToolStep():
            return None
        case _:
            assert_never(step)
