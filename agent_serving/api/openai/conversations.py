"""Conversations: sessions by OpenAI's name for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from agent_serving.api.context import Api, Context
from agent_serving.api.errors import BadHeader, Unsupported, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.openai import views
from agent_serving.api.openai.asked import NAME
from agent_serving.api.openai.bodies import (
    ConversationBody,
    ConversationPatch,
    InputItem,
    ItemsBody,
)
from agent_serving.api.openai.heard import heard
from agent_serving.api.openai.ids import conversation_id, session_of
from agent_serving.api.openai.ignored import tell_ignored, unknown
from agent_serving.api.openai.output import Json, transcript
from agent_serving.api.openai.responses import item_list
from agent_serving.api.paging import NewestFirst, cut
from agent_serving.domain.errors import (
    ContextLengthExceeded,
    EngineUnavailable,
    IdempotencyMismatch,
    NotFound,
    SessionBusy,
)
from agent_serving.domain.session import Session
from agent_serving.domain.values import Item, MessageItem
from agent_serving.runtime.agents import AgentDraft

router = APIRouter(prefix="/v1/conversations", tags=["openai"])

Id = Annotated[
    str,
    Path(
        max_length=128,
        description="Id of a conversation.",
        examples=["conv_01k0a3t9c4m8v2q6x5z7w1y3b9"],
    ),
]
ItemId = Annotated[
    str,
    Path(
        max_length=128, description="Id of an item.", examples=["item_01k0a3t9c4m8v2q6x5z7w1y3b9"]
    ),
]


@router.post(
    "",
    response_model=views.Conversation,
    summary="Create a conversation",
    responses=documented(BadHeader, Unsupported, EngineUnavailable, IdempotencyMismatch, body=True),
)
async def create_conversation(
    body: ConversationBody, api: Context, response: Response, mark: Mark
) -> views.Conversation:
    """It takes the model, the instructions and the tools of its first response."""
    history = _history(api, body.items or [])
    tell_ignored(response, unknown(body))
    known = await api.service.sessions.maker.known(api.tenant, mark)
    if known is not None:
        tell(response, replayed=True)
        return _view(known)
    agent = await api.service.agents.resolve(AgentDraft(name=NAME))
    made = await api.service.sessions.open(
        api.tenant, agent, metadata=body.metadata or {}, history=history, mark=mark
    )
    tell(response, replayed=made.replayed)
    return _view(made.value)


@router.get(
    "/{conversation_id}",
    response_model=views.Conversation,
    summary="Read a conversation",
    responses=documented(NotFound),
)
async def get_conversation(conversation_id: Id, api: Context) -> views.Conversation:
    return _view(await _found(api, conversation_id))


@router.post(
    "/{conversation_id}",
    response_model=views.Conversation,
    summary="Change a conversation's metadata",
    responses=documented(NotFound, body=True),
)
async def update_conversation(
    conversation_id: Id, body: ConversationPatch, api: Context, response: Response
) -> views.Conversation:
    session = await _found(api, conversation_id)
    tell_ignored(response, unknown(body))
    return _view(await api.service.sessions.change(api.tenant, session.id, metadata=body.metadata))


@router.delete(
    "/{conversation_id}",
    response_model=views.DeletedConversation,
    summary="Delete a conversation",
    responses=documented(NotFound, SessionBusy),
)
async def delete_conversation(conversation_id: Id, api: Context) -> views.DeletedConversation:
    """With its items and responses, which OpenAI's would keep: here they are one session."""
    session = await _found(api, conversation_id)
    await api.service.sessions.delete(api.tenant, session.id)
    return views.DeletedConversation(id=conversation_id)


@router.get(
    "/{conversation_id}/items",
    response_model=views.ItemList,
    summary="List a conversation's items",
    responses=documented(NotFound),
)
async def list_conversation_items(
    conversation_id: Id, api: Context, query: NewestFirst
) -> views.ItemList:
    items = transcript(await _found(api, conversation_id))
    rows, more = cut(items, lambda item: str(item["id"]), query)
    return item_list(rows, more)


@router.post(
    "/{conversation_id}/items",
    response_model=views.ItemList,
    summary="Add items to a conversation",
    responses=documented(
        *(BadHeader, NotFound, Unsupported, SessionBusy, ContextLengthExceeded),
        *(EngineUnavailable, IdempotencyMismatch),
        body=True,
    ),
)
async def add_conversation_items(
    conversation_id: Id, body: ItemsBody, api: Context, response: Response, mark: Mark
) -> views.ItemList:
    """In front of its next response. Behind the first one these are messages, and the prompt goes
    on with them where it was."""
    session = await _found(api, conversation_id)
    tell_ignored(response, unknown(body))
    added = api.service.history.replay(session, mark)
    if added is None:
        history = _history(api, body.items)
        if session.turns and not all(isinstance(item, MessageItem) for item in history):
            raise Unsupported(
                "Only messages can be added behind a conversation's first response; calls and "
                "their outputs are part of a response.",
                param="items",
            )
        added = await api.service.history.add(api.tenant, session.id, history, mark=mark)
    tell(response, replayed=added.replayed)
    shown = [item for item in transcript(added.session) if item["id"] in added.items]
    return item_list(shown, False)


@router.get(
    "/{conversation_id}/items/{item_id}",
    summary="Read an item of a conversation",
    response_model=dict[str, object],
    responses=documented(NotFound),
)
async def get_conversation_item(conversation_id: Id, item_id: ItemId, api: Context) -> Json:
    for item in transcript(await _found(api, conversation_id)):
        if item["id"] == item_id:
            return item
    raise NotFound(f"The conversation has no item {item_id!r}.", param="item_id")


def _history(api: Api, items: list[InputItem]) -> tuple[Item, ...]:
    """Raises Unsupported."""
    said = heard(items, api.service.ports.new_id, param="items")
    if said.instructions:
        raise Unsupported(
            "System and developer messages are `instructions` of a response, not items of a "
            "conversation.",
            param="items",
        )
    if said.agreements:
        raise Unsupported(
            "An mcp_approval_response goes with a request to /v1/responses, not into a "
            "conversation.",
            param="items",
        )
    return said.items


async def _found(api: Api, conversation: str) -> Session:
    try:
        return await api.service.sessions.get(api.tenant, session_of(conversation))
    except NotFound:
        raise NotFound(
            f"There is no conversation {conversation!r}.", param="conversation_id"
        ) from None


def _view(session: Session) -> views.Conversation:
    return views.Conversation(
        id=conversation_id(session.id),
        created_at=int(session.created_at.timestamp()),
        metadata=session.metadata,
    )
