"""The requests of a batch, checked before any of them is accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sized
from contextlib import contextmanager

from agent_serving.api.agents import chosen
from agent_serving.api.batch_bodies import BatchBody, BatchRequestBody
from agent_serving.api.bodies import AgentBody, OutputBody
from agent_serving.api.context import Api
from agent_serving.api.delivery import named
from agent_serving.api.messages import texts
from agent_serving.domain.errors import InvalidRequest, RequestError
from agent_serving.domain.values import Agent, Output
from agent_serving.runtime.batches import BatchDraft, RequestDraft

MAX_DIFFERENT = 100
"""Agents of a batch, and outputs of its agents: each is looked at on its own."""
MAX_AGENT_BYTES = 8 * 1024 * 1024
"""Of all agents of a batch, which are stored and read as one."""


class BatchCheck:
    """Agents and outputs that are the same in many requests are looked at once."""

    def __init__(self, api: Api, body: BatchBody) -> None:
        self._api = api
        self._body = body
        self._agents: list[Agent] = []
        self._agent_bytes = 0
        self._places: dict[str, int] = {}
        self._outputs: dict[tuple[int, str], Output] = {}
        self._default = None if body.agent is None else _key(body.agent)

    async def draft(self) -> BatchDraft:
        """Raises what an agent and a turn of the kind are refused with; `param` says in which
        request, as in `requests[3].agent`."""
        self._check_ids()
        requests = [
            await self._request(f"requests[{place}]", request)
            for place, request in enumerate(self._body.requests)
        ]
        return BatchDraft(
            agents=tuple(self._agents),
            requests=tuple(requests),
            metadata=self._body.metadata,
            ttl_seconds=self._body.ttl_seconds,
        )

    def _check_ids(self) -> None:
        places: dict[str, int] = {}
        for place, request in enumerate(self._body.requests):
            first = places.setdefault(request.custom_id, place)
            if first != place:
                raise InvalidRequest(
                    f"The custom_id {request.custom_id!r} is that of requests[{first}] already; "
                    "give each request one of its own.",
                    param=f"requests[{place}].custom_id",
                )

    async def _request(self, where: str, request: BatchRequestBody) -> RequestDraft:
        said = texts(request.input)
        if not any(text.strip() for text in said):
            raise InvalidRequest(
                f"`{where}.input` is empty; say something to the agent.", param=f"{where}.input"
            )
        agent = await self._agent(where, request)
        limits = request.limits
        return RequestDraft(
            custom_id=request.custom_id,
            agent=agent,
            input=said,
            output=await self._output(where, agent, request.output),
            limits=None if limits is None else limits.over(self._agents[agent].limits),
            metadata=request.metadata,
        )

    async def _agent(self, where: str, request: BatchRequestBody) -> int:
        choice, param = request.agent, f"{where}.agent"
        key = self._default if choice is None else _key(choice)
        if choice is None:
            choice, param = self._body.agent, "agent"
        if choice is None or key is None:
            raise InvalidRequest(
                f"`{where}` names no agent, and the batch has none. Give one of them `agent`.",
                param=f"{where}.agent",
            )
        if key not in self._places:
            _require_few(self._agents, param, "agents")
            with _within(param):
                agent = await chosen(self._api, choice)
            self._add(agent.but(service_class="batch"), param)
            self._places[key] = len(self._agents) - 1
        return self._places[key]

    def _add(self, agent: Agent, param: str) -> None:
        self._agent_bytes += len(agent.model_dump_json().encode())
        if self._agent_bytes > MAX_AGENT_BYTES:
            raise InvalidRequest(
                f"With `{param}` the agents of the batch have {self._agent_bytes} bytes, with all "
                f"instructions and tools; at most {MAX_AGENT_BYTES} are taken. Split the batch by "
                "agent.",
                param=param,
            )
        self._agents.append(agent)

    async def _output(self, where: str, place: int, output: OutputBody | None) -> Output | None:
        if output is None:
            return None
        key = (place, output.model_dump_json())
        if key not in self._outputs:
            _require_few(self._outputs, f"{where}.output", "outputs")
            agents, agent = self._api.service.agents, self._agents[place]
            with _within(where):
                wanted = named(self._api.outputs, output)
                self._outputs[key] = await agents.check_output(agent, wanted)
        return self._outputs[key]


def _key(choice: str | AgentBody) -> str:
    if isinstance(choice, str):
        return json.dumps(choice)
    return choice.model_dump_json()


def _require_few(seen: Sized, param: str, what: str) -> None:
    if len(seen) >= MAX_DIFFERENT:
        raise InvalidRequest(
            f"Up to `{param}` the batch has more than {MAX_DIFFERENT} different {what}; that is "
            "the most. Split the batch.",
            param=param,
        )


@contextmanager
def _within(where: str) -> Iterator[None]:
    """What is wrong inside is told by its place in the whole body."""
    try:
        yield
    except RequestError as error:
        inside = error.param
        if inside is None or where.endswith(inside):
            error.param = where
        else:
            error.param = f"{where}.{inside}"
        raise
