"""Forks: a new session that begins with the facts and the exact tokens of another."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agent_serving.domain import events as e
from agent_serving.domain.errors import InvalidRequest, NotFound
from agent_serving.domain.fold import apply
from agent_serving.domain.session import TERMINAL, Session
from agent_serving.ports import FactEntry, Ports
from agent_serving.runtime.journal import Journals


class Forks:
    def __init__(self, ports: Ports, journals: Journals) -> None:
        self._ports = ports
        self._journals = journals

    async def fork(
        self,
        tenant: str,
        session_id: str,
        *,
        at_turn: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Session:
        """Fork behind `at_turn` (None: the last turn that has ended). The log is folded up to that
        point, so the fork is exactly what the session was then.

        Raises NotFound, InvalidRequest (the turn is not over, or another was under way).
        """
        origin = (await self._journals.open(session_id, tenant)).session
        past = await self._at(origin, at_turn)
        turns = tuple(turn for turn in past.turns if turn.status in TERMINAL)
        tokens = await self._ports.store.tokens(session_id, 0, past.token_count)
        fact = e.SessionForked(
            at=self._ports.clock.now(),
            session_id=self._ports.new_id("sess"),
            tenant=tenant,
            agent=origin.agent,
            metadata=origin.metadata if metadata is None else metadata,
            origin=e.ForkOrigin(session_id=session_id, turn_id=turns[-1].id if turns else None),
            inherited=tuple(
                turn.but(index=index).model_dump(mode="json") for index, turn in enumerate(turns)
            ),
            pending=past.pending,
            token_count=past.token_count,
            reply_open=past.reply_open,
            limits=origin.limits,
        )
        return (await self._journals.create(fact, tokens)).session

    async def _at(self, origin: Session, at_turn: str | None) -> Session:
        if at_turn is not None:
            turn = origin.turn(at_turn)
            if turn is None:
                raise NotFound(f"Session {origin.id} has no turn {at_turn!r}.", param="at_turn")
            if turn.status not in TERMINAL:
                raise InvalidRequest(
                    f"Turn {at_turn} is {turn.status}; fork at a turn that has ended.",
                    param="at_turn",
                )
        past: Session | None = None
        found: Session | None = None
        async for fact in self._facts(origin.id):
            past = apply(past, fact)
            if isinstance(fact, e.SessionOpened | e.SessionForked):
                last = past.turns[-1].id if past.turns else None
                if at_turn in (None, last):
                    found = past
                elif past.turn(at_turn) is not None:
                    # A fork of a fork, further back than the first one: the log before it tells.
                    return await self._at(await self._origin(past), at_turn)
            elif isinstance(fact, e.TurnEnded) and at_turn in (None, fact.turn_id):
                if past.active is None:
                    found = past
                if at_turn is not None:
                    break
        if found is None:
            raise InvalidRequest(
                f"Another turn was under way when {at_turn} ended; fork at that one.",
                param="at_turn",
            )
        return found

    async def _origin(self, fork: Session) -> Session:
        assert fork.origin is not None
        journal = await self._journals.find(fork.origin.session_id)
        if journal is None or journal.session.tenant != fork.tenant:
            raise InvalidRequest(
                f"Session {fork.id} is a fork of {fork.origin.session_id}, which was deleted; it "
                f"can be forked at {fork.turns[-1].id} or later.",
                param="at_turn",
            )
        return journal.session

    async def _facts(self, session_id: str) -> AsyncIterator[e.AnyFact]:
        after = 0
        while entries := await self._ports.store.read(session_id, after):
            for entry in entries:
                if isinstance(entry, FactEntry):
                    after = entry.sequence + entry.width - 1
                    yield e.FACT.validate_json(entry.fact)
                else:
                    after = entry.sequence
