"""Calls that somebody has to agree to, as OpenAI's clients know them: a request for approval is an
item of the response, its answer an item of the next request."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from agents import (
    Agent,
    HostedMCPTool,
    MCPToolApprovalFunctionResult,
    MCPToolApprovalRequest,
    OpenAIResponsesModel,
    Runner,
    set_tracing_disabled,
)
from openai import APIStatusError, AsyncOpenAI, BadRequestError

from tests.openai.conftest import LOOK_UP, LOOKS_UP
from tests.openai.test_recorded_streams import (
    ASKED,
    ECHO,
    MESSAGE,
    SERVED,
    Recording,
    call,
    check,
    odd_client,
)

set_tracing_disabled(True)

QUESTION = "mcp_approval_request"
ASKS: dict[str, Any] = {"type": "mcp", "server_label": "odd", "require_approval": "always"}
FAILS = call("odd__fail", "{}")


async def ask(client: AsyncOpenAI, tools: Any = (ASKS,), **more: Any) -> Any:
    body: dict[str, Any] = {"model": "scripted", "input": "Go on.", "tools": list(tools), **more}
    return await client.responses.create(**body)


def answer(response: Any, approve: bool = True) -> list[Any]:
    """To each question in the response."""
    return [
        {"type": "mcp_approval_response", "approval_request_id": item.id, "approve": approve}
        for item in response.output
        if item.type == QUESTION
    ]


async def go_on(client: AsyncOpenAI, response: Any, given: list[Any], **more: Any) -> Any:
    return await client.responses.create(
        model="scripted", previous_response_id=response.id, input=given, **more
    )


async def test_a_call_runs_once_it_is_agreed_to(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "It said hello.")) as client:
        asked = await ask(client)
        assert asked.status == "completed"
        [question] = asked.output
        assert (question.type, question.server_label, question.name) == (QUESTION, "odd", "zebra")
        assert question.arguments == '{"text": "hello"}'
        done = await go_on(client, asked, answer(asked))
        ran, said = done.output
        assert (ran.type, ran.status, ran.output) == (SERVED, "completed", "hello")
        assert ran.approval_request_id == question.id
        assert (said.type, done.output_text) == (MESSAGE, "It said hello.")
        assert done.previous_response_id == asked.id
        [given] = (await client.responses.input_items.list(done.id)).data
        assert (given.type, given.approval_request_id) == ("mcp_approval_response", question.id)
        # The response that asked stays as it was.
        again = await client.responses.retrieve(asked.id)
        assert again.to_dict(mode="json") == asked.to_dict(mode="json")


async def test_a_call_that_is_declined_does_not_run_and_the_model_is_told(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "Then not.")) as client:
        asked = await ask(client)
        done = await go_on(client, asked, answer(asked, approve=False))
        [ran, _] = done.output
        assert (ran.type, ran.status, ran.output) == (SERVED, "failed", None)
        assert ran.approval_request_id == asked.output[0].id
        assert done.output_text == "Then not."


@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize(
    ("line", "questions"), [(ECHO, 1), (f"{ECHO}\n{ECHO}", 2), (f"I ask.\n{ECHO}\n{FAILS}", 2)]
)
async def test_streams_of_both_responses_keep_the_rules(
    tmp_path: Path, line: str, questions: int, approve: bool
) -> None:
    async with odd_client(tmp_path, (line, "Done.")) as client:
        before = (MESSAGE,) if line.startswith("I ask") else ()
        asking = [e async for e in await ask(client, stream=True)]
        first = Recording("asks", (), (*before, *[QUESTION] * questions))
        await check(client, first, asking)
        asked = asking[-1].response
        going = [e async for e in await go_on(client, asked, answer(asked, approve), stream=True)]
        second = Recording("goes on", (), (*[SERVED] * questions, MESSAGE))
        await check(client, second, going)


async def test_what_needs_no_approval_runs_at_once(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (f"{FAILS}\n{ECHO}", "Done.")) as client:
        asks = ASKS | {"require_approval": {"always": {"tool_names": ["zebra"]}}}
        asked = await ask(client, (asks,))
        assert [item.type for item in asked.output] == [SERVED, QUESTION]
        assert asked.output[0].status == "failed"
        done = await go_on(client, asked, answer(asked))
        assert [item.type for item in done.output] == [SERVED, MESSAGE]


async def test_a_call_that_cannot_run_is_not_asked_about(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (call("odd__zebra", '{"text": 5}'), "Sorry.")) as client:
        stream = [e async for e in await ask(client, stream=True)]
        await check(client, Recording("invalid", (), (SERVED, MESSAGE)), stream)
        assert stream[-1].response.output[0].approval_request_id is None


async def test_questions_and_calls_of_the_caller_are_answered_together(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (f"{LOOKS_UP}\n{ECHO}", "Done.")) as client:
        asked = await ask(client, (ASKS, LOOK_UP))
        assert [item.type for item in asked.output] == [ASKED, QUESTION]
        found = {"type": "function_call_output", "output": "sent"}
        found["call_id"] = asked.output[0].call_id
        with pytest.raises(BadRequestError, match="No answer found to the request for approval"):
            await go_on(client, asked, [found])
        with pytest.raises(BadRequestError, match="No tool output found"):
            await go_on(client, asked, answer(asked))
        unknown = {"type": "mcp_approval_response", "approval_request_id": "mcpr_x"}
        with pytest.raises(BadRequestError, match="no open request for approval 'mcpr_x'"):
            await go_on(client, asked, [found, *answer(asked), unknown | {"approve": True}])
        done = await go_on(client, asked, [found, *answer(asked)])
        assert [item.type for item in done.output] == [SERVED, MESSAGE]


async def test_a_conversation_takes_the_answer(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "It said hello.")) as client:
        talk = await client.conversations.create()
        asked = await ask(client, conversation=talk.id)
        [_, question] = [
            item async for item in client.conversations.items.list(talk.id, order="asc")
        ]
        assert question.to_dict(mode="json") == asked.output[0].to_dict(mode="json")
        done = await client.responses.create(
            model="scripted", conversation=talk.id, input=answer(asked)
        )
        assert done.output_text == "It said hello."
        [_, ran, _] = [item async for item in client.conversations.items.list(talk.id, order="asc")]
        assert ran.to_dict(mode="json") == done.output[0].to_dict(mode="json")


async def test_an_answer_that_is_sent_again_is_taken_once(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "It said hello.")) as client:
        asked = await ask(client)
        key = {"idempotency-key": "once"}
        one = await go_on(client, asked, answer(asked), extra_headers=key)
        two = await go_on(client, asked, answer(asked), extra_headers=key)
        assert one.to_dict(mode="json") == two.to_dict(mode="json")


@pytest.mark.parametrize("missing", ["approve", "approval_request_id"])
async def test_an_answer_is_whole(tmp_path: Path, missing: str) -> None:
    async with odd_client(tmp_path, (ECHO,)) as client:
        asked = await ask(client)
        [given] = answer(asked)
        del given[missing]
        with pytest.raises(APIStatusError, match=rf"input\[0\].{missing}` is missing"):
            await go_on(client, asked, [given])


async def test_an_answer_to_nothing_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with odd_client(tmp_path, (ECHO, "Done.")) as client:
        asked = await ask(client)
        given = [{"role": "user", "content": "Go on."}, *answer(asked)]
        with pytest.raises(BadRequestError, match="previous_response_id"):
            await ask(client, input=given)
        talk = await client.conversations.create()
        with pytest.raises(BadRequestError, match="previous_response_id"):
            await ask(client, input=given, conversation=talk.id)
        with pytest.raises(BadRequestError, match="goes with a request to /v1/responses"):
            await client.conversations.items.create(talk.id, items=answer(asked))
        done = await go_on(client, asked, answer(asked))
        with pytest.raises(BadRequestError, match="Nothing waits for an answer"):
            await go_on(client, done, answer(asked))


async def test_the_agents_sdk_asks_and_goes_on(tmp_path: Path) -> None:
    asked: list[str] = []

    def approve(request: MCPToolApprovalRequest) -> MCPToolApprovalFunctionResult:
        asked.append(request.data.name)
        return {"approve": True}

    async with odd_client(tmp_path, (ECHO, "It said hello.")) as client:
        tool = HostedMCPTool(tool_config=cast("Any", ASKS), on_approval_request=approve)
        model = OpenAIResponsesModel("scripted", client)
        agent = Agent(name="careful", model=model, tools=[tool])
        result = await Runner.run(agent, "Go on.", auto_previous_response_id=True)
    assert asked == ["zebra"]
    assert result.final_output == "It said hello."
