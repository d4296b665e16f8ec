"""Chat completions by OpenAI's own client."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from agent_serving.api.errors import GenerationFailed
from agent_serving.api.openai.completions import Chunks
from agent_serving.testing import Break, Say
from tests.openai.conftest import ADDS, LOOK_UP, LOOKS_UP, Talk, Talking

TOWN = {
    "type": "json_schema",
    "json_schema": {
        "name": "town",
        "schema": {
            "type": "object",
            "properties": {"town": {"type": "string"}},
            "required": ["town"],
            "additionalProperties": False,
        },
    },
}
ASKED: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is it?"},
]
TOOL: Any = {"type": "function", "function": {k: v for k, v in LOOK_UP.items() if k != "type"}}
SERVED: Any = {"type": "function", "function": {"name": "add"}}


async def streamed(talk: Talk, **body: Any) -> list[Any]:
    stream = await talk.client.chat.completions.create(model="scripted", stream=True, **body)
    return [chunk async for chunk in stream]


def joined(chunks: list[Any]) -> dict[str, Any]:
    """The message that chunks add up to, and why it ended."""
    text, calls, finish = "", dict[int, dict[str, str]](), None
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                known = calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                known["id"] += call.id or ""
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
            finish = choice.finish_reason or finish
    return {"content": text, "calls": list(calls.values()), "finish": finish}


async def test_a_completion_is_made_and_leaves_nothing(talking: Talking) -> None:
    talk = await talking("On its way.")
    made = await talk.client.chat.completions.create(
        model="scripted", messages=ASKED, temperature=0.5, seed=7
    )
    choice = made.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("On its way.", "stop")
    assert (made.object, made.model) == ("chat.completion", "scripted")
    assert made.usage is not None
    assert made.usage.prompt_tokens == len(talk.engine.requests[0].prompt)
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens
    assert talk.engine.requests[0].sampling.temperature == 0.5
    assert talk.engine.requests[0].sampling.seed == 7
    assert "Be brief." in talk.engine.decode(talk.engine.requests[0].prompt)
    assert await talk.sessions() == []


async def test_a_completion_is_streamed(talking: Talking) -> None:
    talk = await talking(Say("A long enough story.", delay=0.2))
    chunks = await streamed(talk, messages=ASKED, stream_options={"include_usage": True})
    assert joined(chunks) == {"content": "A long enough story.", "calls": [], "finish": "stop"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(chunks) > 4
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].usage.completion_tokens == len("A long enough story.") + 1
    assert await talk.sessions() == []


async def test_calls_are_handed_out_and_their_results_are_heard(talking: Talking) -> None:
    talk = await talking(f"I look.\n{LOOKS_UP}\n{LOOKS_UP}", "On its way.")
    made = await talk.client.chat.completions.create(model="scripted", messages=ASKED, tools=[TOOL])
    message = made.choices[0].message
    assert made.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    assert len({call.id for call in message.tool_calls}) == 2
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": "in Rome"}
        for call in message.tool_calls
    ]
    history = [*ASKED, message.to_dict(), *results]
    assert await talk.sessions() == []
    final = await talk.client.chat.completions.create(
        model="scripted",
        messages=history,
        tools=[TOOL],
    )
    assert final.choices[0].message.content == "On its way."
    prompt = talk.engine.decode(talk.engine.requests[-1].prompt)
    assert prompt.count("in Rome") == 2
    with pytest.raises(openai.BadRequestError, match="No tool output found"):
        await talk.client.chat.completions.create(
            model="scripted", messages=history[:-1], tools=[TOOL]
        )


async def test_calls_are_streamed(talking: Talking) -> None:
    talk = await talking(f"{LOOKS_UP}\n{LOOKS_UP}")
    told = joined(await streamed(talk, messages=ASKED, tools=[TOOL]))
    assert told["finish"] == "tool_calls"
    assert [call["name"] for call in told["calls"]] == ["look_up"] * 2
    assert [call["arguments"] for call in told["calls"]] == ['{"order": "a-1"}'] * 2
    assert len({call["id"] for call in told["calls"]}) == 2
    assert await talk.sessions() == []


async def test_a_turn_that_ends_at_its_calls_is_completed(talking: Talking) -> None:
    talk = await talking(LOOKS_UP)
    answer = await talk.client.chat.completions.with_raw_response.create(
        model="scripted",
        messages=ASKED,
        tools=[TOOL],
        extra_headers={"Idempotency-Key": "kept"},
    )
    session = (await talk.sessions())[0]
    assert session["status"] == "idle"
    assert session["expires_at"] is not None
    turn = await talk.served.get(
        f"/v1/sessions/{session['id']}/turns/{answer.headers['x-turn-id']}"
    )
    assert turn["status"] == "completed"
    again = await talk.client.chat.completions.with_raw_response.create(
        model="scripted",
        messages=ASKED,
        tools=[TOOL],
        extra_headers={"Idempotency-Key": "kept"},
    )
    assert again.parse() == answer.parse()
    assert again.headers["idempotent-replayed"] == "true"
    assert len(talk.engine.requests) == 1


async def test_calls_of_served_tools_are_run_here(talking: Talking) -> None:
    talk = await talking(
        '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>', "It is 3."
    )
    told = joined(await streamed(talk, messages=ASKED, tools=[SERVED]))
    assert told == {"content": "It is 3.", "calls": [], "finish": "stop"}
    assert len(talk.engine.requests) == 2


async def test_a_call_that_needs_approval_is_refused_where_nobody_can_be_asked(
    talking: Talking, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await talking(ADDS, "I may not.", ADDS, "I may not.")
    runner = talk.served.service.ports.tools
    guarded = [spec.but(requires_approval=True) for spec in runner.specs()]
    monkeypatch.setattr(runner, "specs", lambda: guarded)
    async with asyncio.timeout(20):
        told = joined(await streamed(talk, messages=ASKED, tools=[SERVED]))
        whole = await talk.client.chat.completions.create(
            model="scripted", messages=ASKED, tools=[SERVED]
        )
    assert told == {"content": "I may not.", "calls": [], "finish": "stop"}
    assert whole.choices[0].message.content == "I may not."
    for request in talk.engine.requests[1::2]:
        assert "cannot be asked for here" in talk.engine.decode(request.prompt)


class Answer(BaseModel):
    value: int


async def test_an_answer_is_parsed(talking: Talking) -> None:
    talk = await talking('{"value": 4}')
    made = await talk.client.chat.completions.parse(
        model="scripted", messages=ASKED, response_format=Answer
    )
    assert made.choices[0].message.parsed == Answer(value=4)
    constraint = talk.engine.requests[0].constraint
    assert constraint is not None
    assert '"value"' in constraint.value


async def test_the_stream_manager_of_the_client_accepts_the_chunks(talking: Talking) -> None:
    talk = await talking(f"I look.\n{LOOKS_UP}")
    async with talk.client.chat.completions.stream(
        model="scripted", messages=ASKED, tools=[TOOL]
    ) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.parsed_arguments == {"order": "a-1"}


async def test_a_completion_ends_at_its_tokens(talking: Talking) -> None:
    talk = await talking("A story without an end.")
    made = await talk.client.chat.completions.create(
        model="scripted", messages=ASKED, max_completion_tokens=7
    )
    assert (made.choices[0].finish_reason, made.choices[0].message.content) == ("length", "A story")
    assert joined(await streamed(talk, messages=ASKED, max_tokens=7))["finish"] == "length"


async def test_reasoning_has_a_field_of_its_own(talking: Talking) -> None:
    talk = await talking("<think>\nLet me see.\n</think>\n\nIt is 4.")
    made = await talk.client.chat.completions.create(model="scripted", messages=ASKED)
    message = made.choices[0].message.to_dict()
    assert (str(message["reasoning_content"]).strip(), message["content"]) == (
        "Let me see.",
        "It is 4.",
    )


async def test_a_generation_that_fails_is_an_error(talking: Talking) -> None:
    talk = await talking(Break())
    with pytest.raises(openai.InternalServerError) as failed:
        await talk.client.chat.completions.create(model="scripted", messages=ASKED)
    assert (failed.value.status_code, failed.value.code) == (503, "engine_unavailable")
    with pytest.raises(openai.APIError) as broken:
        await streamed(talk, messages=ASKED)
    assert broken.value.code == "engine_unavailable"
    async with asyncio.timeout(10):
        while await talk.sessions():
            await asyncio.sleep(0.05)


async def test_the_chunks_of_a_lost_attempt_are_gone_on_from(talking: Talking) -> None:
    talk = await talking(Break("Half a rep"), "ly.")
    assert joined(await streamed(talk, messages=ASKED))["content"] == "Half a reply."


async def test_chunks_that_are_void_end_the_stream(talking: Talking) -> None:
    talk = await talking(Break('{"tow'), '{"town": "Lima"}')
    with pytest.raises(openai.APIError) as broken:
        await streamed(talk, messages=ASKED, response_format=TOWN)
    assert broken.value.code == "generation_failed"
    talk = await talking(Break(), '{"town": "Lima"}')
    whole = joined(await streamed(talk, messages=ASKED, response_format=TOWN))
    assert whole["content"] == '{"town": "Lima"}'


@pytest.mark.parametrize(
    ("lost", "tool"),
    [
        (f"{ADDS}\nIt is three, I", SERVED),
        (f"{LOOKS_UP}\nI look, and", TOOL),
        (f"{LOOKS_UP}\n{LOOKS_UP[:-20]}", TOOL),
        (f"{LOOKS_UP}\n<think>\nHm, and", TOOL),
        (f"{ADDS}\nIt is three.\n{ADDS[:-20]}", SERVED),
    ],
)
async def test_what_was_lost_behind_a_call_that_had_started_ends_the_stream(
    talking: Talking, lost: str, tool: Any
) -> None:
    """The reply ends with the call; what was sent of the rest is void, be it half a call."""
    talk = await talking(Break(lost), "Nothing behind it.")
    stream = await talk.client.chat.completions.create(
        model="scripted", stream=True, messages=ASKED, tools=[tool]
    )
    told: list[Any] = []

    async def read() -> None:
        while True:
            told.append(await anext(stream))

    with pytest.raises(openai.APIError) as broken:
        await read()
    assert broken.value.code == "generation_failed"
    assert joined(told)["finish"] is None
    assert "Nothing" not in joined(told)["content"]


def test_a_text_that_became_another_is_not_the_end() -> None:
    """As after a crash of Redis, in which what had been told was lost."""
    item = {"id": "item_1", "type": "message", "status": "completed"}
    response = {"status": "completed", "output": [item | {"content": [{"text": "Half of it."}]}]}
    chunks = Chunks(usage=False)
    chunks.tell({"type": "response.output_text.delta", "item_id": "item_1", "delta": "Half a"})
    assert chunks.tell({"type": "response.completed", "response": response}) == []
    assert isinstance(chunks.failure, GenerationFailed)


async def test_what_was_lost_and_never_sent_takes_nothing_back(talking: Talking) -> None:
    """Calls that run here are not told."""
    talk = await talking(Break(f"I add. {ADDS}\n{ADDS[:-20]}"), "It is 3.")
    told = joined(await streamed(talk, messages=ASKED, tools=[SERVED]))
    assert told == {"content": "I add.It is 3.", "calls": [], "finish": "stop"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 2}, "n"),
        ({"stop": ["x"]}, "stop"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"messages": [*ASKED, {"role": "system", "content": "Be kind."}]}, "input[2]"),
    ],
)
async def test_what_cannot_be_served_is_refused(
    talking: Talking, body: dict[str, Any], param: str
) -> None:
    talk = await talking("Hello.")
    with pytest.raises(openai.BadRequestError) as refused:
        await talk.client.chat.completions.create(
            **{"model": "scripted", "messages": ASKED, **body}
        )
    assert refused.value.param == param


async def test_what_has_no_effect_is_named_in_a_header(talking: Talking) -> None:
    talk = await talking("Hello.")
    answer = await talk.client.chat.completions.with_raw_response.create(
        model="scripted", messages=ASKED, presence_penalty=0.5, logit_bias={"1": 1}
    )
    assert set(answer.headers["warning"].partition("ignored: ")[2].strip('"').split(", ")) == {
        "presence_penalty",
        "logit_bias",
    }


async def test_models_are_listed_and_read(talking: Talking) -> None:
    talk = await talking("Hello.")
    models = [model async for model in talk.client.models.list()]
    assert [model.id for model in models] == ["scripted"]
    assert await talk.client.models.retrieve("scripted") == models[0]
    with pytest.raises(openai.NotFoundError):
        await talk.client.models.retrieve("org/other")
