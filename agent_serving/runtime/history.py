"""What was said elsewhere, taken into a session in front of its next turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent_serving.domain import events as e
from agent_serving.domain import receipt as receipts
from agent_serving.domain.fold import apply
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import Session
from agent_serving.domain.values import Item
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.turn_checks import busy


@dataclass(frozen=True, slots=True)
class Added:
    """`items` are ids. `replayed`: an earlier request added them; this one changed nothing."""

    session: Session
    items: tuple[str, ...]
    replayed: bool = False


class History:
    def __init__(self, ports: Ports, journals: Journals, renderer: Renderer) -> None:
        self._ports = ports
        self._journals = journals
        self._renderer = renderer

    async def add(
        self,
        tenant: str,
        session_id: str,
        items: Sequence[Item],
        *,
        mark: RequestMark | None = None,
    ) -> Added:
        """What was added, now or by an earlier request with this mark. Behind a turn only messages
        can be added (see `events.SessionChanged`), and they are rendered once: what the model's
        template or its context does not take would be in the way of every turn to come.

        Raises NotFound, SessionBusy, ImpossibleEvent, IdempotencyMismatch, and behind a turn
        InvalidRequest, ContextLengthExceeded, EngineUnavailable; then nothing was changed.
        """
        journal = await self._journals.open(session_id, tenant)
        before: Added | None = None

        def added(session: Session) -> e.SessionChanged | None:
            nonlocal before
            before = self.replay(session, mark)
            if before is not None:
                return None
            if session.active is not None or session.queue:
                raise busy(session)
            return e.SessionChanged(at=self._ports.clock.now(), history=tuple(items), request=mark)

        session = journal.session
        fact = added(session)
        if fact is not None and session.turns:
            await self._renderer.render(apply(session, fact))
        await journal.commit(added)
        return before or Added(journal.session, tuple(item.id for item in items))

    def replay(self, session: Session, mark: RequestMark | None) -> Added | None:
        """What an earlier request with this mark added; None where none did. Raises
        IdempotencyMismatch."""
        found = receipts.find(session.receipts, mark, self._ports.clock.now())
        return None if found is None else Added(session, found.items, replayed=True)
