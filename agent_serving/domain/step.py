"""What a turn consists of: a reply of the model, or the run of a tool."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from agent_serving.domain.cost import Cost, total_of
from agent_serving.domain.events import Attempt
from agent_serving.domain.values import (
    Effect,
    Failure,
    MessageItem,
    ReplyItem,
    Timings,
    ToolCall,
    ToolCallItem,
    ToolResult,
    ToolResultItem,
    Usage,
    Value,
    total_usage,
)

_RUN = Usage(tool_calls=1)
_REFUSED = Usage()


class ModelStep(Value):
    kind: Literal["model"] = "model"
    id: str
    index: int
    span_id: str
    status: Literal["running", "completed", "failed"] = "running"
    prompt_tokens: int
    rendered_tokens: int
    expected_tokens: int
    max_new_tokens: int
    tools_offered: bool
    attempts: tuple[Attempt, ...] = ()
    items: tuple[ReplyItem, ...] = ()
    finish: Literal["stop", "length", "cancelled", "interrupted"] | None = None
    answer_rejected: bool = False
    error: Failure | None = None
    timings: Timings = Timings()
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The complete calls of the reply, in its order; of a running step, as far as claimed."""
        return tuple(
            item.call
            for item in self.items
            if isinstance(item, ToolCallItem) and item.status == "completed"
        )

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items if isinstance(item, MessageItem))

    @property
    def usage(self) -> Usage:
        return total_usage(attempt.usage for attempt in self.attempts)

    @property
    def cost(self) -> Cost:
        return total_of(attempt.cost for attempt in self.attempts)


class ToolStep(Value):
    kind: Literal["tool"] = "tool"
    id: str
    index: int
    span_id: str | None = None
    """None where the call was refused: it never ran."""
    model_step_id: str
    call: ToolCall
    effect: Effect = "pure"
    executor: Literal["server", "client"] = "server"
    status: Literal["running", "completed", "failed", "in_doubt"] = "running"
    released: bool = False
    """A claim that was given up after a doubt; the call is open again."""
    result: ToolResult | None = None
    timings: Timings = Timings()
    cost: Cost = Cost()
    started_at: datetime
    ended_at: datetime | None = None

    @property
    def item(self) -> ToolResultItem | None:
        if self.result is None:
            return None
        return result_item(self.id, self.call.name, self.result)

    @property
    def usage(self) -> Usage:
        return _REFUSED if self.span_id is None else _RUN


Step = Annotated[ModelStep | ToolStep, Field(discriminator="kind")]


def result_item(step_id: str, name: str, result: ToolResult) -> ToolResultItem:
    return ToolResultItem(
        id=f"item_{step_id.removeprefix('step_')}",
        call_id=result.call_id,
        name=name,
        output=result.output,
        outcome=result.outcome,
    )


def step_timings(attempts: Iterable[Attempt], total_ms: float) -> Timings:
    """Of a whole step: the phases of all attempts, the latencies of the last one."""
    all_attempts = list(attempts)
    last = all_attempts[-1].timings if all_attempts else Timings()
    return Timings(
        admission_ms=sum(a.timings.admission_ms for a in all_attempts),
        engine_queue_ms=sum(a.timings.engine_queue_ms for a in all_attempts),
        prefill_ms=sum(a.timings.prefill_ms for a in all_attempts),
        decode_ms=sum(a.timings.decode_ms for a in all_attempts),
        ttft_ms=last.ttft_ms,
        itl_p50_ms=last.itl_p50_ms,
        itl_p99_ms=last.itl_p99_ms,
        total_ms=total_ms,
    )
