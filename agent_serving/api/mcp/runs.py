"""A call of an agent: a turn of a session, its steps told as progress."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext

from agent_serving.api import views
from agent_serving.api.context import Api
from agent_serving.api.mcp.tools import PREFIX
from agent_serving.domain.errors import InvalidRequest, UnknownTool
from agent_serving.domain.session import Session, Turn
from agent_serving.runtime.follow import SessionEvent
from agent_serving.runtime.turn_request import Taken, TurnRequest

Request = ServerRequestContext[Any, Any]

TOLD = frozenset({"step.started", "tool_call.started", "tool_call.completed", "turn.waiting"})


async def run_agent(
    api: Api, context: Request, params: types.CallToolRequestParams
) -> types.CallToolResult:
    """The turn goes on if the caller leaves. Raises UnknownTool, InvalidRequest, and what
    `Sessions.start_turn` does."""
    text, session_id = _arguments(params.arguments or {})
    session = await _session(api, params.name, session_id)
    assert context.request is not None
    headers = context.request.headers
    request = TurnRequest(
        input=(text,),
        traceparent=_meta(context, "traceparent") or headers.get("traceparent"),
        tracestate=_meta(context, "tracestate") or headers.get("tracestate"),
    )
    if session_id is None:
        taken = await _first_turn(api, session, request)
    else:
        taken = await api.service.sessions.start_turn(api.tenant, session.id, request, at_hand=True)
    telling = asyncio.create_task(_tell(api, context, session, taken), name="mcp progress")
    try:
        turn = await _settled(api, session.id, taken.turn)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    return _result(session.id, turn)


def _arguments(given: dict[str, Any]) -> tuple[str, str | None]:
    text, session_id = given.get("input"), given.get("session_id")
    if unknown := given.keys() - {"input", "session_id"}:
        raise InvalidRequest(f"There is no argument {sorted(unknown)[0]!r}.", param="arguments")
    if not isinstance(text, str) or not isinstance(session_id, str | None):
        raise InvalidRequest(
            "`input` has to be a text, and so has `session_id` where it is given.",
            param="arguments",
        )
    return text, session_id


def _meta(context: Request, key: str) -> str | None:
    value = (context.meta or {}).get(key)
    return value if isinstance(value, str) else None


async def _session(api: Api, tool: str, session_id: str | None) -> Session:
    name = tool.removeprefix(PREFIX)
    if session_id is not None:
        session = await api.service.sessions.get(api.tenant, session_id)
        if session.agent.name != name or not tool.startswith(PREFIX):
            raise InvalidRequest(
                f"The session {session_id} is one of the agent {session.agent.name!r}; go on with "
                f"{PREFIX}{session.agent.name}.",
                param="session_id",
            )
        return session
    agent = await api.service.agents.newest(api.tenant, name)
    if agent is None or tool != PREFIX + agent.name:
        raise UnknownTool(f"There is no tool {tool!r}; tools/list names those there are.")
    return (await api.service.sessions.open(api.tenant, agent)).value


async def _first_turn(api: Api, session: Session, asked: TurnRequest) -> Taken:
    try:
        return await api.service.sessions.start_turn(api.tenant, session.id, asked, at_hand=True)
    except Exception:
        # Nobody knows the session's id: it would stay for ever.
        await api.service.sessions.delete(api.tenant, session.id)
        raise


async def _settled(api: Api, session_id: str, turn: Turn) -> Turn:
    """The turn as it is where this process is about to end: it goes on elsewhere."""
    sessions = api.service.sessions
    done = asyncio.ensure_future(sessions.settled(api.tenant, session_id, turn.id, at_hand=True))
    closing = asyncio.create_task(api.service.closing.wait())
    try:
        await asyncio.wait({done, closing}, return_when=asyncio.FIRST_COMPLETED)
        return done.result() if done.done() else turn
    finally:
        for task in (done, closing):
            task.cancel()
        await asyncio.gather(done, closing, return_exceptions=True)


async def _tell(api: Api, context: Request, session: Session, taken: Taken) -> None:
    """One notification for each step that begins or ends."""
    count, after = 0, (taken.sequence or 1) - 1
    async for event in api.service.feed.follow(session, after):
        if event is not None and event.turn_id == taken.turn.id and event.type in TOLD:
            count += 1
            await context.session.report_progress(count, None, _sentence(event))


def _sentence(event: SessionEvent) -> str:
    match event.type:
        case "step.started":
            return f"{event.data['kind']} step"
        case "turn.waiting":
            return "waiting"
        case _:
            what = event.type.removeprefix("tool_call.")
            return f"{event.data['name']} {event.data.get('outcome', what)}"


def _result(session_id: str, turn: Turn) -> types.CallToolResult:
    told = views.Turn.of(session_id, turn, jaeger_url=None).model_dump(mode="json")
    kept = ("output_parsed", "required_inputs", "usage", "cost", "error", "incomplete_details")
    structured = {
        "session_id": session_id,
        "turn_id": turn.id,
        "status": turn.status,
        "output": turn.output_text,
        **{key: told[key] for key in kept},
    }
    completed = turn.status == "completed"
    text = turn.output_text if completed else _why(session_id, turn)
    blocks = [types.TextContent(text=text), types.TextContent(text=f"session_id: {session_id}")]
    return types.CallToolResult(
        content=list(blocks), structured_content=structured, is_error=not completed
    )


def _why(session_id: str, turn: Turn) -> str:
    match turn.status:
        case "waiting" if turn.pause is not None:
            return f"The turn waits: the {turn.pause.scope}'s {turn.pause.budget} is used up."
        case "waiting":
            path = f"/v1/sessions/{session_id}/turns/{turn.id}/inputs"
            calls = ", ".join(turn.waiting_for)
            return f"The turn waits for an answer to {calls}: POST {path}."
        case "failed" if turn.error is not None:
            return f"{turn.error.code}: {turn.error.message}"
        case "incomplete":
            return (
                f"The turn ended at its limit {turn.reason}. So far: {json.dumps(turn.output_text)}"
            )
        case _:
            return f"The turn is {turn.status}: GET /v1/sessions/{session_id}/turns/{turn.id}."
