"""What can be asked of a session: open, start a turn, answer, steer, cancel, fork, delete."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from agent_serving.domain import events as e
from agent_serving.domain import receipt as receipts
from agent_serving.domain.errors import (
    InvalidRequest,
    Overloaded,
    SessionBusy,
    StoreFull,
    TurnNotActive,
)
from agent_serving.domain.fold import apply
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import OPEN, TERMINAL, Session, Turn
from agent_serving.domain.values import Agent, Budget, Item, Limits, MessageItem
from agent_serving.ports import Ports
from agent_serving.runtime.budgets import Budgets
from agent_serving.runtime.idempotency import Made, SessionMaker
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.trace import turn_context
from agent_serving.runtime.turn_checks import busy, check_tool_choice, require_engine, turn_of
from agent_serving.runtime.turn_request import OnConflict, Taken, TurnRequest

MAX_QUEUED_TURNS = 32
DELETE_WAIT_SECONDS = 10.0


class Sessions:
    def __init__(
        self,
        ports: Ports,
        journals: Journals,
        renderer: Renderer,
        runners: Runners,
        budgets: Budgets,
        maker: SessionMaker,
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._renderer = renderer
        self._runners = runners
        self._budgets = budgets
        self.maker = maker

    async def open(
        self,
        tenant: str,
        agent: Agent,
        *,
        metadata: dict[str, str] | None = None,
        budget: Budget | None = None,
        ttl_seconds: int | None = None,
        history: Sequence[Item] = (),
        mark: RequestMark | None = None,
    ) -> Made[Session]:
        """Raises IdempotencyMismatch, and NotFound where a session of this mark is gone."""
        now = self._now()
        return await self.maker.make(
            e.SessionOpened(
                at=now,
                session_id=self._ports.new_id("sess"),
                tenant=tenant,
                agent=agent,
                metadata=metadata or {},
                budget=budget or Budget(),
                expires_at=now + timedelta(seconds=ttl_seconds) if ttl_seconds else None,
                history=tuple(history),
            ),
            mark=mark,
        )

    async def get(self, tenant: str, session_id: str, *, at_hand: bool = False) -> Session:
        """With `at_hand` as this process knows it, where it does. Raises NotFound."""
        return (await self._journals.open(session_id, tenant, at_hand=at_hand)).session

    async def turn(self, tenant: str, session_id: str, turn_id: str) -> Turn:
        """Raises NotFound."""
        return turn_of(await self.get(tenant, session_id), turn_id)

    async def change(
        self,
        tenant: str,
        session_id: str,
        *,
        metadata: dict[str, str] | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        agent: Agent | None = None,
        hidden_turn: str | None = None,
    ) -> Session:
        """A turn that waits for the session's budget goes on if there is room now. Raises NotFound,
        ImpossibleEvent (see `events.SessionChanged` for what may change when)."""
        journal = await self._journals.open(session_id, tenant)
        await journal.commit(
            lambda _: e.SessionChanged(
                at=self._now(),
                metadata=metadata,
                limits=limits,
                budget=budget,
                agent=agent,
                hidden_turn=hidden_turn,
            )
        )
        self._runners.ensure(journal)
        return journal.session

    async def delete(self, tenant: str, session_id: str) -> None:
        """Cancel what runs, close, and remove every trace of the session."""
        journal = await self._journals.open(session_id, tenant)
        for turn in (*journal.session.queue, *filter(None, [journal.session.active])):
            await self._cancel(journal, turn.id, "cancel")
        self._runners.ensure(journal)
        try:
            async with asyncio.timeout(DELETE_WAIT_SECONDS):
                await journal.until(lambda s: s.active is None and not s.queue)
        except TimeoutError:
            raise SessionBusy(
                f"Session {session_id} has a turn that is still being cancelled; try again."
            ) from None

        def closed(session: Session) -> e.SessionClosed | None:
            if session.active or session.queue:
                raise busy(session)
            # Closed already: a delete that did not get to its end is made again.
            return None if session.closed else e.SessionClosed(at=self._now())

        # Without memory for the last fact the session goes all the same: that makes room.
        with contextlib.suppress(StoreFull):
            await journal.commit(closed)
        await self._ports.engine.close_session(session_id)
        await self._ports.store.delete_session(session_id, tenant)
        self._journals.drop(session_id)

    # --- turns ------------------------------------------------------------------------------

    async def start_turn(
        self,
        tenant: str,
        session_id: str,
        request: TurnRequest,
        *,
        on_conflict: OnConflict = "reject",
        at_hand: bool = False,
    ) -> Taken:
        """The turn, durable; it runs from here on, whatever becomes of the caller. With `steer`
        on a busy session, the turn that was steered. `at_hand`: see `Journals.open`.

        Raises NotFound, SessionBusy, BudgetExhausted, Overloaded, ContextLengthExceeded,
        EngineUnavailable, IdempotencyMismatch, ShuttingDown, StoreUnavailable; then nothing was
        changed.
        """
        self._runners.require_admission()
        journal = await self._journals.open(session_id, tenant, at_hand=at_hand)
        session = journal.session
        if known := self.replay(session, request.mark):
            return known
        require_engine(self._ports.engine, session.agent)
        check_tool_choice(session.agent, request.tool_choice)
        with self._budgets.accepting(journal):
            return await self._start_turn(journal, request, on_conflict)

    async def _start_turn(
        self, journal: Journal, request: TurnRequest, on_conflict: OnConflict
    ) -> Taken:
        session, active = journal.session, journal.session.active
        if active is None or on_conflict != "steer":
            interrupts = on_conflict == "interrupt"
            await self._budgets.require_room(session, interrupts=interrupts)
        if active is not None and on_conflict == "steer":
            try:
                texts, mark = request.input, request.mark
                return await self.steer(
                    session.tenant, session.id, active.id, texts, mark=mark, at_hand=True
                )
            except TurnNotActive:
                # It ended in this moment: what was to steer it starts a turn of its own.
                session = journal.session
        elif active is not None and on_conflict == "interrupt":
            await self._cancel(journal, active.id, "interrupt")
        turn_id = self._ports.new_id("turn")
        accepted = self._accepted(session, turn_id, request)
        if session.active is None and not session.queue:
            # Renders now what the first step will send: too long a prompt is refused here.
            await self._renderer.render(apply(session, accepted))

        def accept(now: Session) -> e.TurnAccepted | None:
            if self._is_taken(now, request.mark):
                return None
            if request.follows is not None and now.turns[-1].id != request.follows:
                raise busy(now)
            queued = now.active is not None or bool(now.queue)
            if queued and on_conflict == "reject":
                raise busy(now)
            if len(now.queue) >= MAX_QUEUED_TURNS:
                raise Overloaded(
                    f"Session {now.id} has {MAX_QUEUED_TURNS} turns waiting; let some finish.",
                    retry_after=5.0,
                )
            return accepted.but(queued=queued)

        return await self._take(journal, turn_id, accept, request.mark)

    def replay(self, session: Session, mark: RequestMark | None) -> Taken | None:
        """What became of the request that came with this mark before; None where none did.
        Raises IdempotencyMismatch."""
        receipt = receipts.find(session.receipts, mark, self._now())
        if receipt is None or not self._is_taken(session, mark):
            return None
        return Taken(turn_of(session, receipt.turn_id or ""), None, replayed=True)

    async def settled(
        self, tenant: str, session_id: str, turn_id: str, *, at_hand: bool = False
    ) -> Turn:
        """The turn once it is terminal or waits for the caller; one that is being cancelled waits
        no more. Raises NotFound, LogGone."""
        journal = await self._journals.open(session_id, tenant, at_hand=at_hand)
        turn_of(journal.session, turn_id)

        def is_settled(session: Session) -> bool:
            turn = turn_of(session, turn_id)
            return turn.status in TERMINAL or (turn.status == "waiting" and turn.cancel is None)

        return turn_of(await self._runners.until(journal, is_settled), turn_id)

    async def cancel(
        self, tenant: str, session_id: str, turn_id: str, *, mark: RequestMark | None = None
    ) -> Made[Turn]:
        """Idempotent. Raises NotFound, TurnNotActive (the turn ended some other way)."""
        journal = await self._journals.open(session_id, tenant)
        turn = turn_of(journal.session, turn_id)
        if self._is_taken(journal.session, mark):
            return Made(turn, replayed=True)
        if turn.status in TERMINAL and turn.status != "cancelled":
            raise TurnNotActive(
                f"Turn {turn_id} is {turn.status} already; there is nothing to cancel."
            )
        await self._cancel(journal, turn_id, "cancel", mark)
        self._runners.ensure(journal)
        return Made(turn_of(journal.session, turn_id))

    async def steer(
        self,
        tenant: str,
        session_id: str,
        turn_id: str,
        texts: Sequence[str],
        *,
        mark: RequestMark | None = None,
        at_hand: bool = False,
    ) -> Taken:
        """The model sees the messages at the next step boundary. Raises TurnNotActive."""
        journal = await self._journals.open(session_id, tenant, at_hand=at_hand)
        items = self._items(texts)

        def steered(session: Session) -> e.TurnSteered | None:
            if self._is_taken(session, mark):
                return None
            if turn_of(session, turn_id).status not in OPEN:
                raise TurnNotActive(f"Turn {turn_id} is not under way; start a turn instead.")
            return e.TurnSteered(at=self._now(), turn_id=turn_id, input=items, request=mark)

        return await self._take(journal, turn_id, steered, mark)

    async def _take(
        self,
        journal: Journal,
        turn_id: str,
        fact: Callable[[Session], e.TurnAccepted | e.TurnSteered | None],
        mark: RequestMark | None,
    ) -> Taken:
        committed = await journal.commit(fact)
        self._runners.ensure(journal)
        if committed is None:
            known = self.replay(journal.session, mark)
            assert known is not None
            return known
        return Taken(turn_of(journal.session, turn_id), committed.sequence)

    def _accepted(self, session: Session, turn_id: str, request: TurnRequest) -> e.TurnAccepted:
        # What was said before may want an answer by itself.
        told = session.added if session.turns else session.history or request.history
        silent = not request.input and bool(told)
        context = turn_context(self._ports.tracer, request.traceparent, request.tracestate)
        return e.TurnAccepted(
            at=self._now(),
            turn_id=turn_id,
            input=() if silent else self._items(request.input),
            history=request.history,
            tool_choice=request.tool_choice,
            output=request.output,
            limits=request.limits,
            budget=request.budget,
            metadata=request.metadata,
            ends_at_calls=request.ends_at_calls,
            echo=request.echo,
            request=request.mark,
            **context._asdict(),
        )

    def _items(self, texts: Sequence[str]) -> tuple[MessageItem, ...]:
        if not texts or not any(text.strip() for text in texts):
            raise InvalidRequest("`input` is empty; say something to the agent.", param="input")
        return tuple(
            MessageItem(id=self._ports.new_id("item"), role="user", text=text) for text in texts
        )

    def _is_taken(self, session: Session, mark: RequestMark | None) -> bool:
        return receipts.taken(session.receipts, mark, self._now())

    async def _cancel(
        self,
        journal: Journal,
        turn_id: str,
        reason: Literal["cancel", "interrupt"],
        mark: RequestMark | None = None,
    ) -> None:
        def cancelled(session: Session) -> e.CancelRequested | e.TurnEnded | None:
            turn = turn_of(session, turn_id)
            if turn.status == "queued":
                return e.TurnEnded(
                    at=self._now(),
                    turn_id=turn_id,
                    status="cancelled",
                    reason=reason,
                    idle=session.active is None and len(session.queue) == 1,
                    request=mark,
                )
            if turn.status in TERMINAL or turn.cancel is not None:
                return None
            return e.CancelRequested(at=self._now(), turn_id=turn_id, reason=reason, request=mark)

        await journal.commit(cancelled)

    def _now(self) -> datetime:
        return self._ports.clock.now()
