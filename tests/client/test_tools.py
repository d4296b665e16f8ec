"""Tools that run in the caller's own process."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from agent_serving import AgentServing, ToolContext, ToolError, tool
from agent_serving.client.answering import DECLINED, Answering
from agent_serving.client.asynchronous.session import AsyncSession
from agent_serving.client.models import RequiredInput, ToolCallStarted
from agent_serving.client.result import Result
from agent_serving.client.toolbox import Toolbox
from agent_serving.domain.errors import ToolDefinitionError
from tests.client.conftest import Connect
from tests.runtime.talk import call


def calls(*names: str) -> str:
    return "\n".join(call(name, "{}") for name in names)


async def outputs(connect: Connect, reply: str, tools: list[Any], **more: Any) -> list[str]:
    """What the model reads of the calls in its reply."""
    connected = await connect(reply, "Done.")
    session = await connected.client.sessions.create({"tools": tools}, **more)
    result = await session.run("go")
    assert result.text == "Done."
    return [item.output for item in result.turn.items if item.type == "tool_result"]


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: The first.
        b: The second.
    """
    return a + b


async def test_the_model_sees_the_signature_and_gets_the_result(connect: Connect) -> None:
    connected = await connect(call("add", '{"a": 2}'), "3.")
    session = await connected.client.sessions.create(tools=[add])
    async with session.stream("2 + 1?") as turn:
        events = [event async for event in turn]
        assert (await turn.result()).text == "3."
    started = next(event for event in events if isinstance(event, ToolCallStarted))
    assert (started.name, started.executor) == ("add", "client")
    results = [item.output async for item in session.items() if item.type == "tool_result"]
    assert results == ["3"]
    agent = await connected.client.agents.create("adder", tools=[add, "add_server"][:1])
    [defined] = agent.tools
    assert not isinstance(defined, str)
    assert defined.description == "Add two numbers."
    assert defined.parameters["required"] == ["a"]
    assert defined.parameters["properties"]["b"] == {
        "type": "integer",
        "default": 1,
        "description": "The second.",
    }


async def test_calls_of_one_step_run_side_by_side_sync_and_async(connect: Connect) -> None:
    together = threading.Barrier(2, timeout=10)

    @tool
    def blocking() -> str:
        """Block."""
        together.wait()
        return "one"

    @tool
    async def waiting() -> dict[str, int]:
        """Wait."""
        await asyncio.to_thread(together.wait)
        return {"two": 2}

    told = await outputs(connect, calls("blocking", "waiting"), [blocking, waiting])
    assert told == ["one", '{"two":2}']


async def test_whatever_goes_wrong_is_a_result_that_the_model_reads(connect: Connect) -> None:
    @tool
    def fails() -> str:
        """Fail."""
        raise ValueError("no such\n thing")

    @tool
    def refuses() -> str:
        """Refuse."""
        raise ToolError("Ask for less.")

    @tool(timeout=1)
    def hangs() -> str:
        """Hang."""
        time.sleep(10)
        return "late"

    @tool
    def odd() -> object:
        """Return what JSON cannot express."""
        return object()

    tools = [fails, refuses, hangs, odd]
    told = await outputs(connect, calls("fails", "refuses", "hangs", "odd"), tools)
    assert told == [
        "ValueError: no such thing",
        "Ask for less.",
        "The call took longer than 1 s.",
        "The tool returned a object that JSON cannot express.",
    ]


async def test_arguments_that_do_not_fit_are_told() -> None:
    asked = RequiredInput(type="tool_result", call_id="c", name="add", arguments='{"a": "x"}')
    answer = await Toolbox([add]).run(asked)
    assert answer["error"].startswith("The arguments do not fit the tool. a: Input should be a")


@pytest.mark.parametrize("answer", [True, False])
async def test_each_call_is_approved_by_the_callback(connect: Connect, answer: bool) -> None:
    asked: list[tuple[str, str]] = []

    async def approve(call: RequiredInput) -> bool:
        asked.append((call.name, call.arguments))
        return answer

    told = await outputs(connect, call("add", '{"a": 2}'), [add], approve=approve)
    assert asked == [("add", '{"a": 2}')]
    assert told == (["3"] if answer else [DECLINED])


