"""Responses by OpenAI's own client, made at once and streamed."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from agent_serving.testing import Break, Say
from tests.openai.conformance import dumped, fold
from tests.openai.conftest import ADD, ADDS, LOOK_UP, LOOKS_UP, Talk, Talking

THINKS = "<think>\nLet me see.\n</think>\n\nIt is 4."


async def streamed(talk: Talk, **body: Any) -> list[Any]:
    stream = await talk.client.responses.create(stream=True, **body)
    return [event async for event in stream]


async def check(talk: Talk, events: list[Any]) -> dict[str, Any]:
    """The stream keeps the rules, adds up to what it ends with, and that is what is retrieved."""
    output = fold(events)
    last = dumped(events)[-1]["response"]
    assert last["output"] == output
    found = await talk.client.responses.retrieve(last["id"])
    assert found.to_dict(mode="json") == last
    return last  # type: ignore[no-any-return]


async def test_a_response_is_made(talking: Talking) -> None:
    talk = await talking("It is 4.")
    made = await talk.client.responses.create(
        model="scripted", input="2 + 2?", instructions="Be brief.", metadata={"a": "b"}
    )
    assert (made.status, made.output_text, made.model) == ("completed", "It is 4.", "scripted")
    assert (made.instructions, made.metadata, made.error) == ("Be brief.", {"a": "b"}, None)
    assert made.usage is not None
    assert made.usage.output_tokens == len("It is 4.") + 1
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert "Be brief." in talk.engine.decode(talk.engine.requests[0].prompt)
    assert await talk.client.responses.retrieve(made.id) == made


async def test_a_response_is_a_turn_of_a_session(talking: Talking) -> None:
    talk = await talking("Hello.")
    answer = await talk.client.responses.with_raw_response.create(model="scripted", input="Hi")
    session, turn = answer.headers["x-session-id"], answer.headers["x-turn-id"]
    shown = await talk.served.get(f"/v1/sessions/{session}/turns/{turn}")
    assert shown["output_text"] == answer.parse().output_text == "Hello."
    assert answer.headers["x-trace-id"] == shown["trace_id"]


async def test_a_stream_of_text_keeps_the_rules(talking: Talking) -> None:
    talk = await talking(Say("A long enough story.", delay=0.2))
    events = await streamed(talk, model="scripted", input="Tell.")
    last = await check(talk, events)
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds.count("response.output_text.delta") > 1
    assert last["status"] == "completed"
    assert [part["text"] for part in last["output"][0]["content"]] == ["A long enough story."]


async def test_a_stream_of_a_tool_loop_tells_served_calls_with_their_results(
    talking: Talking,
) -> None:
    talk = await talking(ADDS + "\n" + ADDS, "Twice 3.")
    events = await streamed(talk, model="scripted", input="Add.", tools=[ADD])
    last = await check(talk, events)
    assert [item["type"] for item in last["output"]] == ["mcp_call", "mcp_call", "message"]
    assert [item["output"] for item in last["output"][:2]] == ["3", "3"]
    assert "response.mcp_call.completed" in {event.type for event in events}
    steps = last["usage"]["input_tokens"]
    assert steps == sum(len(request.prompt) for request in talk.engine.requests)


async def test_a_served_call_that_fails_is_told_as_failed(talking: Talking) -> None:
    talk = await talking('<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>', "Sorry.")
    last = await check(talk, await streamed(talk, model="scripted", input="Add.", tools=[ADD]))
    assert [item["type"] for item in last["output"]] == ["mcp_call", "message"]
    assert last["output"][0]["status"] == "failed"
    assert "arguments" in last["output"][0]["error"]["content"][0]["text"]


async def test_reasoning_is_an_item_of_its_own(talking: Talking) -> None:
    talk = await talking(THINKS)
    last = await check(talk, await streamed(talk, model="scripted", input="2 + 2?"))
    assert [item["type"] for item in last["output"]] == ["reasoning", "message"]
    assert last["output"][0]["content"][0]["text"].strip() == "Let me see."


async def test_calls_of_the_caller_complete_the_response(talking: Talking) -> None:
    talk = await talking(f"I look.\n{LOOKS_UP}\n{LOOKS_UP}", "It is on its way.")
    events = await streamed(talk, model="scripted", input="Where is it?", tools=[LOOK_UP])
    last = await check(talk, events)
    calls = [item for item in last["output"] if item["type"] == "function_call"]
    assert last["status"] == "completed"
    assert len({item["call_id"] for item in calls}) == len(calls) == 2
    assert [item["arguments"] for item in calls] == ['{"order": "a-1"}'] * 2


async def test_a_lost_attempt_is_gone_on_from(talking: Talking) -> None:
    talk = await talking(Break("Half a rep"), "ly.")
    events = await streamed(talk, model="scripted", input="Hi")
    last = await check(talk, events)
    assert [item["content"][0]["text"] for item in last["output"]] == ["Half a reply."]
    assert len([event for event in events if event.type == "response.output_item.done"]) == 1


async def test_a_lost_attempt_that_is_void_is_taken_back(talking: Talking) -> None:
    talk = await talking(Break('{"tow'), '{"town": "Lima"}')
    form = {"type": "json_schema", "name": "town", "schema": {"type": "object"}}
    events = await streamed(talk, model="scripted", input="Hi", text={"format": form})
    last = await check(talk, events)
    assert [item["content"][0]["text"] for item in last["output"]] == ['{"town": "Lima"}']
    assert len([event for event in events if event.type == "response.output_item.done"]) == 2


async def test_what_cannot_be_generated_fails(talking: Talking) -> None:
    talk = await talking(Break("Ha"))
    events = await streamed(talk, model="scripted", input="Hi")
    last = await check(talk, events)
    assert events[-1].type == "response.failed"
    assert (last["status"], last["error"]["code"]) == ("failed", "engine_unavailable")


async def test_a_response_ends_at_its_output_tokens(talking: Talking) -> None:
    talk = await talking("A story without an end.")
    events = await streamed(talk, model="scripted", input="Tell.", max_output_tokens=10)
    last = await check(talk, events)
    assert events[-1].type == "response.incomplete"
    assert last["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["output"][0]["status"] == "incomplete"


async def test_the_stream_manager_of_the_client_accepts_the_stream(talking: Talking) -> None:
    talk = await talking(f"I look.\n{LOOKS_UP}")
    async with talk.client.responses.stream(
        model="scripted", input="Where?", tools=[LOOK_UP]
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_response()
    assert [item.type for item in final.output] == ["message", "function_call"]
    async with talk.client.responses.stream(response_id=final.id) as again:
        replayed = [event async for event in again]
    assert replayed[0].type == "response.created"
    assert (await talk.client.responses.retrieve(final.id)).output_text == final.output_text


class Answer(BaseModel):
    value: int
    unit: str | None


async def test_an_answer_is_parsed(talking: Talking) -> None:
    talk = await talking('{"value": 4, "unit": null}')
    made = await talk.client.responses.parse(model="scripted", input="2 + 2?", text_format=Answer)
    assert made.output_parsed == Answer(value=4, unit=None)
    constraint = talk.engine.requests[0].constraint
    assert constraint is not None
    assert '"value"' in constraint.value


async def test_steps_ride_along_where_they_are_asked_for(talking: Talking) -> None:
    talk = await talking("Hello.")
    wanted: Any = ["agent_serving.steps"]
    events = await streamed(talk, model="scripted", input="Hi", include=wanted)
    fold(events)
    kinds = {event.type for event in events}
    assert {"agent_serving.step.started", "agent_serving.step.completed"} <= kinds
    last = dumped(events)[-1]["response"]
    assert [step["kind"] for step in last["agent_serving"]["steps"]] == ["model"]
    found = await talk.client.responses.retrieve(last["id"], include=wanted)
    assert found.to_dict(mode="json") == last


async def test_what_has_no_effect_is_named_in_a_header(talking: Talking) -> None:
    talk = await talking("Hello.")
    answer = await talk.client.responses.with_raw_response.create(
        model="scripted",
        input="Hi",
        truncation="auto",
        reasoning={"effort": "low"},
        extra_body={"mood": "cheerful"},
    )
    told = answer.headers["warning"]
    assert told == '299 agent-serving "ignored: mood, reasoning, truncation"'
    assert answer.parse().reasoning is not None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        (
            {"tools": [{"type": "mcp", "server_label": "git", "server_url": "http://x"}]},
            "tools[0].server_url",
        ),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]},
            "input[0].content[0]",
        ),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True, "store": False}, "store"),
    ],
)
async def test_what_cannot_be_served_is_refused(
    talking: Talking, body: dict[str, Any], param: str
) -> None:
    talk = await talking("Hello.")
    with pytest.raises(openai.BadRequestError) as refused:
        await talk.client.responses.create(**{"model": "scripted", "input": "Hi", **body})
    assert refused.value.param == param
    assert await talk.sessions() == []


@pytest.mark.parametrize(
    ("tool", "param"),
    [({}, "tools[0].server_label"), ({"server_label": "git"}, "tools[0].server")],
)
async def test_tools_of_a_server_that_is_not_there_are_refused(
    talking: Talking, tool: Any, param: str
) -> None:
    talk = await talking("Hello.")
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await talk.client.responses.create(
            model="scripted", input="Hi", tools=[{"type": "mcp", **tool}]
        )
    assert refused.value.param == param


async def test_a_model_that_is_not_served_is_not_found(talking: Talking) -> None:
    talk = await talking("Hello.")
    with pytest.raises(openai.NotFoundError) as refused:
        await talk.client.responses.create(model="gpt-9", input="Hi")
    assert refused.value.code == "unknown_model"


async def test_a_registered_agent_is_a_model(talking: Talking) -> None:
    talk = await talking(ADDS, "It is 3.")
    body = {"name": "support", "instructions": "Be kind.", "tools": ["add"]}
    await talk.served.http.post("/v1/agents", json=body)
    made = await talk.client.responses.create(model="agent:support@1", input="1 + 2?")
    assert (made.model, made.instructions) == ("agent:support@1", "Be kind.")
    assert [item.type for item in made.output] == ["mcp_call", "message"]
    with pytest.raises(openai.BadRequestError, match="of its own"):
        await talk.client.responses.create(model="agent:support", input="Hi", instructions="Be.")


async def test_what_is_not_to_be_stored_is_gone(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.responses.create(model="scripted", input="Hi", store=False)
    assert made.output_text == "Hello."
    fold(await streamed(talk, model="scripted", input="Hi", store=False))
    assert await talk.sessions() == []
    with pytest.raises(openai.NotFoundError):
        await talk.client.responses.retrieve(made.id)


async def test_a_caller_who_leaves_takes_with_him_what_is_not_stored(talking: Talking) -> None:
    talk = await talking(Say("A long story, told slowly, without an end.", delay=0.2))
    stream = await talk.client.responses.create(
        model="scripted", input="Tell.", store=False, stream=True
    )
    async for event in stream:
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    async with asyncio.timeout(10):
        while await talk.sessions():
            await asyncio.sleep(0.05)
    assert talk.engine.aborted


async def test_what_is_not_stored_leaves_what_it_goes_on_from_as_it_was(talking: Talking) -> None:
    talk = await talking("One.", "Aside.", "Two.")
    first = await talk.client.responses.create(model="scripted", input="Begin.")
    body: Any = {"model": "scripted", "previous_response_id": first.id}
    aside = await talk.client.responses.create(input="An aside.", store=False, **body)
    second = await talk.client.responses.create(input="Go on.", **body)
    assert (aside.output_text, second.output_text) == ("Aside.", "Two.")
    assert "aside" not in talk.engine.decode(talk.engine.requests[-1].prompt)
    assert len(await talk.sessions()) == 1


async def test_a_request_that_comes_again_is_answered_and_not_done_again(
    talking: Talking,
) -> None:
    talk = await talking("Hello.", "Once more.")
    body: Any = {
        "model": "scripted",
        "input": "Hi",
        "extra_headers": {"Idempotency-Key": "k-1"},
    }
    first = await talk.client.responses.create(**body)
    again = await talk.client.responses.with_raw_response.create(**body)
    assert again.parse() == first
    assert again.headers["idempotent-replayed"] == "true"
    assert len(talk.engine.requests) == 1
    with pytest.raises(openai.ConflictError):
        await talk.client.responses.create(**{**body, "input": "Something else"})
