"""Conversations by OpenAI's own client."""

from __future__ import annotations

import secrets
from typing import Any

import openai
import pytest

from agent_serving.domain.errors import StoreUnavailable
from agent_serving.testing import Say
from tests.openai.conformance import fold
from tests.openai.conftest import LOOK_UP, LOOKS_UP, Talk, Talking


async def said(talk: Talk, conversation: str) -> list[tuple[str, str]]:
    found = await talk.client.conversations.items.list(conversation, order="asc", limit=100)
    return [
        (item.role, item.content[0].text)  # type: ignore[union-attr]
        if item.type == "message"
        else (item.type, "")
        for item in found.data
    ]


async def test_a_conversation_is_made_read_changed_and_deleted(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.conversations.create(metadata={"topic": "demo"})
    assert (made.object, made.metadata) == ("conversation", {"topic": "demo"})
    assert await talk.client.conversations.retrieve(made.id) == made
    changed = await talk.client.conversations.update(made.id, metadata={"topic": "other"})
    assert changed.metadata == {"topic": "other"}
    gone = await talk.client.conversations.delete(made.id)
    assert (gone.id, gone.deleted) == (made.id, True)
    with pytest.raises(openai.NotFoundError):
        await talk.client.conversations.retrieve(made.id)
    assert await talk.sessions() == []


async def test_responses_in_a_conversation_know_all_that_was_said(talking: Talking) -> None:
    talk = await talking("You are Ann.", "Ann.")
    made = await talk.client.conversations.create(
        items=[
            {"type": "message", "role": "user", "content": "Hello."},
            {"type": "message", "role": "assistant", "content": "Hi."},
        ]
    )
    body: Any = {"model": "scripted", "conversation": made.id, "instructions": "Remember."}
    first = await talk.client.responses.create(input="I am Ann.", **body)
    assert first.conversation is not None
    assert first.conversation.id == made.id
    assert first.previous_response_id is None
    stream = await talk.client.responses.create(input="Who am I?", stream=True, **body)
    fold([event async for event in stream])
    assert await said(talk, made.id) == [
        ("user", "Hello."),
        ("assistant", "Hi."),
        ("user", "I am Ann."),
        ("assistant", "You are Ann."),
        ("user", "Who am I?"),
        ("assistant", "Ann."),
    ]
    prompt = talk.engine.decode(talk.engine.requests[0].prompt)
    assert [prompt.index(text) for text in ("Remember.", "Hello.", "Hi.", "I am Ann.")] == sorted(
        prompt.index(text) for text in ("Remember.", "Hello.", "Hi.", "I am Ann.")
    )
    sessions = await talk.sessions()
    assert len(sessions) == 1
    shown = (await talk.served.get(f"/v1/sessions/{sessions[0]['id']}/items"))["data"]
    assert [item["text"] for item in shown] == [text for _, text in await said(talk, made.id)]
    assert [item["turn_id"] is None for item in shown] == [True] * 2 + [False] * 4


async def test_a_conversation_that_is_made_again_by_its_key_has_its_items(
    talking: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talking("Hello.")
    store = talk.served.service.ports.store
    append = store.append

    async def die(fact: Any) -> int:
        await append(fact)
        monkeypatch.undo()
        raise StoreUnavailable("the process died behind its first fact")

    monkeypatch.setattr(store, "append", die)
    body: Any = {
        "items": [{"type": "message", "role": "user", "content": "Hi."}],
        "extra_headers": {"Idempotency-Key": "a"},
    }
    with pytest.raises(openai.InternalServerError):
        await talk.client.conversations.create(**body)
    made = await talk.client.conversations.create(**body)
    assert await said(talk, made.id) == [("user", "Hi.")]
    assert (await talk.client.conversations.create(**body)).id == made.id
    assert await said(talk, made.id) == [("user", "Hi.")]
    assert len(await talk.sessions()) == 1


async def test_calls_in_a_conversation_are_answered_in_it(talking: Talking) -> None:
    talk = await talking(LOOKS_UP, "It is on its way.")
    made = await talk.client.conversations.create()
    body: Any = {"model": "scripted", "conversation": made.id, "tools": [LOOK_UP]}
    first = await talk.client.responses.create(input="Where is it?", **body)
    call = first.output[0]
    assert call.type == "function_call"
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "on its way"}
    repeated: Any = {**body, "input": [output], "extra_headers": {"Idempotency-Key": "a"}}
    second = await talk.client.responses.create(**repeated)
    assert second.output_text == "It is on its way."
    assert await talk.client.responses.create(**repeated) == second
    kinds = [kind for kind, _ in await said(talk, made.id)]
    assert kinds == ["user", "function_call", "function_call_output", "assistant"]


async def test_items_are_added_in_front_of_the_first_response_and_read(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.conversations.create()
    added = await talk.client.conversations.items.create(
        made.id, items=[{"type": "message", "role": "user", "content": "Hi."}]
    )
    item = await talk.client.conversations.items.retrieve(
        added.data[0].id or "", conversation_id=made.id
    )
    assert item == added.data[0]
    await talk.client.responses.create(model="scripted", input="You?", conversation=made.id)
    assert await said(talk, made.id) == [("user", "Hi."), ("user", "You?"), ("assistant", "Hello.")]


NEWS: list[Any] = [
    {"type": "message", "role": "user", "content": "Ann has called."},
    {"type": "message", "role": "assistant", "content": "Noted."},
]


async def begun(talk: Talk) -> tuple[str, str]:
    """A conversation and its first response."""
    made = await talk.client.conversations.create()
    first = await talk.client.responses.create(model="scripted", input="Hi", conversation=made.id)
    return made.id, first.id


async def test_messages_are_added_between_responses_behind_the_tokens_that_are_there(
    talking: Talking,
) -> None:
    talk = await talking("Hello.", "Ann did.")
    conversation, _ = await begun(talk)
    added = await talk.client.conversations.items.create(conversation, items=NEWS)
    told = [("user", "Hi"), ("assistant", "Hello."), ("user", "Ann has called.")]
    told += [("assistant", "Noted.")]
    assert await said(talk, conversation) == told
    second = await talk.client.responses.create(
        model="scripted", input="Who called?", conversation=conversation
    )
    assert second.output_text == "Ann did."
    told += [("user", "Who called?"), ("assistant", "Ann did.")]
    assert await said(talk, conversation) == told
    for item in added.data:
        found = await talk.client.conversations.items.retrieve(
            item.id or "", conversation_id=conversation
        )
        assert found == item
    before, after = (talk.engine.decode(request.prompt) for request in talk.engine.requests)
    assert after.startswith(before + "Hello.")
    behind = after.removeprefix(before)
    assert [line for _, line in told[1:-1]] == sorted(
        (line for _, line in told[1:-1]), key=behind.index
    )
    items = await talk.client.responses.input_items.list(second.id, order="asc")
    assert [item.id for item in items.data[:2]] == [item.id for item in added.data]
    shown = await talk.served.get(f"/v1/sessions/{(await talk.sessions())[0]['id']}/items")
    assert [item["text"] for item in shown["data"]] == [line for _, line in told]


async def test_a_message_that_was_added_is_answered_by_itself(talking: Talking) -> None:
    talk = await talking("Hello.", "I see.")
    conversation, _ = await begun(talk)
    with pytest.raises(openai.UnprocessableEntityError):
        await talk.client.responses.create(model="scripted", conversation=conversation)
    await talk.client.conversations.items.create(conversation, items=NEWS[:1])
    answer = await talk.client.responses.create(model="scripted", conversation=conversation)
    assert answer.output_text == "I see."


async def test_what_was_added_to_a_conversation_is_not_part_of_what_forks_from_it(
    talking: Talking,
) -> None:
    talk = await talking("Hello.", "Who?", "Ann.")
    conversation, first = await begun(talk)
    await talk.client.conversations.items.create(conversation, items=NEWS)
    await talk.client.responses.create(
        model="scripted", input="Who called?", previous_response_id=first
    )
    assert "Ann" not in talk.engine.decode(talk.engine.requests[-1].prompt)
    await talk.client.responses.create(
        model="scripted", input="Who called?", conversation=conversation
    )
    assert "Ann has called." in talk.engine.decode(talk.engine.requests[-1].prompt)


async def test_calls_are_not_added_behind_a_response(talking: Talking) -> None:
    talk = await talking("Hello.")
    conversation, _ = await begun(talk)
    call: Any = {"type": "function_call", "call_id": "a", "name": "look_up", "arguments": "{}"}
    with pytest.raises(openai.BadRequestError, match="Only messages"):
        await talk.client.conversations.items.create(conversation, items=[*NEWS, call])
    assert len(await said(talk, conversation)) == 2


async def test_items_are_added_once_by_their_key(talking: Talking) -> None:
    talk = await talking("Hello.")
    conversation = (await talk.client.conversations.create()).id
    for _ in range(2):
        body: Any = {"items": NEWS, "extra_headers": {"Idempotency-Key": secrets.token_hex(4)}}
        added = await talk.client.conversations.items.create(conversation, **body)
        before = await said(talk, conversation)
        again = await talk.client.conversations.items.with_raw_response.create(conversation, **body)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.parse() == added
        assert await said(talk, conversation) == before
        with pytest.raises(openai.ConflictError) as refused:
            await talk.client.conversations.items.create(conversation, **body | {"items": NEWS[:1]})
        assert refused.value.code == "idempotency_mismatch"
        # Also behind a response.
        await talk.client.responses.create(
            model="scripted", input="You?", conversation=conversation
        )
    assert len(await said(talk, conversation)) == 8


async def test_calls_that_were_added_are_answered_again_behind_a_response(talking: Talking) -> None:
    talk = await talking("Hello.")
    conversation = (await talk.client.conversations.create()).id
    items = [
        *NEWS,
        {"type": "function_call", "call_id": "a", "name": "look_up", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "lost"},
    ]
    body: Any = {"items": items, "extra_headers": {"Idempotency-Key": "a"}}
    added = await talk.client.conversations.items.create(conversation, **body)
    await talk.client.responses.create(model="scripted", input="You?", conversation=conversation)
    assert await talk.client.conversations.items.create(conversation, **body) == added


async def test_items_for_a_busy_conversation_are_refused(talking: Talking) -> None:
    talk = await talking("Hello.", Say("A long story, told slowly." * 10, delay=0.2))
    conversation, _ = await begun(talk)
    await talk.client.responses.create(
        model="scripted", input="Tell.", conversation=conversation, background=True
    )
    with pytest.raises(openai.ConflictError) as refused:
        await talk.client.conversations.items.create(conversation, items=NEWS)
    assert refused.value.code == "session_busy"
    assert len(await said(talk, conversation)) == 3


async def test_items_that_do_not_fit_the_model_are_refused_when_they_come(
    talking: Talking,
) -> None:
    talk = await talking("Hello.", "Still here.")
    conversation, _ = await begun(talk)
    long: Any = [{"type": "message", "role": "user", "content": "x" * 40_000}]
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await talk.client.conversations.items.create(conversation, items=long)
    assert refused.value.code == "context_length_exceeded"
    again = await talk.client.responses.create(
        model="scripted", input="Hi", conversation=conversation
    )
    assert again.output_text == "Still here."


async def test_a_conversation_keeps_what_it_began_with(talking: Talking) -> None:
    talk = await talking("Hello.", "Warm.")
    made = await talk.client.conversations.create()
    body: Any = {"model": "scripted", "conversation": made.id}
    await talk.client.responses.create(input="Hi", instructions="Be kind.", **body)
    with pytest.raises(openai.BadRequestError, match="that it began with"):
        await talk.client.responses.create(input="Hi", instructions="Be stern.", **body)
    warm = await talk.client.responses.create(input="Hi", temperature=0.5, **body)
    assert (warm.temperature, warm.instructions) == (0.5, "Be kind.")


async def test_a_busy_conversation_says_so(talking: Talking) -> None:
    talk = await talking(Say("A long story, told slowly." * 10, delay=0.2))
    made = await talk.client.conversations.create()
    body: Any = {"model": "scripted", "conversation": made.id}
    await talk.client.responses.create(input="Tell.", background=True, **body)
    with pytest.raises(openai.ConflictError) as refused:
        await talk.client.responses.create(input="Faster.", **body)
    assert refused.value.code == "session_busy"
    assert refused.value.response.headers["x-should-retry"] == "false"


async def test_a_deleted_response_stays_in_its_conversation(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.conversations.create()
    response = await talk.client.responses.create(
        model="scripted", input="Hi", conversation=made.id
    )
    await talk.client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        await talk.client.responses.retrieve(response.id)
    assert await said(talk, made.id) == [("user", "Hi"), ("assistant", "Hello.")]
