"""Tool calls: claimed before they start, run side by side, each result a fact of its own."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from agent_serving.domain import events as e
from agent_serving.domain.decide import RunTools
from agent_serving.domain.errors import Fenced, ImpossibleEvent, LogGone
from agent_serving.domain.refusal import check_call
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ToolStep
from agent_serving.domain.tool import ToolContext
from agent_serving.domain.values import ReplyItem, Timings, ToolCall, ToolResult, ToolSpec
from agent_serving.ports import Ports
from agent_serving.runtime.leases import OwnJournal
from agent_serving.runtime.memory import StoredMemory
from agent_serving.runtime.trace import traceparent

STORE_PATIENCE_SECONDS = 300.0
"""How long a result is held for a store that cannot be reached."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """A streaming reply down to its last complete call: its items, and the ids that are not in
    the transcript yet."""

    items: tuple[ReplyItem, ...]
    tokens: tuple[int, ...]


WHOLE = SoFar((), ())
"""Nothing to bring along: the reply is in the transcript already."""


class ToolSteps:
    """The calls that run in this process for one session, by call id."""

    def __init__(self, ports: Ports, journal: OwnJournal) -> None:
        self._ports = ports
        self._journal = journal
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, action: RunTools) -> None:
        """Start, refuse and resume what the action says, then wait until the calls are done, the
        turn is cancelled or its time is up."""
        for call, result in action.rejected:
            await self._reject(action.turn, action.model_step.id, call, result)
        for call, spec in action.new:
            await self._start(action.turn.id, action.model_step.id, call, spec)
        for step in action.running:
            if step.call.call_id not in self._running:
                await self._adopt(action.turn, step)
        await self._wait(action.turn)

    async def offer(self, turn_id: str, model_step_id: str, call: ToolCall, so_far: SoFar) -> bool:
        """A complete call of a reply that is still streaming: start it if it may run. One that may
        not is refused, or asked about, when the reply is whole. True when it was claimed, and
        `so_far` with it."""
        session = self._journal.session
        turn = session.active
        if turn is None or turn.id != turn_id or turn.cancel is not None:
            return False
        spec = session.agent.tool(call.name)
        if spec is None or spec.requires_approval:
            return False
        if check_call(session.agent, turn, call) is not None:
            return False
        return await self._start(turn_id, model_step_id, call, spec, so_far)

    async def _start(
        self,
        turn_id: str,
        model_step_id: str,
        call: ToolCall,
        spec: ToolSpec,
        so_far: SoFar = WHOLE,
    ) -> bool:
        begun = self._ports.clock.monotonic()
        step_id = self._ports.new_id("step")

        def is_claimed(session: Session) -> bool:
            turn = session.active
            return turn is not None and any(step.id == step_id for step in turn.tool_steps)

        def claim(session: Session) -> e.ToolStarted | None:
            turn = session.active
            if turn is None or turn.id != turn_id or turn.cancel is not None:
                return None
            if is_claimed(session):
                return None  # written already, by a try whose answer was lost
            return e.ToolStarted(
                at=self._ports.clock.now(),
                turn_id=turn_id,
                step_id=step_id,
                span_id=secrets.token_hex(8),
                model_step_id=model_step_id,
                call=call,
                effect=spec.effect,
                executor=spec.executor,
                items=so_far.items,
                output_tokens=len(so_far.tokens),
                cost=self._ports.prices.call(session, call.name),
            )

        await self._journal.commit(claim, so_far.tokens, patience=STORE_PATIENCE_SECONDS)
        claimed = is_claimed(self._journal.session)
        if claimed and spec.executor == "server":
            self._dispatch(step_id, spec, begun)
        return claimed

    async def abandon(self) -> None:
        """Cancel what still runs here; the turn's end answers for it."""
        tasks, self._running = list(self._running.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _adopt(self, turn: Turn, step: ToolStep) -> None:
        """A call whose process died: it may have run. Where running it twice is harmless it runs
        again under the same idempotency key; else somebody has to say what happened."""

        def doubted(session: Session) -> e.ToolDoubted | None:
            active = session.active
            if active is None or step not in active.tool_steps:
                return None  # written already, by a try whose answer was lost
            return e.ToolDoubted(at=self._ports.clock.now(), turn_id=turn.id, step_id=step.id)

        spec = self._journal.session.agent.tool(step.call.name)
        if step.effect == "once" or spec is None:
            await self._journal.commit(doubted, patience=STORE_PATIENCE_SECONDS)
        else:
            self._dispatch(step.id, spec, self._ports.clock.monotonic())

    async def _reject(
        self, turn: Turn, model_step_id: str, call: ToolCall, result: ToolResult
    ) -> None:
        def rejected(session: Session) -> e.ToolRejected | None:
            active = session.active
            if active is not None and call.call_id in active.answers(model_step_id):
                return None  # written already, by a try whose answer was lost
            return e.ToolRejected(
                at=self._ports.clock.now(),
                turn_id=turn.id,
                step_id=self._ports.new_id("step"),
                model_step_id=model_step_id,
                call=call,
                result=result,
            )

        await self._journal.commit(rejected, patience=STORE_PATIENCE_SECONDS)

    async def _wait(self, turn: Turn) -> None:
        if not self._running:
            return
        left = (turn.deadline - self._ports.clock.now()).total_seconds()
        cancelled = asyncio.ensure_future(
            self._journal.until(lambda s: s.active is None or s.active.cancel is not None)
        )
        done: asyncio.Future[list[BaseException | None]] = asyncio.gather(
            *self._running.values(), return_exceptions=True
        )
        try:
            waiting: set[asyncio.Future[Any]] = {cancelled, done}
            await asyncio.wait(waiting, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
            if cancelled.done():
                cancelled.result()  # raises LogGone
        finally:
            cancelled.cancel()
        if done.done():
            finished, self._running = self._running, {}
            for task in finished.values():
                task.result()

    def _dispatch(self, step_id: str, spec: ToolSpec, begun: float) -> None:
        turn = self._journal.session.active
        assert turn is not None
        step = next(s for s in turn.tool_steps if s.id == step_id)
        self._running[step.call.call_id] = asyncio.create_task(
            self._run(turn, step, spec, begun), name=f"tool {spec.name} {step_id}"
        )

    async def _run(self, turn: Turn, step: ToolStep, spec: ToolSpec, begun: float) -> None:
        clock = self._ports.clock
        started = clock.monotonic()
        # Between the claim and here the process may have stood still for long.
        await self._journal.certain()
        result = await self._ports.tools.run(spec, step.call, self._context(turn, step, spec))
        ended = clock.monotonic()
        timings = Timings(tool_ms=(ended - started) * 1000, total_ms=(ended - begun) * 1000)

        def finished(session: Session) -> e.ToolFinished | None:
            active = session.active
            if active is None or active.id != turn.id:
                return None
            now = clock.now()
            return e.ToolFinished(
                at=now,
                turn_id=turn.id,
                step_id=step.id,
                name=spec.name,
                result=result,
                timings=timings,
                cost=self._ports.prices.residency(session, step, now),
                resumes=active.resumed_by(step.call.call_id),
            )

        try:
            await self._journal.commit(finished, patience=STORE_PATIENCE_SECONDS)
        except (LogGone, Fenced):
            raise
        except ImpossibleEvent:
            return  # another process has answered for this call

    def _context(self, turn: Turn, step: ToolStep, spec: ToolSpec) -> ToolContext:
        session = self._journal.session
        timeout = timedelta(seconds=spec.timeout_seconds)
        return ToolContext(
            session_id=session.id,
            turn_id=turn.id,
            call_id=step.call.call_id,
            tenant=session.tenant,
            deadline=min(self._ports.clock.now() + timeout, turn.deadline),
            idempotency_key=step.call.call_id,
            traceparent=traceparent(turn.trace_id, step.span_id, sampled=turn.sampled),
            memory=StoredMemory(self._ports.store, session.id, self._journal.lease),
        )
