"""Sessions that are over, written into the store fact by fact with times and figures of our own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from agent_serving.domain import events as e
from agent_serving.domain.cost import Cost
from agent_serving.domain.feed import project
from agent_serving.domain.fold import apply
from agent_serving.domain.session import Session
from agent_serving.domain.summary import summary
from agent_serving.domain.values import (
    Agent,
    MessageItem,
    Outcome,
    PrefixReason,
    ReasoningItem,
    Timings,
    ToolCall,
    ToolCallItem,
    ToolResult,
    ToolSpec,
    Usage,
)
from agent_serving.ports import Append, Ports

PER_INPUT, PER_CACHED, PER_OUTPUT = Decimal("2E-6"), Decimal("2E-7"), Decimal("8E-6")
GPU_SECOND = Decimal("0.0008")


@dataclass(frozen=True, slots=True)
class Call:
    """`at` and `took` in ms, from the start of the first call of the step."""

    name: str
    arguments: Any
    output: str
    took: float
    at: float = 0.0
    outcome: Outcome = "ok"


class History:
    """The clock goes on as the steps say; `store` writes it all at once."""

    def __init__(self, ports: Ports, *, start: datetime | None = None, **opening: Any) -> None:
        self.ports = ports
        self.now = start or datetime.now(UTC) - timedelta(minutes=5)
        self.facts: list[e.AnyFact] = []
        self.session: Session | None = None
        name = opening.pop("name", "helper")
        tools = tuple(ToolSpec(name=tool) for tool in opening.pop("tools", ("search",)))
        agent = Agent(
            id=ports.new_id("agent"), name=name, version=3, model="m", dialect="qwen", tools=tools
        )
        self.id = ports.new_id("sess")
        self._add(
            e.SessionOpened,
            session_id=self.id,
            tenant="default",
            agent=agent,
            metadata=opening.pop("metadata", {}),
        )

    @property
    def _state(self) -> Session:
        assert self.session is not None
        return self.session

    def later(self, ms: float) -> None:
        self.now += timedelta(milliseconds=ms)

    def ask(self, text: str) -> str:
        turn_id = self.ports.new_id("turn")
        item = MessageItem(id=self.ports.new_id("item"), role="user", text=text)
        self._add(e.TurnAccepted, turn_id=turn_id, input=(item,), trace_id="4bf92f3577b34da6" * 2)
        return turn_id

    def reply(
        self,
        text: str = "",
        *,
        reasoning: str = "",
        calls: Sequence[Call] = (),
        new_tokens: int = 200,
        output_tokens: int = 40,
        lost: int = 0,
        reason: PrefixReason | None = None,
        phases: tuple[float, float, float, float, float] = (1, 2, 60, 400, 6),
    ) -> None:
        """`phases`: admission, engine queue, prefill, decode and the rest, in ms. The calls are
        run behind the reply, each at its own time."""
        state = self._state
        assert state.active is not None
        turn_id, step_id = state.active.id, self.ports.new_id("step")
        expected = state.token_count
        self._add(
            e.StepPlanned,
            turn_id=turn_id,
            step_id=step_id,
            span_id="00f067aa0ba902b7",
            rendered_tokens=new_tokens,
            prompt_tokens=expected + new_tokens,
            expected_tokens=expected,
            max_new_tokens=1024,
            tools_offered=True,
        )
        admission, queue, prefill, decode, _rest = phases
        self.later(sum(phases))
        mark = f"item_{step_id.removeprefix('step_')}"
        made = [
            ToolCall(call_id=self.ports.new_id("call"), name=call.name, arguments=_text(call))
            for call in calls
        ]
        items: list[Any] = []
        if reasoning:
            items.append(ReasoningItem(id=f"{mark}_r", text=reasoning))
        if text:
            items.append(MessageItem(id=f"{mark}_m", role="assistant", text=text))
        items += [ToolCallItem(id=f"{mark}_{n}", **dict(c)) for n, c in enumerate(made)]
        cached = max(expected - 1 - lost, 0)
        timings = Timings(
            admission_ms=admission,
            engine_queue_ms=queue,
            prefill_ms=prefill,
            decode_ms=decode,
            total_ms=sum(phases),
            ttft_ms=queue + prefill,
            itl_p50_ms=decode / output_tokens,
            itl_p99_ms=decode / output_tokens * 2.4,
        )
        attempt = e.Attempt(
            number=1,
            rid=step_id.removeprefix("step_"),
            worker="http://gpu-0:30000",
            status="completed",
            usage=Usage(
                input_tokens=expected + new_tokens,
                cached_tokens=cached,
                output_tokens=output_tokens,
                reasoning_tokens=output_tokens // 2 if reasoning else 0,
                model_steps=1,
            ),
            timings=timings,
            cost=Cost(
                currency="USD",
                input=PER_INPUT * (expected + new_tokens - cached),
                cached_input=PER_CACHED * cached,
                output=PER_OUTPUT * output_tokens,
                gpu_seconds=Decimal(str(prefill + decode)) / 1000,
                prefix_miss=PER_INPUT * lost,
            ),
            prefix_reason=reason,
        )
        self._add(
            e.ModelReplied,
            turn_id=turn_id,
            step_id=step_id,
            items=tuple(items),
            finish="stop",
            output_tokens=output_tokens,
            reply_open=False,
            attempt=attempt,
            timings=timings,
        )
        self._run(turn_id, step_id, list(zip(calls, made, strict=True)))

    def end(self) -> None:
        turn = self._state.active
        assert turn is not None
        self._add(e.TurnEnded, turn_id=turn.id, status="completed", idle=True)

    async def store(self) -> str:
        """The session's id. Nothing is left open, so no replica will take it for its own."""
        session: Session | None = None
        for version, fact in enumerate(self.facts):
            session = apply(session, fact)
            last = version == len(self.facts) - 1
            await self.ports.store.append(
                Append(
                    session_id=self.id,
                    tenant=session.tenant,
                    version=version,
                    fact=fact.model_dump_json().encode(),
                    width=len(project(fact)),
                    summary=summary(self._state),
                    open=False,
                    snapshot=session.model_dump_json().encode() if last else None,
                )
            )
        return self.id

    def _run(self, turn_id: str, model_step_id: str, calls: list[tuple[Call, ToolCall]]) -> None:
        begin = self.now
        moments: list[tuple[float, int, Call, ToolCall]] = []
        for call, made in calls:
            moments += [(call.at, 0, call, made), (call.at + call.took, 1, call, made)]
        steps: dict[str, str] = {}
        for moment, is_end, call, made in sorted(moments, key=lambda row: row[:2]):
            self.now = begin + timedelta(milliseconds=moment)
            if not is_end:
                steps[made.call_id] = self.ports.new_id("step")
                self._add(
                    e.ToolStarted,
                    turn_id=turn_id,
                    step_id=steps[made.call_id],
                    span_id="b7ad6b7169203331",
                    model_step_id=model_step_id,
                    call=made,
                    effect="pure",
                    executor="server",
                )
                continue
            result = ToolResult(call_id=made.call_id, output=call.output, outcome=call.outcome)
            rest = min(call.took, 3.0)
            self._add(
                e.ToolFinished,
                turn_id=turn_id,
                step_id=steps[made.call_id],
                name=call.name,
                result=result,
                timings=Timings(tool_ms=call.took - rest, total_ms=call.took),
                cost=Cost(currency="USD", kv_residency=Decimal(str(call.took)) * GPU_SECOND / 9000),
            )

    def _add(self, kind: type[Any], **fields: Any) -> None:
        fact = kind(at=self.now, **fields)
        self.session = apply(self.session, fact)
        self.facts.append(fact)


def _text(call: Call) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
