"""What the engine is given: messages as tokens, of which only what is not tokens yet is ever
rendered, and the form that the reply must have."""

from __future__ import annotations

from collections import OrderedDict

from agent_serving.domain.constraint import Constraint, step_constraint
from agent_serving.domain.decide import Generate
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import ContextLengthExceeded, EngineUnavailable
from agent_serving.domain.session import Session
from agent_serving.domain.values import Agent, Message
from agent_serving.ports import Ports, Worker

REMEMBERED = 256
CONSTRAINTS = 1024


class Renderer:
    """Renders what a session has pending, and spells out what a reply to it may be. What was
    rendered to admit a turn is remembered until its first step is planned; a constraint, which
    holds the schema of every tool, for the steps of its turn."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._remembered: OrderedDict[
            str, tuple[int, bool, tuple[Message, ...], tuple[int, ...]]
        ] = OrderedDict()
        self._constraints: OrderedDict[tuple[str, str], Constraint | None] = OrderedDict()

    def dialect(self, agent: Agent) -> Dialect:
        dialect = self._ports.dialects.get(agent.dialect)
        if dialect is None:
            raise EngineUnavailable(
                f"The dialect {agent.dialect!r} of agent {agent.name!r} is not in the grammars "
                "folder of this deployment; add its file and restart."
            )
        return dialect

    async def render(self, session: Session) -> tuple[int, ...]:
        """The tokens to append so that the transcript becomes the next prompt.

        Raises EngineUnavailable, InvalidRequest, ContextLengthExceeded (the prompt would leave no
        room for one token of reply).
        """
        key = (session.token_count, session.reply_open, session.pending)
        known = self._remembered.get(session.id)
        fresh = known is None or known[:3] != key
        tokens = await self._render(session) if known is None or fresh else known[3]
        limit = self.context_length(session.agent)
        if limit is not None and session.token_count + len(tokens) >= limit:
            raise ContextLengthExceeded(
                f"The prompt would be {session.token_count + len(tokens)} tokens long and the "
                f"model's context holds {limit}. Shorten what comes next, or fork the session at "
                "an earlier turn.",
                param="input",
                details={
                    "prompt_tokens": session.token_count + len(tokens),
                    "context_length": limit,
                },
            )
        self._remembered[session.id] = (*key, tokens)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return tokens

    def constraint(self, agent: Agent, action: Generate) -> Constraint | None:
        """None where the reply may be anything."""
        key = (action.turn.id, str(action.tool_choice))
        if key not in self._constraints:
            self._constraints[key] = step_constraint(
                self.dialect(agent), agent.tools, action.tool_choice, action.output
            )
            while len(self._constraints) > CONSTRAINTS:
                self._constraints.popitem(last=False)
        self._constraints.move_to_end(key)
        return self._constraints[key]

    def context_length(self, agent: Agent) -> int | None:
        return min(
            (w.context_length for w in self._serving(agent) if w.context_length is not None),
            default=None,
        )

    def _serving(self, agent: Agent) -> list[Worker]:
        return [worker for worker in self._ports.engine.workers() if worker.model == agent.model]

    async def _render(self, session: Session) -> tuple[int, ...]:
        engine, dialect = self._ports.engine, self.dialect(session.agent)
        if session.token_count == 0:
            return await engine.render_opening(
                dialect=dialect,
                instructions=session.agent.instructions,
                tools=session.agent.tools,
                messages=session.pending,
            )
        delta = await engine.render_delta(dialect=dialect, messages=session.pending)
        if not session.reply_open:
            return delta
        # The model was cut off before it ended its turn: that is done for it.
        return (await engine.end_of_turn(dialect=dialect), *delta)
