"""What is asked of budgets: whether a turn may start, and more room for one that waits."""

from __future__ import annotations

from contextlib import AbstractContextManager

from agent_serving.domain import events as e
from agent_serving.domain.budget import session_pause
from agent_serving.domain.errors import BudgetExhausted, NotFound, TurnNotActive
from agent_serving.domain.session import TERMINAL, Session, Turn
from agent_serving.domain.values import Budget, Pause
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.quotas import TenantQuotas
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.tenants import Tenants

_HOW_ON = {
    "turn": "Raise it with PATCH /v1/sessions/{session}/turns/{turn}, or cancel the turn.",
    "session": "Raise it with PATCH /v1/sessions/{session}.",
    "tenant": "It has room again in its next period, or when the deployment raises it.",
}


class Budgets:
    def __init__(
        self,
        ports: Ports,
        journals: Journals,
        runners: Runners,
        tenants: Tenants,
        quotas: TenantQuotas,
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._runners = runners
        self._tenants = tenants
        self._quotas = quotas

    async def require_room(self, session: Session, *, interrupts: bool) -> None:
        """Raises BudgetExhausted where a new turn could not do anything, LimitReached where the
        tenant has too much at a time. A turn that `interrupts` another makes an end to that one's
        own budget."""
        active = session.active
        pause = session_pause(session, self._ports.clock.now())
        if pause is None and active is not None and not interrupts:
            pause = active.pause
        if pause is None:
            pause = await self._tenants.pause(session.tenant)
        if pause is not None:
            raise _exhausted(session, pause)
        await self._quotas.turn(session)

    def accepting(self, journal: Journal) -> AbstractContextManager[None]:
        """Inside, `require_room` is asked and a turn accepted. Room that was taken for a turn which
        was not accepted is given back."""
        return self._quotas.accepting(lambda: journal.session)

    async def change_turn(self, tenant: str, session_id: str, turn_id: str, budget: Budget) -> Turn:
        """A turn that waits for its budget goes on if there is room now. Raises NotFound,
        TurnNotActive."""
        journal = await self._journals.open(session_id, tenant)

        def changed(session: Session) -> e.TurnBudgeted:
            turn = session.turn(turn_id)
            if turn is None:
                raise NotFound(f"Session {session_id} has no turn {turn_id!r}.", param="turn_id")
            if turn.status in TERMINAL:
                raise TurnNotActive(f"Turn {turn_id} is {turn.status}; it spends nothing more.")
            return e.TurnBudgeted(at=self._ports.clock.now(), turn_id=turn_id, budget=budget)

        await journal.commit(changed)
        self._runners.ensure(journal)
        turn = journal.session.turn(turn_id)
        assert turn is not None
        return turn


def _exhausted(session: Session, pause: Pause) -> BudgetExhausted:
    active = session.active
    turn_id = active.id if active else ""
    how_on = _HOW_ON[pause.scope].format(session=session.id, turn=turn_id)
    return BudgetExhausted(
        f"The {pause.scope}'s budget {pause.budget} is used up; no turn was started. {how_on}",
        details=pause.model_dump(),
    )
