"""How a turn that was started is answered: wait, stream or background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Query, Request, Response

from agent_serving.api import views
from agent_serving.api.bodies import GrammarOutput, OutputBody
from agent_serving.api.context import Api
from agent_serving.api.preference import heeded
from agent_serving.api.turn_bodies import TurnBody
from agent_serving.domain.constraint import step_constraint
from agent_serving.domain.errors import InvalidRequest, StoreUnavailable
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import Agent, Output
from agent_serving.runtime.turn_request import TurnRequest

T = TypeVar("T")

Include = Annotated[
    list[Literal["steps"]],
    Query(
        default_factory=list,
        description="`steps`: the turn comes with its ledger, once it is over. Not in a stream.",
    ),
]

HttpStatus = Literal[200, 201, 202]


def turn_view(
    api: Api, session_id: str, turn: Turn, response: Response, include: Sequence[str] = ()
) -> views.Turn:
    """The turn as it goes out, its ids in the headers too."""
    response.headers["x-turn-id"] = turn.id
    response.headers["x-trace-id"] = turn.trace_id
    jaeger = api.settings.jaeger_url
    return views.Turn.of(session_id, turn, jaeger_url=jaeger, steps="steps" in include)


async def settled(
    api: Api, request: Request, session_id: str, turn: Turn, patience: int | None = None
) -> Turn | None:
    """The turn once it is over or waits for the caller. None after `patience` seconds, when this
    process is about to end, or when the caller goes: the turn goes on in any case."""
    waiting = api.service.sessions.settled(api.tenant, session_id, turn.id, at_hand=True)
    return await _while_there(request, waiting, api.service.closing, patience)


async def outcome(
    api: Api,
    request: Request,
    response: Response,
    session_id: str,
    turn: Turn,
    patience: int | None,
    *,
    late: HttpStatus = 202,
) -> Turn:
    """`settled`, or the status `late` and the turn as it is then; as it was, where the store cannot
    be asked."""
    done = await settled(api, request, session_id, turn, patience)
    heeded(response, patience)
    if done is not None:
        return done
    response.status_code = late
    with contextlib.suppress(StoreUnavailable):
        return await api.service.sessions.turn(api.tenant, session_id, turn.id)
    return turn


async def turn_request(
    api: Api, session: Session, body: TurnBody, texts: tuple[str, ...], request: Request
) -> TurnRequest:
    """Raises InvalidRequest, SchemaRejected, UnknownTool."""
    agent = session.agent
    output = None
    if body.output is not None:
        output = await api.service.agents.check_output(agent, named(api.outputs, body.output))
    _check_tool_choice(api, agent, body)
    base = session.limits or agent.limits
    return TurnRequest(
        input=texts,
        tool_choice=body.tool_choice,
        output=output,
        limits=body.limits.over(base) if body.limits is not None else None,
        budget=body.budget,
        metadata=body.metadata,
        traceparent=request.headers.get("traceparent"),
        tracestate=request.headers.get("tracestate"),
    )


def named(outputs: Mapping[str, Output], output: OutputBody) -> Output:
    """With the name of a grammar resolved. Raises InvalidRequest."""
    if not isinstance(output, GrammarOutput):
        return output
    if output.name not in outputs:
        raise InvalidRequest(
            f"There is no output grammar {output.name!r} here. GET /v1/grammars lists them: "
            f"{', '.join(sorted(outputs)) or 'none'}.",
            param="output.name",
        )
    return outputs[output.name]


def _check_tool_choice(api: Api, agent: Agent, body: TurnBody) -> None:
    dialect = api.service.ports.dialects.get(agent.dialect)
    if dialect is not None and body.tool_choice not in ("auto", "none"):
        step_constraint(dialect, agent.tools, body.tool_choice, None)


async def _while_there(
    request: Request, work: Coroutine[Any, Any, T], closing: asyncio.Event, seconds: int | None
) -> T | None:
    """The result, or None where the caller has gone first, or nobody is to wait any more."""
    gone = asyncio.create_task(_disconnected(request))
    closed = asyncio.create_task(closing.wait())
    done = asyncio.create_task(work)
    try:
        tasks = {gone, closed, done}
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return done.result() if done.done() else None
    finally:
        for task in (gone, closed, done):
            task.cancel()
        await asyncio.gather(gone, closed, done, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    """To be asked when the body has been read: then only the end can come."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
