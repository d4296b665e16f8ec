"""OpenAI's clients on the real SGLang, with the demo model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

from agent_serving.local.shipped_model import NAME
from tests.e2e.conftest import Deploy, deploy
from tests.openai.conformance import dumped, fold

__all__ = ["deploy"]

set_tracing_disabled(True)

QUESTION = "What is the weather in Rome?"
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
FOUND = '{"city":"Rome","temperature_c":20,"sky":"cloudy","note":"stub data"}'


@pytest.fixture
async def client(deploy: Deploy, engine_url: str) -> AsyncIterator[AsyncOpenAI]:
    service = await deploy(engine_url)
    async with AsyncOpenAI(base_url=f"{service.url}/v1/", api_key="none", max_retries=0) as talk:
        yield talk


async def streamed(client: AsyncOpenAI, **body: Any) -> dict[str, Any]:
    """The response that a stream ends with; the stream keeps the rules, and so does a replay."""
    stream = await client.responses.create(model=NAME, stream=True, **body)
    events = [event async for event in stream]
    output = fold(events)
    last: dict[str, Any] = dumped(events)[-1]["response"]
    assert last["output"] == output
    again = await client.responses.retrieve(last["id"], stream=True)
    assert fold([event async for event in again]) == output
    return last


async def test_a_tool_of_the_deployment_is_called_in_a_stream(client: AsyncOpenAI) -> None:
    served: Any = [{"type": "function", "name": "weather"}]
    last = await streamed(
        client, input=QUESTION, tools=served, tool_choice="required", max_tool_calls=2
    )
    assert last["output"][0]["type"] == "mcp_call"
    assert last["output"][0]["status"] == "completed"
    assert last["usage"]["input_tokens_details"]["cached_tokens"] > 0


async def test_calls_of_the_caller_go_on_in_the_engines_cache(client: AsyncOpenAI) -> None:
    body: Any = {"tools": [WEATHER]}
    first = await streamed(client, input=QUESTION, tool_choice="required", **body)
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    assert calls
    answers = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": FOUND}
        for call in calls
    ]
    second = await streamed(client, input=answers, previous_response_id=first["id"], **body)
    before = first["usage"]["input_tokens"] + first["usage"]["output_tokens"]
    assert second["usage"]["input_tokens_details"]["cached_tokens"] >= before - 1


async def test_a_chat_with_calls_in_its_history_is_rendered(client: AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "function": {k: v for k, v in WEATHER.items() if k != "type"}}
    asked: list[Any] = [
        {"role": "system", "content": "Use the tools."},
        {"role": "user", "content": QUESTION},
    ]
    made = await client.chat.completions.create(
        model=NAME, messages=asked, tools=[tool], tool_choice="required"
    )
    message = made.choices[0].message
    assert made.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": FOUND} for call in message.tool_calls
    ]
    history = [*asked, message.to_dict(), *results]
    stream = await client.chat.completions.create(
        model=NAME, messages=history, tools=[tool], tool_choice="none", stream=True
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()


class Colour(BaseModel):
    red: bool


async def test_an_answer_is_held_to_its_schema(client: AsyncOpenAI) -> None:
    made = await client.responses.parse(
        model=NAME, input="Red?", text_format=Colour, max_output_tokens=200
    )
    assert isinstance(made.output_parsed, Colour)


asked_for: list[str] = []


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    asked_for.append(city)
    return FOUND


@pytest.mark.parametrize("model", [OpenAIResponsesModel, OpenAIChatCompletionsModel])
async def test_the_agents_sdk_runs_an_agent(client: AsyncOpenAI, model: Any) -> None:
    asked_for.clear()
    agent = Agent(
        name="Weather",
        instructions="Use the tools.",
        model=model(model=NAME, openai_client=client),
        tools=[weather],
        model_settings=ModelSettings(tool_choice="required", temperature=0),
    )
    result = Runner.run_streamed(agent, QUESTION, max_turns=4)
    async for _ in result.stream_events():
        pass
    assert asked_for
    assert isinstance(result.final_output, str)
    assert result.final_output.strip()
