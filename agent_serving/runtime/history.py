"""What was said elsewhere, taken into a session in front of its next turn."""

from __future__ import annotations

from collections.abc import Sequence

from agent_serving.domain import events as e
from agent_serving.domain.fold import apply
from agent_serving.domain.session import Session
from agent_serving.domain.values import Item
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.rendering import Renderer
from agent_serving.runtime.turn_checks import busy


class History:
    def __init__(self, ports: Ports, journals: Journals, renderer: Renderer) -> None:
        self._ports = ports
        self._journals = journals
        self._renderer = renderer

    async def add(self, tenant: str, session_id: str, items: Sequence[Item]) -> Session:
        """Behind a turn only messages can be added (see `events.SessionChanged`), and they are
        rendered once: what the model's template or its context does not take would be in the way
        of every turn to come.

        Raises NotFound, SessionBusy, ImpossibleEvent, and behind a turn InvalidRequest,
        ContextLengthExceeded, EngineUnavailable; then nothing was changed.
        """
        journal = await self._journals.open(session_id, tenant)

        def added(session: Session) -> e.SessionChanged:
            if session.active is not None or session.queue:
                raise busy(session)
            return e.SessionChanged(at=self._ports.clock.now(), history=tuple(items))

        session = journal.session
        if session.turns:
            await self._renderer.render(apply(session, added(session)))
        await journal.commit(added)
        return journal.session
