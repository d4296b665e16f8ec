"""The unchanged openai-agents SDK, running an agent with function tools against this service."""

from __future__ import annotations

import re
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIConversationsSession,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.responses import ResponseTextDeltaEvent
from pydantic import BaseModel

from tests.openai.conftest import LOOKS_UP, Talk, Talking, call

set_tracing_disabled(True)

MODELS = [OpenAIResponsesModel, OpenAIChatCompletionsModel]


@function_tool
def look_up(order: str) -> str:
    """Look up an order."""
    return f"{order} is on its way"


def answers_by_tool(prompt: str) -> str:
    """A model that looks an order up, and then says what it found."""
    last = prompt.rpartition("<|im_start|>assistant")[0].rpartition("<|im_start|>")[2]
    found = re.search(r"(\S+) is on its way", last)
    return f"I found {found[1]}." if found else f"I look.\n{LOOKS_UP}\n{LOOKS_UP}"


def agent_of(talk: Talk, model: Any, **more: Any) -> Agent:
    return Agent(
        name="Support",
        instructions="Help.",
        model=model(model="scripted", openai_client=talk.client),
        tools=[look_up],
        **more,
    )


@pytest.mark.parametrize("model", MODELS)
async def test_an_agent_runs_its_tools(talking: Talking, model: Any) -> None:
    talk = await talking(answers_by_tool)
    result = await Runner.run(agent_of(talk, model), "Where is it?")
    assert result.final_output == "I found a-1."
    kinds = [item.type for item in result.new_items]
    assert kinds.count("tool_call_item") == kinds.count("tool_call_output_item") == 2
    usage = result.context_wrapper.usage
    assert usage.input_tokens == sum(len(request.prompt) for request in talk.engine.requests)


@pytest.mark.parametrize("model", MODELS)
async def test_an_agent_is_streamed(talking: Talking, model: Any) -> None:
    talk = await talking(answers_by_tool)
    result = Runner.run_streamed(agent_of(talk, model), "Where is it?")
    text = ""
    async for event in result.stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            text += event.data.delta
    assert text.replace("\n", "") == "I look.I found a-1."
    assert result.final_output == "I found a-1."


async def test_an_agent_goes_on_from_response_to_response_in_one_turn(talking: Talking) -> None:
    talk = await talking(answers_by_tool)
    result = await Runner.run(
        agent_of(talk, OpenAIResponsesModel), "Where is it?", auto_previous_response_id=True
    )
    assert result.final_output == "I found a-1."
    sessions = await talk.sessions()
    assert [session["turn_count"] for session in sessions] == [1]
    first, second = (request.prompt for request in talk.engine.requests)
    assert tuple(second[: len(first)]) == tuple(first)


async def test_an_agent_talks_in_a_conversation(talking: Talking) -> None:
    talk = await talking(answers_by_tool)
    conversation = await talk.client.conversations.create()
    agent = agent_of(talk, OpenAIResponsesModel)
    for _ in range(2):
        result = await Runner.run(agent, "Where is it?", conversation_id=conversation.id)
        assert result.final_output == "I found a-1."
    session = (await talk.sessions())[0]
    assert session["turn_count"] == 2


async def test_a_conversation_keeps_an_agents_history(talking: Talking) -> None:
    talk = await talking(answers_by_tool)
    session = OpenAIConversationsSession(openai_client=talk.client)
    agent = agent_of(talk, OpenAIResponsesModel)
    for _ in range(2):
        result = await Runner.run(agent, "Where is it?", session=session)
        assert result.final_output == "I found a-1."
    kinds = [item.get("type") for item in await session.get_items()]
    once = ["message"] * 2 + ["function_call"] * 2 + ["function_call_output"] * 2 + ["message"]
    assert kinds == 2 * once


class Found(BaseModel):
    place: str


@pytest.mark.parametrize("model", MODELS)
async def test_an_agent_has_an_output_type(talking: Talking, model: Any) -> None:
    talk = await talking(LOOKS_UP, '{"place": "Rome"}')
    agent = agent_of(
        talk, model, output_type=Found, model_settings=ModelSettings(tool_choice="required")
    )
    result = await Runner.run(agent, "Where is it?")
    assert result.final_output == Found(place="Rome")


@pytest.mark.parametrize("model", MODELS)
async def test_an_agent_hands_over_to_another(talking: Talking, model: Any) -> None:
    talk = await talking(call("transfer_to_support", "{}"), LOOKS_UP, "It is in Rome.")
    support = agent_of(talk, model)
    front: Agent = Agent(
        name="Front",
        instructions="Hand over.",
        model=model(model="scripted", openai_client=talk.client),
        handoffs=[support],
    )
    result = await Runner.run(front, "Where is it?")
    assert result.final_output == "It is in Rome."
    assert result.last_agent is support
