"""Agents: checked once, when they are registered, and frozen into versions."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence

from agent_serving.domain import schema
from agent_serving.domain.constraint import step_constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import (
    EngineUnavailable,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    UnknownModel,
    UnknownTool,
)
from agent_serving.domain.mcp import McpTools, taken
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.values import (
    Agent,
    JsonSchemaOutput,
    Limits,
    Message,
    Output,
    Sampling,
    ServiceClass,
    ToolSpec,
    Value,
)
from agent_serving.ports import Listing, Ports, StoredAgent, Worker
from agent_serving.runtime.idempotency import Made

MAX_TOOLS = 128
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class AgentDraft(Value):
    """An agent as it is asked for: tools by name (server-side), whole (client-side), or those of an
    MCP server."""

    name: str
    model: str | None = None
    instructions: str = ""
    tools: tuple[str | ToolSpec | McpTools, ...] = ()
    output: Output | None = None
    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    service_class: ServiceClass = "online"


class Agents:
    def __init__(self, ports: Ports, *, dialect: str | None = None) -> None:
        """`dialect` overrides the choice by model name."""
        self._ports = ports
        self._dialect = dialect

    async def register(
        self, tenant: str, draft: AgentDraft, *, mark: RequestMark | None = None
    ) -> Made[Agent]:
        """Check the draft and store it as the next version of the agent of that name."""
        known = await self._ports.store.agent_made_by(tenant, mark) if mark is not None else None
        if known is not None:
            return await self._replayed(tenant, known)
        agent = await self.resolve(draft)
        newest = await self.newest(tenant, draft.name)
        if newest is not None:
            agent = agent.but(id=newest.id)
        body = agent.model_dump_json().encode()
        stored = await self._ports.store.put_agent(
            tenant, body, agent_id=agent.id, name=agent.name, mark=mark
        )
        if stored.replayed:
            return await self._replayed(tenant, stored)
        return Made(agent.but(version=stored.version))

    async def apply(self, tenant: str, draft: AgentDraft) -> Made[Agent]:
        """As `register`, unless the newest version of that name is the same (`replayed`): then
        nothing is stored. Two that apply the same at once make one version."""
        agent = await self.resolve(draft)
        try:
            return await self._put_changed(tenant, agent)
        except (InvalidRequest, IdempotencyMismatch):
            # Another one stored its version meanwhile: ours is compared with that.
            return await self._put_changed(tenant, agent)

    async def _put_changed(self, tenant: str, agent: Agent) -> Made[Agent]:
        newest = await self.newest(tenant, agent.name)
        mark = None
        if newest is not None:
            agent = agent.but(id=newest.id, version=newest.version)
            content = agent.model_dump_json()
            if content == newest.model_dump_json():
                return Made(newest, replayed=True)
            # One version follows upon the newest, whoever stores it.
            mark = RequestMark(
                key=f"{tenant}/{newest.id}@{newest.version}",
                body=hashlib.sha256(content.encode()).hexdigest(),
            )
        stored = await self._ports.store.put_agent(
            tenant,
            agent.model_dump_json().encode(),
            agent_id=agent.id,
            name=agent.name,
            mark=mark,
        )
        return Made(agent.but(version=stored.version), replayed=stored.replayed)

    async def _replayed(self, tenant: str, stored: StoredAgent) -> Made[Agent]:
        found = await self.find(tenant, f"{stored.agent_id}@{stored.version}")
        return Made(found, replayed=True)

    async def resolve(self, draft: AgentDraft) -> Agent:
        """The agent that a draft means here; nothing is stored.

        Raises UnknownModel, UnknownTool, SchemaRejected, InvalidRequest, EngineUnavailable,
        ToolServerUnavailable.
        """
        worker = self._worker(draft.model)
        dialect = self._choose_dialect(worker)
        wanted = await self._named(draft.tools)
        # Checking a large schema takes up to a second of computing.
        tools = await asyncio.to_thread(self._tools, wanted)
        if draft.output is not None:
            await asyncio.to_thread(schema.check_output, draft.output, param="output")
        agent = Agent(
            id=self._ports.new_id("agent"),
            name=draft.name,
            version=1,
            model=worker.model or "",
            instructions=draft.instructions,
            tools=tools,
            output=_closed(draft.output),
            sampling=draft.sampling,
            limits=draft.limits,
            service_class=draft.service_class,
            dialect=dialect.name,
        )
        await self._check_engine(agent, dialect)
        return agent

    async def check_output(self, agent: Agent, output: Output) -> Output:
        """An output constraint for one turn, checked as an agent's own would be."""
        await asyncio.to_thread(schema.check_output, output, param="output")
        await self._check_engine(agent.but(output=output), self._ports.dialects[agent.dialect])
        checked = _closed(output)
        assert checked is not None
        return checked

    async def find(self, tenant: str, reference: str) -> Agent:
        """By id, `name` or `name@version`. Raises NotFound."""
        key, _, number = reference.partition("@")
        found = None
        if not number:
            found = await self.newest(tenant, key)
        elif _NUMBER.fullmatch(number):
            found = _agent(await self._ports.store.agent_version(tenant, key, int(number)))
        if found is None:
            raise NotFound(
                f"There is no agent {reference!r}. GET /v1/agents lists those there are.",
                param="agent",
            )
        return found

    async def newest(self, tenant: str, key: str) -> Agent | None:
        """The newest version of the agent with this id or name."""
        return _agent(await self._ports.store.agent_version(tenant, key))

    async def versions(
        self, tenant: str, key: str, *, first: int = 1, last: int | None = None
    ) -> list[Agent]:
        """Those with these numbers, oldest first; [] where the agent is unknown."""
        rows = await self._ports.store.agent_versions(tenant, key, first=first, last=last)
        return [_numbered(row) for row in rows]

    async def list(
        self, tenant: str, *, limit: int, after: str | None, before: str | None, descending: bool
    ) -> Listing:
        return await self._ports.store.list_agents(
            tenant, limit=limit, after=after, before=before, descending=descending
        )

    async def delete(self, tenant: str, agent_id: str) -> None:
        """Sessions keep the version they froze. Raises NotFound."""
        if not await self._ports.store.delete_agent(tenant, agent_id):
            raise NotFound(f"There is no agent {agent_id!r}.", param="agent_id")

    # --- checks -----------------------------------------------------------------------------

    def _worker(self, model: str | None) -> Worker:
        ready = [worker for worker in self._ports.engine.workers() if worker.ready]
        if not ready:
            raise EngineUnavailable(
                "No engine is up, so the agent's model and grammar cannot be checked; try again.",
                retry_after=5.0,
            )
        if model is None:
            return ready[0]
        for worker in ready:
            if worker.model == model:
                return worker
        served = ", ".join(sorted({worker.model or "?" for worker in ready}))
        raise UnknownModel(
            f"No engine serves the model {model!r}. Served here: {served}.", param="model"
        )

    def _choose_dialect(self, worker: Worker) -> Dialect:
        dialects = self._ports.dialects
        if self._dialect is not None:
            return dialects[self._dialect]
        names = (worker.model or "", *worker.hints)

        def affinity(dialect: Dialect) -> int:
            return max(dialect.affinity(name) for name in names)

        best = max(dialects.values(), key=affinity, default=None)
        if best is not None and affinity(best) > 0:
            return best
        raise InvalidRequest(
            f"No dialect in grammars/ matches the model {worker.model!r}. Name one with --dialect "
            f"({', '.join(dialects)}) or add a file.",
            param="model",
        )

    async def _named(
        self, wanted: Sequence[str | ToolSpec | McpTools]
    ) -> Sequence[tuple[str, str | ToolSpec]]:
        """Each tool with the place where it was asked for; of MCP servers, as they list them."""
        named: list[tuple[str, str | ToolSpec]] = []
        for position, tool in enumerate(wanted):
            param = f"tools[{position}]"
            if not isinstance(tool, McpTools):
                named.append((param, tool))
                continue
            servers = self._ports.tool_servers
            if servers is None:
                raise UnknownTool("This deployment has no MCP servers.", param=f"{param}.server")
            try:
                found = taken(await servers.offered(tool.server), tool)
            except UnknownTool as error:
                raise UnknownTool(error.message, param=param) from None
            named += [(param, spec) for spec in found]
        return named

    def _tools(self, wanted: Sequence[tuple[str, str | ToolSpec]]) -> tuple[ToolSpec, ...]:
        if len(wanted) > MAX_TOOLS:
            raise InvalidRequest(f"An agent has at most {MAX_TOOLS} tools.", param="tools")
        offered = {spec.name: spec for spec in self._ports.tools.specs()}
        tools: list[ToolSpec] = []
        for param, tool in wanted:
            if isinstance(tool, str):
                if tool not in offered:
                    raise UnknownTool(
                        f"There is no tool {tool!r} here. GET /v1/tools lists them: "
                        f"{', '.join(sorted(offered)) or 'none'}.",
                        param=param,
                    )
                tools.append(offered[tool])
            elif tool.remote is not None:
                tools.append(tool)
            else:
                given = f"{param}.parameters"
                schema.check(tool.parameters, param=given)
                tools.append(tool.but(parameters=schema.closed(tool.parameters, param=given)))
            if tools[-1].name in {other.name for other in tools[:-1]}:
                raise InvalidRequest(f"The tool {tools[-1].name!r} is named twice.", param=param)
        return tuple(tools)

    async def _check_engine(self, agent: Agent, dialect: Dialect) -> None:
        """What only the engine can tell: each tool's grammar, then the whole step's, and whether
        its template can be rendered by deltas."""
        engine = self._ports.engine
        for position, tool in enumerate(agent.tools):
            alone = step_constraint(dialect, [tool], "required", None)
            assert alone is not None
            await engine.check_constraint(alone, param=f"tools[{position}].parameters")
        whole = step_constraint(dialect, agent.tools, "auto", agent.output)
        if whole is not None:
            await engine.check_constraint(whole, param="output" if agent.output else "tools")
        messages = [Message(role="user", content="…")]
        await engine.render_delta(dialect=dialect, messages=messages)
        if agent.tools:
            result = Message(
                role="tool", content="…", name=agent.tools[0].name, call_id="call_check"
            )
            await engine.render_delta(dialect=dialect, messages=[result])


def _agent(row: tuple[int, bytes] | None) -> Agent | None:
    return None if row is None else _numbered(row)


def _numbered(row: tuple[int, bytes]) -> Agent:
    number, body = row
    return Agent.model_validate_json(body).but(version=number)


def _closed(output: Output | None) -> Output | None:
    if isinstance(output, JsonSchemaOutput):
        return output.but(schema_=schema.closed(output.schema_, root="any"))
    return output
