"""Chat completions: stateless, by a session that lives as long as its answer takes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response

from agent_serving.api.context import Api, Context
from agent_serving.api.delivery import settled
from agent_serving.api.errors import GenerationFailed, documented, info
from agent_serving.api.idempotency import REPLAYED, Mark, tell
from agent_serving.api.openai import views
from agent_serving.api.openai.chat_bodies import ChatBody, as_response
from agent_serving.api.openai.completions import Chunks, completion_of
from agent_serving.api.openai.ignored import tell_ignored, warning
from agent_serving.api.openai.output import Json
from agent_serving.api.openai.responses import STARTING, pass_away
from agent_serving.api.openai.streaming import found, frame, narrated, streamed
from agent_serving.api.openai.taking import Begun, take
from agent_serving.api.stream import EventStream

router = APIRouter(prefix="/v1/chat", tags=["openai"])

STREAMED = streamed(
    {"data": '{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel"}}]}'}
)


@router.post(
    "/completions",
    response_model=views.Completion,
    summary="Complete a chat",
    responses={200: STREAMED, **documented(*STARTING, GenerationFailed, body=True)},
)
async def create_completion(
    body: ChatBody, api: Context, request: Request, response: Response, mark: Mark
) -> Json | EventStream:
    """As OpenAI's. The messages are rendered by the model's template each time; a session or a
    conversation keeps its tokens, and with them the engine's cache, exactly. Calls of tools of
    this deployment are run here, and only what the model says then is told."""
    asked, ignored = as_response(body)
    begun = await take(api, asked, request, mark)
    if body.stream:
        headers = warning(ignored) | (REPLAYED if begun.replayed else {})
        headers |= {"x-turn-id": begun.id.turn_id}
        return EventStream(_chunks(api, begun, request, usage=body.usage_wanted), headers)
    tell_ignored(response, ignored)
    tell(response, replayed=begun.replayed)
    try:
        session, _ = await found(api, begun.id)
        turn = session.turn(begun.id.turn_id)
        assert turn is not None
        response.headers["x-turn-id"], response.headers["x-trace-id"] = turn.id, turn.trace_id
        await settled(api, request, session.id, turn)
        _, shown = await found(api, begun.id)
        return completion_of(shown)
    finally:
        await pass_away(api, begun)


async def _chunks(
    api: Api, begun: Begun, request: Request, *, usage: bool
) -> AsyncGenerator[bytes, None]:
    chunks = Chunks(usage=usage)
    try:
        async with aclosing(narrated(api, begun.id, first=begun.sequence)) as events:
            async for event in events:
                if not event:
                    yield frame(event)
                    continue
                for chunk in chunks.tell(event):
                    yield _data(chunk)
                if chunks.failure is not None:
                    # Here OpenAI's clients look for it at the top.
                    error = info(chunks.failure, request.scope).model_dump(mode="json")
                    yield _data({"error": error})
                    return
        yield b"data: [DONE]\n\n"
    finally:
        await pass_away(api, begun)


def _data(chunk: Json) -> bytes:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
