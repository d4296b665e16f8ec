"""Replies that nobody receives any more: their engine died, or the process that ran the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from agent_serving.domain import events as e
from agent_serving.domain.attempt import Attempt
from agent_serving.domain.decide import CloseReply, Generate, tool_choice
from agent_serving.domain.errors import StoreUnavailable
from agent_serving.domain.partial import (
    GoOn,
    Partial,
    Recovery,
    StartAnew,
    TakeWhole,
    lost_attempt,
    recovery,
)
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.step import ModelStep, step_timings
from agent_serving.domain.values import Usage
from agent_serving.ports import Ports
from agent_serving.runtime.journal import STORE_RETRY_SECONDS
from agent_serving.runtime.leases import OwnJournal
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.reply import Reply

STORE_PATIENCE_SECONDS = 300.0


class LostReplies:
    """Ends what is left of a reply with a fact: that it goes on, starts anew, or is whole. The
    policy is `partial.recovery`."""

    def __init__(self, ports: Ports, journal: OwnJournal, renderer: Renderer) -> None:
        self._ports = ports
        self._journal = journal
        self._renderer = renderer
        self._bases: dict[str, Partial] = {}

    def base(self, step: ModelStep) -> Partial | None:
        """What the next attempt at the step goes on from."""
        return self._bases.pop(step.id, None)

    async def adopt(self, action: Generate, *, constrained: bool) -> None:
        """Another loop began this step, here or in a process that died."""
        step, partial = action.step, await self._partial(action.step)
        found = recovery(partial, step, left=action.max_new_tokens, constrained=constrained)
        lost = lost_attempt(step, partial, counts=isinstance(found, TakeWhole))
        await self._settle(action, found, lost)

    async def retry(
        self, action: Generate, attempt: Attempt, *, constrained: bool, void: bool, last: bool
    ) -> Recovery | None:
        """The engine let go of this attempt, or what is kept of it is `void`. None where it was the
        `last` one, and left something to be said: then nothing is settled."""
        step, partial = action.step, await self._partial(action.step)
        found = recovery(partial, step, left=action.max_new_tokens, constrained=constrained)
        if void:
            found = StartAnew(None if partial is None else partial.since)
        if last and not isinstance(found, TakeWhole):
            return None
        if isinstance(found, TakeWhole):
            attempt = attempt.but(usage=attempt.usage.but(model_steps=1))
        await self._settle(action, found, attempt)
        return found

    async def start_anew(self, action: Generate, attempt: Attempt) -> None:
        """What is kept of the reply is of no use."""
        partial = await self._partial(action.step)
        since = None if partial is None else partial.since
        await self._settle(action, StartAnew(since), attempt)

    async def let_go(self, turn: Turn) -> None:
        """The turn ends: what its last reply has said, and nobody has taken in, is kept."""
        step = turn.last_model_step
        if step is None or step.status != "running" or step.items:
            return
        partial = await self._partial(step)
        if partial is None or not partial.tokens:
            return
        reply = self._reply(turn, step, partial)
        if partial.ending is None:
            reply.cut("cancelled" if turn.cancel else "interrupted")
        else:
            reply.take_whole(partial.ending)
        lost = lost_attempt(step, partial, counts=True)
        if lost.number != partial.head.attempt.number:
            # All that was said is of attempts in the ledger; this one had not begun to speak.
            lost = lost.but(status="cancelled", error=None)
        await self._take(turn, reply, lost)

    async def close(self, action: CloseReply) -> None:
        """Calls of it were claimed: what the claims brought is all there is of it."""
        step = action.step
        known = self._journal.session.token_count - step.prompt_tokens
        lost = lost_attempt(step, await self._partial(step), counts=True)
        if not lost.usage.output_tokens:
            told = Usage(input_tokens=step.prompt_tokens, output_tokens=known, model_steps=1)
            lost = lost.but(usage=told)
        attempt = self._priced(step, lost)
        await self._commit(
            step,
            lambda at: e.ModelReplied(
                at=at,
                turn_id=action.turn.id,
                step_id=step.id,
                items=step.items,
                finish="interrupted",
                output_tokens=0,
                reply_open=True,
                attempt=attempt,
                timings=step_timings((*step.attempts, attempt), self._taken_ms(step)),
            ),
        )

    # --- inside -----------------------------------------------------------------------------

    async def _settle(self, action: Generate, found: Recovery, lost: Attempt) -> None:
        turn, step = action.turn, action.step
        match found:
            case TakeWhole(partial, finish):
                reply = self._reply(turn, step, partial)
                reply.take_whole(finish)
                await self._take(turn, reply, lost)
            case GoOn(partial):
                attempt, kept = self._priced(step, lost), len(partial.tokens)
                await self._commit(
                    step,
                    lambda at: e.StepResumed(
                        at=at, turn_id=turn.id, step_id=step.id, attempt=attempt, kept_tokens=kept
                    ),
                )
                self._bases[step.id] = partial
            case StartAnew(void_from):
                attempt = self._priced(step, lost)
                await self._commit(
                    step,
                    lambda at: e.StepRestarted(
                        at=at,
                        turn_id=turn.id,
                        step_id=step.id,
                        attempt=attempt,
                        void_from=void_from,
                    ),
                )
            case _:
                assert_never(found)

    async def _take(self, turn: Turn, reply: Reply, lost: Attempt) -> None:
        """The reply as it was kept, in the name of the attempt that was lost."""
        step, attempt = reply.step, self._priced(reply.step, lost)
        finish = reply.ending
        assert finish is not None
        await self._commit(
            step,
            lambda at: e.ModelReplied(
                at=at,
                turn_id=turn.id,
                step_id=step.id,
                items=reply.items,
                finish=finish,
                output_tokens=len(reply.tokens),
                reply_open=reply.open,
                attempt=attempt,
                timings=step_timings((*step.attempts, attempt), self._taken_ms(step)),
            ),
            reply.tokens,
        )

    async def _commit(
        self,
        step: ModelStep,
        fact: Callable[[datetime], e.AnyFact],
        tokens: list[int] | None = None,
    ) -> None:
        def unless_written(session: Session) -> e.AnyFact | None:
            running = running_step(session, step)
            if running is None or running.attempts != step.attempts:
                return None  # by a try whose answer was lost
            return fact(self._ports.clock.now())

        await self._journal.commit(unless_written, tokens or (), patience=STORE_PATIENCE_SECONDS)

    def _reply(self, turn: Turn, step: ModelStep, partial: Partial) -> Reply:
        agent = self._journal.session.agent
        calls = bool(agent.tools) and tool_choice(turn, before=step) != "none"
        dialect = self._renderer.dialect(agent)
        number = partial.head.attempt.number
        return Reply(dialect, step, number, self._ports.clock, calls=calls, partial=partial)

    async def _partial(self, step: ModelStep) -> Partial | None:
        """What is kept of the step's reply. A store that cannot be reached is waited for."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + STORE_PATIENCE_SECONDS
        while True:
            try:
                kept = await self._ports.store.kept(self._journal.session.id)
                break
            except StoreUnavailable:
                if loop.time() >= give_up:
                    raise
                await asyncio.sleep(STORE_RETRY_SECONDS)
        if kept is None:
            return None
        partial = Partial.of(kept.head, kept.parts, kept.since)
        return partial if partial.head.step_id == step.id else None

    def _taken_ms(self, step: ModelStep) -> float:
        return (self._ports.clock.now() - step.started_at).total_seconds() * 1000

    def _priced(self, step: ModelStep, attempt: Attempt) -> Attempt:
        return attempt.but(cost=self._ports.prices.attempt(self._journal.session, step, attempt))


def running_step(session: Session, step: ModelStep) -> ModelStep | None:
    """The step as the session has it now; None where it does not run any more."""
    last = session.active and session.active.last_model_step
    return last if last and last.id == step.id and last.status == "running" else None
