"""Model steps: plan the prompt, stream the reply, commit exactly what the engine returned."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import aclosing
from typing import Literal

from agent_serving.domain import events as e
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.decide import Generate, PlanStep
from agent_serving.domain.errors import (
    AgentServingError,
    CapacityError,
    ContextLengthExceeded,
    EngineUnavailable,
    InvalidRequest,
    Overloaded,
    VoidReply,
)
from agent_serving.domain.partial import TakeWhole, room
from agent_serving.domain.reply import Piece
from agent_serving.domain.session import Session
from agent_serving.domain.span import attempt_span_id
from agent_serving.domain.step import ModelStep, step_timings
from agent_serving.domain.values import Failure
from agent_serving.ports import Admission, Generation, Ports
from agent_serving.runtime.admission import admitted
from agent_serving.runtime.deltas import DeltaWriter
from agent_serving.runtime.leases import OwnJournal
from agent_serving.runtime.lost_reply import STORE_PATIENCE_SECONDS, LostReplies, running_step
from agent_serving.runtime.prefix import explain_prefix
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.reply import Reply, Torn, complete_calls
from agent_serving.runtime.tool_step import ToolSteps
from agent_serving.runtime.trace import traceparent

MAX_ATTEMPTS = 3
BACKOFF_SECONDS = 0.5
DEFAULT_REPLY_TOKENS = 2048
"""Of a reply whose agent sets no `max_output_tokens`. The engine reserves KV for it."""

Cut = Literal["cancelled", "interrupted"]


class ModelSteps:
    def __init__(
        self,
        ports: Ports,
        journal: OwnJournal,
        renderer: Renderer,
        tools: ToolSteps,
        lost: LostReplies,
    ) -> None:
        self._ports = ports
        self._journal = journal
        self._renderer = renderer
        self._tools = tools
        self._lost_replies = lost
        self._begun: dict[str, float] = {}
        self._lost_workers: set[str] = set()

    async def plan(self, action: PlanStep) -> None:
        begun = self._ports.clock.monotonic()
        started_at = self._ports.clock.now()
        session = self._journal.session
        try:
            tokens = await self._render(session)
        except (ContextLengthExceeded, InvalidRequest, EngineUnavailable) as error:
            await self._fail(action.turn.id, None, error)
            return
        prompt_tokens = session.token_count + len(tokens)
        agent = session.agent
        limit = self._renderer.context_length(agent)
        room = action.max_new_tokens if limit is None else limit - prompt_tokens
        reply = agent.sampling.max_output_tokens or DEFAULT_REPLY_TOKENS
        step_id = self._ports.new_id("step")

        def planned(now: Session) -> e.StepPlanned | None:
            if now.version != session.version:
                return None  # something came in meanwhile and has to be rendered too
            return e.StepPlanned(
                at=started_at,
                turn_id=action.turn.id,
                step_id=step_id,
                span_id=secrets.token_hex(8),
                rendered_tokens=len(tokens),
                prompt_tokens=prompt_tokens,
                expected_tokens=session.token_count,
                max_new_tokens=min(reply, action.max_new_tokens, room),
                tools_offered=bool(agent.tools),
            )

        await self._journal.commit(planned, tokens, patience=STORE_PATIENCE_SECONDS)
        turn = self._journal.session.active
        last = turn and turn.last_model_step
        if last and last.id == step_id:
            self._begun[step_id] = begun

    async def generate(self, action: Generate) -> None:
        """One attempt. Ends with a fact: the reply, its loss, or the failure of the step."""
        step, agent = action.step, self._journal.session.agent
        try:
            dialect = self._renderer.dialect(agent)
        except EngineUnavailable as error:
            await self._fail(action.turn.id, step.id, error)
            return
        if step.id not in self._begun:
            await self._take_over(action)
            return
        reply = Reply(
            dialect,
            step,
            action.attempt,
            self._ports.clock,
            calls=bool(agent.tools) and action.tool_choice != "none",
            partial=self._lost_replies.base(step),
        )
        try:
            cut = await self._unless_cut(action, reply)
        except Torn:
            torn = EngineUnavailable("What was streamed is not what its tokens spell.")
            await self._lost_replies.start_anew(action, reply.attempt("failed", torn))
            return
        except (EngineUnavailable, Overloaded) as error:
            await self._lost(action, reply, error)
            return
        except (InvalidRequest, ContextLengthExceeded) as error:
            if not await self._kept_calls(action, reply):
                attempt = self._priced(step, reply.attempt("failed", error))
                await self._fail(action.turn.id, step.id, error, attempt)
            return
        await self._commit(action, reply, cut)

    async def _take_over(self, action: Generate) -> None:
        """Another loop began this step, here or in a process that died."""
        step, clock = action.step, self._ports.clock
        taken = (clock.now() - step.started_at).total_seconds()
        self._begun[step.id] = clock.monotonic() - max(taken, 0.0)
        await self._lost_replies.adopt(action, constrained=self._constraint(action) is not None)

    async def _unless_cut(self, action: Generate, reply: Reply) -> Cut | None:
        """Stream the reply; None when it is whole. Stops it when the turn is cancelled or its
        time is up, and returns once the engine has let go of the request."""
        streaming = asyncio.ensure_future(self._stream(action, reply))
        cancelled = asyncio.ensure_future(
            self._journal.until(lambda s: s.active is None or s.active.cancel is not None)
        )
        left = (action.turn.deadline - self._ports.clock.now()).total_seconds()
        try:
            await asyncio.wait(
                {streaming, cancelled}, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED
            )
            if streaming.done():
                streaming.result()
                return None
            return "cancelled" if cancelled.done() else "interrupted"
        finally:
            cancelled.cancel()
            streaming.cancel()
            await asyncio.gather(streaming, cancelled, return_exceptions=True)

    async def _stream(self, action: Generate, reply: Reply) -> None:
        session, step = self._journal.session, action.step
        writer = DeltaWriter(self._ports.store, session.id, self._journal.lease, reply)
        prompt = (await self._journal.transcript())[: step.prompt_tokens]
        admission = Admission(
            session_id=session.id,
            tenant=session.tenant,
            service_class=session.agent.service_class,
            model=session.agent.model,
            prompt_tokens=step.prompt_tokens + reply.base,
            max_new_tokens=room(step, action.max_new_tokens, reply.base),
            avoid=frozenset(self._lost_workers),
        )
        try:
            reply.end_of_turn = await self._ports.engine.end_of_turn(
                dialect=self._renderer.dialect(session.agent)
            )
            async with admitted(self._ports, admission) as grant:
                reply.admitted(grant, self._ports.engine.workers())
                if reply.base:
                    writer.add(reply.deltas(action.turn.id, await self._respelled(reply, prompt)))
                    prompt.extend(reply.tokens)
                generation = self._generation(action, reply, prompt)
                await self._journal.certain()
                async with aclosing(self._ports.engine.generate(generation)) as stream:
                    async for part in stream:
                        pieces = reply.take(part)
                        writer.add(reply.deltas(action.turn.id, pieces))
                        for call in complete_calls(pieces):
                            await writer.flush()
                            so_far = reply.so_far(self._known(step))
                            await self._tools.offer(action.turn.id, step.id, call, so_far)
        finally:
            await asyncio.shield(writer.flush())

    async def _respelled(self, reply: Reply, prompt: Sequence[int]) -> list[Piece]:
        """The seam between what earlier attempts have said and what this one will."""
        try:
            return reply.respell(await self._ports.engine.spell(reply.tokens, behind=prompt))
        except InvalidRequest as error:
            raise Torn from error

    def _known(self, step: ModelStep) -> int:
        """How many ids of the reply to a running step are in the transcript: those that claims
        have brought."""
        return self._journal.session.token_count - step.prompt_tokens

    def _generation(self, action: Generate, reply: Reply, prompt: Sequence[int]) -> Generation:
        session, agent = self._journal.session, self._journal.session.agent
        return Generation(
            rid=reply.rid,
            session_id=session.id,
            tenant=session.tenant,
            prompt=prompt,
            max_new_tokens=room(action.step, action.max_new_tokens, reply.base),
            sampling=agent.sampling,
            constraint=self._constraint(action),
            worker=reply.worker,
            traceparent=traceparent(
                action.turn.trace_id,
                attempt_span_id(action.step.span_id, action.attempt),
                sampled=action.turn.sampled,
            ),
            tracestate=action.turn.tracestate,
            priority=agent.service_class,
        )

    def _constraint(self, action: Generate) -> Constraint | None:
        return self._renderer.constraint(self._journal.session.agent, action)

    async def _commit(self, action: Generate, reply: Reply, cut: Cut | None) -> None:
        """The reply as it is: whole, or cut where the turn was stopped."""
        if cut is not None:
            reply.cut(cut)
        finish = reply.finish or cut
        assert finish is not None
        await explain_prefix(self._ports.engine, self._journal.session, reply)
        step = action.step
        attempt = self._priced(step, reply.attempt("completed" if reply.finish else "cancelled"))
        total_ms = (self._ports.clock.monotonic() - self._begun.pop(step.id)) * 1000
        known = self._known(step)
        rest = tuple(reply.tokens[known:])

        def replied(session: Session) -> e.ModelReplied | None:
            if not running_step(session, step) or session.token_count != step.prompt_tokens + known:
                return None  # written already, by a try whose answer was lost
            return e.ModelReplied(
                at=self._ports.clock.now(),
                turn_id=action.turn.id,
                step_id=step.id,
                items=reply.items,
                finish=finish,
                output_tokens=len(rest),
                reply_open=reply.open,
                attempt=attempt,
                timings=step_timings((*step.attempts, attempt), total_ms),
            )

        await self._journal.commit(replied, rest, patience=STORE_PATIENCE_SECONDS)

    async def _lost(self, action: Generate, reply: Reply, error: CapacityError) -> None:
        """The engine let go of the attempt. What has been acted on is kept; the rest of the reply,
        or the reply, is tried again; a void one as a whole."""
        if await self._kept_calls(action, reply):
            return
        attempt = reply.attempt("failed", error)
        found = await self._lost_replies.retry(
            action,
            attempt,
            constrained=self._constraint(action) is not None,
            void=isinstance(error, VoidReply),
            last=action.attempt >= MAX_ATTEMPTS,
        )
        if found is None:
            priced = self._priced(action.step, attempt)
            await self._fail(action.turn.id, action.step.id, error, priced)
            return
        if reply.worker:
            self._lost_workers.add(reply.worker)
        if not isinstance(found, TakeWhole):
            await asyncio.sleep(BACKOFF_SECONDS * 2 ** (action.attempt - 1))
            await self._ports.engine.probe()

    async def _kept_calls(self, action: Generate, reply: Reply) -> bool:
        """True when calls of the lost reply have started: then it ends behind the last of them."""
        turn = self._journal.session.active
        if turn is None or not turn.answers(action.step.id):
            return False
        reply.keep_whole_calls()
        await self._commit(action, reply, "interrupted")
        return True

    def _priced(self, step: ModelStep, attempt: e.Attempt) -> e.Attempt:
        return attempt.but(cost=self._ports.prices.attempt(self._journal.session, step, attempt))

    async def _render(self, session: Session) -> tuple[int, ...]:
        for attempt in range(1, MAX_ATTEMPTS):
            try:
                return await self._renderer.render(session)
            except EngineUnavailable:
                await asyncio.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
                await self._ports.engine.probe()
        return await self._renderer.render(session)

    async def _fail(
        self,
        turn_id: str,
        step_id: str | None,
        error: AgentServingError,
        attempt: e.Attempt | None = None,
    ) -> None:
        def failed(session: Session) -> e.StepFailed | None:
            turn = session.active
            if turn is None or turn.id != turn_id or turn.error is not None:
                return None  # written already, by a try whose answer was lost
            return e.StepFailed(
                at=self._ports.clock.now(),
                turn_id=turn_id,
                step_id=step_id,
                attempt=attempt,
                error=Failure(code=error.code, message=error.message),
            )

        await self._journal.commit(failed, patience=STORE_PATIENCE_SECONDS)
