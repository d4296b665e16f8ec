"""The turn loop: ask what is next, do it, until there is nothing left to do here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from agent_serving.domain import decide
from agent_serving.domain import events as e
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import MessageItem, Pause
from agent_serving.ports import Ports
from agent_serving.runtime.leases import OwnJournal
from agent_serving.runtime.lost_reply import LostReplies
from agent_serving.runtime.model_step import ModelSteps
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.tenants import Tenants
from agent_serving.runtime.tool_step import ToolSteps


class TurnLoop:
    """Runs the turns of one session, one after another. The policy is `decide.next_action`. Once
    `leave` says so, no step is begun any more."""

    def __init__(
        self,
        ports: Ports,
        journal: OwnJournal,
        renderer: Renderer,
        tenants: Tenants,
        *,
        leave: Callable[[], bool] = lambda: False,
    ) -> None:
        self._leave = leave
        self._ports = ports
        self._journal = journal
        self._tenants = tenants
        self._tools = ToolSteps(ports, journal)
        self._lost = LostReplies(ports, journal, renderer)
        self._model = ModelSteps(ports, journal, renderer, self._tools, self._lost)

    async def run(self) -> None:
        try:
            while True:
                action = decide.next_action(self._journal.session, self._ports.clock.now())
                if self._leave() and decide.begins_step(action):
                    return
                if not await self._act(action):
                    return
        finally:
            await self._tools.abandon()

    async def _act(self, action: decide.Action) -> bool:
        """Do one thing; False when nothing is left to do here."""
        match action:
            case decide.Rest():
                return False
            case decide.BeginTurn(turn_id):
                await self._say(lambda at: e.TurnBegan(at=at, turn_id=turn_id))
            case decide.PlanStep():
                await self._plan(action)
            case decide.Generate():
                await self._model.generate(action)
            case decide.CloseReply():
                await self._lost.close(action)
            case decide.RunTools():
                await self._tools.run(action)
            case decide.AskApproval():
                await self._ask(action)
            case decide.RejectAnswer():
                await self._reject(action)
            case decide.Wait(turn, call_ids):
                await self._say(lambda at: e.TurnWaited(at=at, turn_id=turn.id, call_ids=call_ids))
            case decide.PauseTurn(turn, pause):
                await self._pause(turn, pause)
            case decide.ResumeTurn(turn):
                await self._say(lambda at: e.TurnResumed(at=at, turn_id=turn.id))
            case decide.EndTurn():
                await self._tools.abandon()
                await self._lost.let_go(action.turn)
                await self._end()
            case _:
                assert_never(action)
        return True

    async def _plan(self, action: decide.PlanStep) -> None:
        pause = await self._tenants.pause(self._journal.session.tenant)
        if pause is None:
            await self._model.plan(action)
        elif isinstance(decide.held_up(action.turn, pause), decide.EndTurn):
            await self._end(pause)
        else:
            await self._pause(action.turn, pause)

    async def _pause(self, turn: Turn, pause: Pause) -> None:
        await self._say(lambda at: e.BudgetReached(at=at, turn_id=turn.id, pause=pause))

    async def _ask(self, action: decide.AskApproval) -> None:
        await self._say(
            lambda at: e.ApprovalRequested(
                at=at,
                turn_id=action.turn.id,
                model_step_id=action.model_step.id,
                call=action.call,
            )
        )

    async def _reject(self, action: decide.RejectAnswer) -> None:
        text = (
            f"That reply cannot be used as an answer: {action.problem} "
            "Give the whole answer again, corrected."
        )
        item = MessageItem(id=self._ports.new_id("item"), role="user", text=text)
        await self._say(
            lambda at: e.AnswerRejected(
                at=at, turn_id=action.turn.id, step_id=action.step.id, item=item
            )
        )

    async def _end(self, pause: Pause | None = None) -> None:
        """Ends the turn as the session stands at the commit: a steer or an answer that came in
        at the last moment may have given the turn something to do again. `pause` is that of the
        tenant's budget, which the session does not know."""

        def ended(session: Session) -> e.TurnEnded | None:
            action = decide.next_action(session, self._ports.clock.now())
            if pause is not None and isinstance(action, decide.PlanStep):
                action = decide.held_up(action.turn, pause)
            if not isinstance(action, decide.EndTurn):
                return None
            return e.TurnEnded(
                at=self._ports.clock.now(),
                turn_id=action.turn.id,
                status=action.status,
                reason=action.reason,
                error=action.error,
                idle=not session.queue,
            )

        await self._journal.commit(ended)

    async def _say(self, fact: Callable[[datetime], e.AnyFact]) -> None:
        """Commit a fact, unless somebody else's fact has made something else due meanwhile."""
        version = self._journal.session.version

        def unless_changed(session: Session) -> e.AnyFact | None:
            return fact(self._ports.clock.now()) if session.version == version else None

        await self._journal.commit(unless_changed)
