"""The life of a response: followed, cancelled, gone on from, answered, deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from agent_serving.testing import Say
from tests.openai.conformance import dumped, fold
from tests.openai.conftest import LOOK_UP, LOOKS_UP, Talk, Talking

LONG = Say("A long story, told slowly, word by word, to its end.", delay=0.05)


async def settled(talk: Talk, response_id: str) -> Any:
    async with asyncio.timeout(20):
        while True:
            found = await talk.client.responses.retrieve(response_id)
            if found.status not in ("queued", "in_progress"):
                return found
            await asyncio.sleep(0.02)


async def followed(talk: Talk, response_id: str, after: int | None = None) -> list[Any]:
    more: dict[str, Any] = {} if after is None else {"starting_after": after}
    stream = await talk.client.responses.retrieve(response_id, stream=True, **more)
    return [event async for event in stream]


async def test_a_response_in_the_background_is_answered_at_once(talking: Talking) -> None:
    talk = await talking(LONG)
    made = await talk.client.responses.create(model="scripted", input="Tell.", background=True)
    assert (made.status, made.background, made.output) == ("in_progress", True, [])
    assert made.usage is None
    found = await settled(talk, made.id)
    assert (found.status, found.output_text) == ("completed", LONG.text)


async def test_a_background_stream_goes_on_from_any_of_its_numbers(talking: Talking) -> None:
    talk = await talking(LONG)
    stream = await talk.client.responses.create(
        model="scripted", input="Tell.", background=True, stream=True
    )
    seen: list[Any] = []
    async for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    await stream.close()
    own = seen[0].response.id
    rest = await followed(talk, own, seen[-1].sequence_number)
    fold(seen + rest)
    whole = dumped(await followed(talk, own))
    assert fold(whole) == dumped(rest)[-1]["response"]["output"]
    for cut, event in enumerate(whole):
        again = await followed(talk, own, event["sequence_number"])
        assert dumped(again) == whole[cut + 1 :]


async def test_a_response_is_cancelled(talking: Talking) -> None:
    talk = await talking(Say(LONG.text * 20, delay=0.05))
    made = await talk.client.responses.create(model="scripted", input="Tell.", background=True)
    await talk.served.generating()
    cancelled = await talk.client.responses.cancel(made.id)
    assert cancelled.status == "cancelled"
    assert talk.engine.aborted
    events = await followed(talk, made.id)
    output = fold(events)
    assert events[-1].type == "response.incomplete"
    assert (await talk.client.responses.retrieve(made.id)).to_dict(mode="json")["output"] == output
    assert (await talk.client.responses.cancel(made.id)).status == "cancelled"


async def test_a_response_that_is_over_cannot_be_cancelled(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.responses.create(model="scripted", input="Hi")
    with pytest.raises(openai.ConflictError) as refused:
        await talk.client.responses.cancel(made.id)
    assert refused.value.code == "turn_not_active"


async def test_the_next_response_goes_on_in_the_same_session(talking: Talking) -> None:
    talk = await talking("You are Ann.", "Ann.", "Ann!")
    first = await talk.client.responses.create(
        model="scripted", input="I am Ann.", instructions="Remember."
    )
    second = await talk.client.responses.create(
        model="scripted", input="Who am I?", previous_response_id=first.id
    )
    assert second.previous_response_id == first.id
    assert second.instructions == "Remember."
    assert len(await talk.sessions()) == 1
    prompts = [request.prompt for request in talk.engine.requests]
    assert tuple(prompts[1][: len(prompts[0])]) == tuple(prompts[0])
    warmer = await talk.client.responses.create(
        model="scripted", input="Again?", previous_response_id=second.id, temperature=0.5
    )
    assert (warmer.temperature, second.temperature) == (0.5, None)
    assert len(await talk.sessions()) == 1
    assert talk.engine.requests[-1].sampling.temperature == 0.5


async def test_a_response_that_is_not_the_last_is_forked(talking: Talking) -> None:
    talk = await talking("One.", "Two.", "Other two.")
    first = await talk.client.responses.create(model="scripted", input="Begin.")
    second = await talk.client.responses.create(
        model="scripted", input="Go on.", previous_response_id=first.id
    )
    other = await talk.client.responses.create(
        model="scripted", input="Go on.", previous_response_id=first.id
    )
    assert (second.output_text, other.output_text) == ("Two.", "Other two.")
    prompts = [talk.engine.decode(request.prompt) for request in talk.engine.requests]
    assert prompts[1] == prompts[2]
    assert len(await talk.sessions()) == 2


async def test_responses_that_go_on_from_one_at_the_same_time_all_do(talking: Talking) -> None:
    talk = await talking("One.", Say("Two.", delay=0.05))
    first = await talk.client.responses.create(model="scripted", input="Begin.")
    made = await asyncio.gather(
        *(
            talk.client.responses.create(
                model="scripted", input="Go on.", previous_response_id=first.id
            )
            for _ in range(3)
        )
    )
    assert {response.output_text for response in made} == {"Two."}
    assert len({request.session_id for request in talk.engine.requests}) == 3
    assert len({talk.engine.decode(request.prompt) for request in talk.engine.requests}) == 2


async def test_other_instructions_fork_with_another_opening(talking: Talking) -> None:
    talk = await talking("One.", "Two.")
    first = await talk.client.responses.create(
        model="scripted", input="Begin.", instructions="Be kind."
    )
    second = await talk.client.responses.create(
        model="scripted", input="Go on.", instructions="Be stern.", previous_response_id=first.id
    )
    assert second.instructions == "Be stern."
    prompt = talk.engine.decode(talk.engine.requests[-1].prompt)
    assert "Be stern." in prompt
    assert "Be kind." not in prompt
    assert "One." in prompt
    assert (await talk.client.responses.retrieve(first.id)).instructions == "Be kind."


async def test_the_input_of_a_response_is_listed(talking: Talking) -> None:
    talk = await talking("Fine.")
    made = await talk.client.responses.create(
        model="scripted",
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "Hello."},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": [{"type": "input_text", "text": "How are you?"}]},
        ],
    )
    assert made.instructions == "Be brief.\n\nBe kind."
    items = await talk.client.responses.input_items.list(made.id, order="asc")
    told = [(item.role, item.content[0].text) for item in items.data]  # type: ignore[union-attr]
    assert told == [("user", "Hello."), ("assistant", "Hi."), ("user", "How are you?")]
    last = await talk.client.responses.input_items.list(made.id, limit=1)
    assert [item.id for item in last.data] == [items.data[-1].id]
    assert last.has_more


async def test_the_only_response_is_deleted_with_its_session(talking: Talking) -> None:
    talk = await talking("Hello.")
    made = await talk.client.responses.create(model="scripted", input="Hi")
    await talk.client.responses.delete(made.id)
    assert await talk.sessions() == []
    with pytest.raises(openai.NotFoundError):
        await talk.client.responses.retrieve(made.id)


async def test_what_went_on_from_a_deleted_response_stays(talking: Talking) -> None:
    talk = await talking("One.", "Two.", "Three.")
    first = await talk.client.responses.create(model="scripted", input="Begin.")
    second = await talk.client.responses.create(
        model="scripted", input="Go on.", previous_response_id=first.id
    )
    await talk.client.responses.delete(first.id)
    for gone in (
        talk.client.responses.retrieve(first.id),
        talk.client.responses.delete(first.id),
        talk.client.responses.create(
            model="scripted", input="Again.", previous_response_id=first.id
        ),
    ):
        with pytest.raises(openai.NotFoundError):
            await gone
    third = await talk.client.responses.create(
        model="scripted", input="Go on.", previous_response_id=second.id
    )
    assert third.output_text == "Three."
    assert "One." in talk.engine.decode(talk.engine.requests[-1].prompt)


async def test_a_response_that_waits_for_its_calls_is_deleted(
    talking: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talking("One.", LOOKS_UP)
    first = await talk.client.responses.create(model="scripted", input="Begin.", tools=[LOOK_UP])
    second = await talk.client.responses.create(
        model="scripted", input="Where is it?", previous_response_id=first.id
    )
    assert [item.type for item in second.output] == ["function_call"]
    store = talk.served.service.ports.store
    acquire = store.acquire_lease

    async def slowly(*args: Any) -> Any:
        await asyncio.sleep(0.2)
        return await acquire(*args)

    monkeypatch.setattr(store, "acquire_lease", slowly)
    await talk.client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        await talk.client.responses.retrieve(second.id)
    assert (await talk.client.responses.retrieve(first.id)).output_text == "One."
    assert [session["status"] for session in await talk.sessions()] == ["idle"]


@pytest.mark.parametrize("made_up", ["resp_1", "resp_1_2", "turn_1", "resp_1_2_0"])
async def test_a_response_that_is_not_there_is_not_found(talking: Talking, made_up: str) -> None:
    talk = await talking("Hello.")
    with pytest.raises(openai.NotFoundError) as refused:
        await talk.client.responses.retrieve(made_up)
    assert refused.value.code == "not_found"


# --- calls that the caller runs -------------------------------------------------------------


def outputs(response: Any, output: str = "on its way") -> list[Any]:
    return [
        {"type": "function_call_output", "call_id": item.call_id, "output": output}
        for item in response.output
        if item.type == "function_call"
    ]


async def test_outputs_of_calls_are_answered_by_the_rest_of_the_turn(talking: Talking) -> None:
    talk = await talking(f"I look.\n{LOOKS_UP}\n{LOOKS_UP}", "It is on its way.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP]}
    first = await talk.client.responses.create(input="Where is it?", **body)
    with pytest.raises(openai.BadRequestError, match="No tool output found"):
        await talk.client.responses.create(
            input=outputs(first)[:1], previous_response_id=first.id, **body
        )
    second = await talk.client.responses.create(
        input=[*outputs(first), {"role": "user", "content": "In one sentence."}],
        previous_response_id=first.id,
        **body,
    )
    assert (second.status, second.output_text) == ("completed", "It is on its way.")
    assert (second.previous_response_id, second.id != first.id) == (first.id, True)
    assert second.usage is not None
    assert second.usage.input_tokens == len(talk.engine.requests[1].prompt)
    assert await talk.client.responses.retrieve(first.id) == first
    session = (await talk.sessions())[0]
    assert session["turn_count"] == 1
    items = await talk.client.responses.input_items.list(second.id, order="asc")
    assert [item.type for item in items.data] == [
        "function_call_output",
        "function_call_output",
        "message",
    ]
    for response, shown in ((first, first), (second, second)):
        told = dumped(await followed(talk, response.id))
        assert fold(told) == shown.to_dict(mode="json")["output"]
        assert told[-1]["response"]["id"] == response.id


async def test_the_answers_to_calls_can_be_streamed_and_repeated(talking: Talking) -> None:
    talk = await talking(LOOKS_UP, LOOKS_UP, "There it is.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP]}
    response = await talk.client.responses.create(input="Where is it?", **body)
    for _ in range(2):
        repeated: Any = {
            **body,
            "input": outputs(response),
            "previous_response_id": response.id,
            "extra_headers": {"Idempotency-Key": response.id},
        }
        told = []
        for _ in range(2):
            stream = await talk.client.responses.create(stream=True, **repeated)
            told.append(dumped([event async for event in stream]))
        assert fold(told[0]) == fold(told[1])
        assert told[0] == told[1]
        response = await talk.client.responses.retrieve(told[0][-1]["response"]["id"])
    assert response.output_text == "There it is."
    assert len(talk.engine.requests) == 3


async def test_calls_can_be_answered_once(talking: Talking) -> None:
    talk = await talking(LOOKS_UP, "There it is.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP]}
    first = await talk.client.responses.create(input="Where is it?", **body)
    await talk.client.responses.create(input=outputs(first), previous_response_id=first.id, **body)
    with pytest.raises(openai.BadRequestError, match="answered already"):
        await talk.client.responses.create(
            input=outputs(first), previous_response_id=first.id, **body
        )


async def test_a_history_with_calls_is_answered_without_an_earlier_response(
    talking: Talking,
) -> None:
    talk = await talking(LOOKS_UP, "It is on its way.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP]}
    question: Any = {"role": "user", "content": "Where is it?"}
    first = await talk.client.responses.create(input=[question], **body)
    told: list[Any] = [item.to_dict() for item in first.output]
    with pytest.raises(openai.BadRequestError, match="No tool output found"):
        await talk.client.responses.create(input=[question, *told], **body)
    second = await talk.client.responses.create(input=[question, *told, *outputs(first)], **body)
    assert second.output_text == "It is on its way."
    prompt = talk.engine.decode(talk.engine.requests[-1].prompt)
    assert prompt.index("Where is it?") < prompt.index("look_up", prompt.index("Where is it?"))
    assert "on its way" in prompt


async def test_calls_of_both_kinds_wait_for_the_caller_only(talking: Talking) -> None:
    served = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>'
    talk = await talking(f"{served}\n{LOOKS_UP}", "Done.")
    body: Any = {"model": "scripted", "tools": [LOOK_UP, {"type": "function", "name": "add"}]}
    first = await talk.client.responses.create(input="Both.", **body)
    assert [item.type for item in first.output] == ["mcp_call", "function_call"]
    assert first.output[0].to_dict()["output"] == "3"
    second = await talk.client.responses.create(
        input=outputs(first), previous_response_id=first.id, **body
    )
    assert second.output_text == "Done."
