"""Forks: a new session that begins with the facts and the exact tokens of another, or with those
tokens behind another agent's opening."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agent_serving.domain import events as e
from agent_serving.domain.errors import InvalidRequest, NotFound
from agent_serving.domain.fold import apply
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import TERMINAL, Session
from agent_serving.domain.transcript import reopened
from agent_serving.domain.values import Agent, Message
from agent_serving.ports import FactEntry, Ports
from agent_serving.runtime.idempotency import Made, SessionMaker
from agent_serving.runtime.journal import Journals
from agent_serving.runtime.rendering import Renderer


class Forks:
    def __init__(
        self, ports: Ports, journals: Journals, renderer: Renderer, maker: SessionMaker
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._renderer = renderer
        self._maker = maker

    async def fork(
        self,
        tenant: str,
        session_id: str,
        *,
        at_turn: str | None = None,
        metadata: dict[str, str] | None = None,
        agent: Agent | None = None,
        mark: RequestMark | None = None,
    ) -> Made[Session]:
        """Fork behind `at_turn` (None: the last turn that has ended). The log is folded up to that
        point, so the fork is exactly what the session was then. With an `agent` other than the
        origin's, the opening is rendered anew and the later tokens stay as they are.

        Raises NotFound, InvalidRequest (the turn is not over, or another was under way; the
        agent is for another model), EngineUnavailable (only where an opening is rendered),
        IdempotencyMismatch.
        """
        origin = (await self._journals.open(session_id, tenant)).session
        agent = agent or origin.agent
        past = await self._at(origin, at_turn)
        turns = tuple(turn for turn in past.turns if turn.status in TERMINAL)
        before = tuple(await self._ports.store.tokens(past.id, 0, past.token_count))
        tokens = await self._reopened(before, past.agent, agent)
        fact = e.SessionForked(
            at=self._ports.clock.now(),
            session_id=self._ports.new_id("sess"),
            tenant=tenant,
            agent=agent,
            metadata=origin.metadata if metadata is None else metadata,
            origin=e.ForkOrigin(session_id=session_id, turn_id=turns[-1].id if turns else None),
            inherited=tuple(
                turn.but(index=index).model_dump(mode="json") for index, turn in enumerate(turns)
            ),
            pending=past.pending,
            token_count=len(tokens),
            reply_open=past.reply_open,
            limits=origin.limits,
            budget=origin.budget,
            history=origin.history,
            opening_turn=past.opening_turn if tokens == before else len(turns),
        )
        return await self._maker.make(fact, tokens, mark=mark)

    async def _reopened(
        self, tokens: tuple[int, ...], before: Agent, after: Agent
    ) -> tuple[int, ...]:
        if (after.model, after.dialect) != (before.model, before.dialect):
            raise InvalidRequest(
                f"Agent {after.name!r} is for the model {after.model!r} (dialect {after.dialect}); "
                f"the session's tokens are of {before.model!r} (dialect {before.dialect}) and mean "
                "nothing to another. Name an agent for that model.",
                param="agent",
            )
        same = (before.instructions, before.tools) == (after.instructions, after.tools)
        if same or not tokens:
            return tokens
        changed = reopened(tokens, await self._opening(before), await self._opening(after))
        if changed is None:
            raise InvalidRequest(
                f"The opening of agent {before.name!r} renders differently now than when the "
                "session began (its chat template was changed, holds the date, or writes tools "
                "behind the messages), so it cannot be exchanged. Fork without an `agent`, or "
                "open a new session.",
                param="agent",
            )
        return changed

    async def _opening(self, agent: Agent) -> tuple[int, ...]:
        return await self._ports.engine.render_opening(
            dialect=self._renderer.dialect(agent),
            instructions=agent.instructions,
            tools=agent.tools,
            messages=[Message(role="user", content="…")],
        )

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
