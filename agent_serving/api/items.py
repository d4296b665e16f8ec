"""The transcript."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, TypeAdapter

from agent_serving.api.context import Context, SessionId
from agent_serving.api.errors import documented
from agent_serving.api.paging import OldestFirst, Page, cut
from agent_serving.domain.errors import NotFound
from agent_serving.domain.values import (
    Item,
    MessageItem,
    ReasoningItem,
    ToolCallItem,
    ToolResultItem,
)

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["sessions"])


TurnId = Annotated[
    str | None, Field(description="Null where it was said elsewhere, in front of a turn to come.")
]


class TranscriptMessage(MessageItem):
    turn_id: TurnId


class TranscriptReasoning(ReasoningItem):
    turn_id: TurnId


class TranscriptToolCall(ToolCallItem):
    turn_id: TurnId


class TranscriptToolResult(ToolResultItem):
    turn_id: TurnId


TranscriptItem = Annotated[
    TranscriptMessage | TranscriptReasoning | TranscriptToolCall | TranscriptToolResult,
    Field(discriminator="type"),
]


class ItemPage(Page[TranscriptItem]):
    pass


@router.get(
    "/items",
    response_model=ItemPage,
    summary="Read the transcript",
    responses=documented(NotFound),
)
async def list_items(session_id: SessionId, api: Context, query: OldestFirst) -> ItemPage:
    """Messages, reasoning, tool calls and their results, in the order in which the model saw
    them."""
    session = await api.service.sessions.get(api.tenant, session_id)
    items: list[tuple[str | None, Item]] = [(None, item) for item in session.history]
    items += [(turn.id, item) for turn in session.turns for item in turn.items]
    items += [(None, item) for item in session.added]
    rows, more = cut(items, lambda row: row[1].id, query)
    adapter: TypeAdapter[TranscriptItem] = TypeAdapter(TranscriptItem)
    return ItemPage(
        data=[adapter.validate_python({**dict(item), "turn_id": turn}) for turn, item in rows],
        first_id=rows[0][1].id if rows else None,
        last_id=rows[-1][1].id if rows else None,
        has_more=more,
    )
