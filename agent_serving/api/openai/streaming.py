"""A response as server-sent events: the feed of its session, told by a `Narrator`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from agent_serving.api import ledger
from agent_serving.api.context import Api
from agent_serving.api.openai.ids import ResponseId, no_response
from agent_serving.api.openai.narration import LAST, NUMBERS_PER_EVENT, Narrator
from agent_serving.api.openai.objects import part_of, response_of
from agent_serving.api.openai.output import Json
from agent_serving.domain.errors import AgentServingError, NotFound
from agent_serving.domain.session import Session
from agent_serving.runtime.follow import is_dropped

PING: Json = {}
"""Nothing was said for a while."""


def streamed(example: Json) -> Json:
    """What the OpenAPI document says of a stream whose events are like the example."""
    schema = {
        "title": "OpenAIEvent",
        "type": "object",
        "required": ["data"],
        "properties": {
            "event": {"type": "string", "description": "The `type` of `data`."},
            "data": {"type": "string", "description": "JSON text; at a chat's end `[DONE]`."},
        },
    }
    return {"content": {"text/event-stream": {"schema": schema, "example": example}}}


async def found(api: Api, response_id: ResponseId, *, steps: bool = False) -> tuple[Session, Json]:
    """The response as it stands now, and its session. Raises NotFound."""
    try:
        session = await api.service.sessions.get(api.tenant, response_id.session_id)
    except NotFound:
        raise no_response(str(response_id)) from None
    part = part_of(session, response_id)
    if part is None:
        raise no_response(str(response_id))
    response = response_of(session, part)
    if steps:
        rows = [ledger.Step.of(part.turn, step).model_dump(mode="json") for step in part.steps]
        response["agent_serving"]["steps"] = rows
    return session, response


async def narrated(
    api: Api,
    response_id: ResponseId,
    *,
    first: int | None = None,
    after: int = -1,
    steps: bool = False,
) -> AsyncGenerator[Json, None]:
    """The response's events behind number `after`, to its end; `first` is the number of the turn's
    first event in the feed."""
    session, response = await found(api, response_id, steps=steps)
    if first is None:
        first = await api.service.feed.start_of(session, response_id.turn_id)
    narrator = Narrator(response, session.agent, response_id.part, steps=steps)
    feed = api.service.feed.follow(session, first - 1, ping_seconds=api.settings.ping_seconds)
    last = first
    async with aclosing(feed) as events:
        async for event in events:
            if event is None:
                yield PING
                continue
            if event.turn_id != response_id.turn_id or is_dropped(event):
                continue
            last = event.sequence
            told = narrator.tell(event)
            if narrator.ended:
                _, response = await found(api, response_id, steps=steps)
                told += narrator.close(response, event.sequence)
            for each in told:
                if each["sequence_number"] > after:
                    yield each
            if narrator.ended:
                return
    if not api.service.closing.is_set():
        gone = no_response(str(response_id))
        yield error_event(gone) | {"sequence_number": last * NUMBERS_PER_EVENT + LAST}


def error_event(error: AgentServingError) -> Json:
    """Flat: a top-level `error` would make OpenAI's clients raise before they read it."""
    return {"type": "error", "code": error.code, "message": error.message, "param": error.param}


def frame(event: Json) -> bytes:
    if not event:
        return b": ping\n\n"
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


async def frames(events: AsyncGenerator[Json, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(events) as source:
        async for event in source:
            yield frame(event)