async def test_an_approval_that_the_service_asks_for_is_answered_by_the_callback() -> None:
    asked = RequiredInput(type="approval", call_id="c", name="pay", arguments="{}")
    answers = await Answering(approve=lambda call: call.name == "pay").answers([asked])
    assert answers == [{"type": "approval", "call_id": "c", "approve": True}]
    assert await Answering().answers([asked]) == []


async def test_a_registered_agent_finds_its_functions_in_the_session(connect: Connect) -> None:
    connected = await connect(call("add", '{"a": 2}'), "3.")
    agent = await connected.client.agents.create("adder", tools=[add])
    session = await connected.client.sessions.create(agent, tools=[add])
    assert (await session.run("?")).text == "3."
    fork = await session.fork()
    assert (await fork.run("?")).text == "3."


async def test_tools_of_both_kinds_run_from_a_program_without_an_event_loop(
    connect: Connect,
) -> None:
    loops: list[bool] = []

    @tool
    async def waiting() -> str:
        """Wait."""
        await asyncio.sleep(0)
        loops.append(True)
        return "waited"

    connected = await connect(calls("waiting") + "\n" + call("add", '{"a": 1}'), "Done.")

    def program(client: AgentServing) -> list[str]:
        with client:
            session = client.sessions.create({"tools": [waiting, add]})
            result = session.run("go")
            return [item.output for item in result.turn.items if item.type == "tool_result"]

    assert await asyncio.to_thread(program, connected.blocking()) == ["waited", "2"]
    assert loops == [True]


def plain(a: int) -> int:
    """Not declared."""
    return a


@tool
def contextual(context: ToolContext) -> str:
    """Wants what only the service has."""
    return context.call_id


def other() -> Any:
    @tool(name="add")
    def another() -> int:
        """Another one of that name."""
        return 1

    return another


@pytest.mark.parametrize(
    ("tools", "why"),
    [
        ([plain], "is not a tool. Put @tool"),
        ([contextual], "takes a ToolContext, which only tools in the service get"),
        ([add, other()], "Two tools are named add"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_why(tools: list[Any], why: str) -> None:
    with pytest.raises(ToolDefinitionError, match=why):
        Toolbox(tools)


OTHER = {"type": "function", "name": "other", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_turn_that_others_helped_on_meanwhile_is_followed_to_its_end(
    connect: Connect, streamed: bool
) -> None:
    """The call of `other` is not for this program; somebody answers it while a tool runs here."""
    connected = await connect(calls("here", "other"), "Done.")

    @tool
    async def here() -> str:
        """Take a while."""
        [turn] = await session.turns().all()
        [call_id] = [asked.call_id for asked in turn.required_inputs if asked.name == "other"]
        await session.turn(turn.id).give_result(call_id, "by somebody else")
        return "by this program"

    session = await connected.client.sessions.create({"tools": [here, OTHER]})
    assert (await ran(session, streamed=streamed)).text == "Done."


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_runs_once_though_an_answer_beside_it_came_too_late(
    connect: Connect, streamed: bool
) -> None:
    connected = await connect(calls("one", "two"), "Done.")
    ran_here: list[str] = []

    @tool
    async def one() -> str:
        """Is overtaken."""
        ran_here.append("one")
        [turn] = await session.turns().all()
        call_id = turn.required_inputs[0].call_id
        await session.turn(turn.id).give_result(call_id, "by somebody else")
        return "too late"

    @tool
    def two() -> str:
        """Is not."""
        ran_here.append("two")
        return "in time"

    session = await connected.client.sessions.create({"tools": [one, two]})
    result = await ran(session, streamed=streamed)
    told = [item.output for item in result.turn.items if item.type == "tool_result"]
    assert told == ["by somebody else", "in time"]
    assert sorted(ran_here) == ["one", "two"]


async def ran(session: AsyncSession, *, streamed: bool) -> Result[str]:
    if not streamed:
        return await asyncio.wait_for(session.run("go"), 20)
    async with session.stream("go") as turn:
        return await turn.result(20)
