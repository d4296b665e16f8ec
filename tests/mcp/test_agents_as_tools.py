"""Agents as an MCP server: the official client at /mcp, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from agent_serving.testing import Say, ScriptedEngine
from tests.api.conftest import Serve, Served, error_of, redis, serve
from tests.api.keyed import keyed
from tests.runtime.talk import call

__all__ = ["redis", "serve"]  # fixtures

MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
ADD = call("add", '{"a": 2, "b": 3}')


@asynccontextmanager
async def client_of(
    served: Served, key: str | None = None, mode: str = "auto"
) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{served.http.base_url}/mcp"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def register(served: Served, name: str, **body: Any) -> None:
    answer = await served.http.post("/v1/agents", json={"name": name, **body})
    assert answer.status_code == 201, answer.text


def text_of(result: Any) -> str:
    return str(result.content[0].text)


@MODES
async def test_each_agent_is_a_tool_and_a_call_is_a_turn(serve: Serve, mode: str) -> None:
    served = await serve(ScriptedEngine([ADD, "Five."]))
    await register(served, "adder", instructions="Add\nnumbers.", tools=["add"])
    await register(served, "other")
    async with client_of(served, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["run_adder", "run_other"]
        assert tools["run_adder"].description == "Run the agent adder. Add numbers."
        result = await client.call_tool("run_adder", {"input": "2 + 3?"})
    assert (text_of(result), result.is_error) == ("Five.", False)
    said = result.structured_content
    turn = await served.get(f"/v1/sessions/{said['session_id']}/turns/{said['turn_id']}")
    assert (turn["status"], turn["output_text"]) == ("completed", "Five.")
    assert said["usage"] == turn["usage"]


@MODES
async def test_a_call_does_not_walk_the_list(
    serve: Serve, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = await serve(ScriptedEngine(["Hello."]))
    await register(served, "adder")
    listed = 0
    agents = served.service.agents
    read = agents.list

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal listed
        listed += 1
        return await read(*args, **more)

    monkeypatch.setattr(agents, "list", counted)
    async with client_of(served, mode=mode) as client:
        await client.list_tools()
        assert listed == 1
        assert text_of(await client.call_tool("run_adder", {"input": "Hi"})) == "Hello."
    assert listed == 1


@MODES
async def test_progress_is_told_while_steps_go_on(serve: Serve, mode: str) -> None:
    served = await serve(ScriptedEngine([ADD, Say("Five.", delay=0.2)]))
    await register(served, "adder", tools=["add"])
    told: list[str | None] = []

    async def progress(_: float, __: float | None, message: str | None) -> None:
        told.append(message)

    async with client_of(served, mode=mode) as client:
        await client.call_tool("run_adder", {"input": "?"}, progress_callback=progress)
    assert told == ["model step", "tool step", "add started", "add ok", "model step"]


async def test_a_conversation_goes_on_by_its_session(serve: Serve) -> None:
    engine = ScriptedEngine(["One.", "Two."])
    served = await serve(engine)
    await register(served, "counter")
    async with client_of(served) as client:
        first = await client.call_tool("run_counter", {"input": "count"})
        session = first.structured_content["session_id"]
        second = await client.call_tool("run_counter", {"input": "on", "session_id": session})
    assert second.structured_content["session_id"] == session
    assert f"session_id: {session}" in second.content[1].text  # type: ignore[union-attr]
    assert "One." in engine.decode(engine.requests[1].prompt)


async def test_a_session_of_another_agent_is_refused(serve: Serve) -> None:
    served = await serve()
    await register(served, "one")
    await register(served, "two")
    async with client_of(served) as client:
        first = await client.call_tool("run_one", {"input": "hi"})
        session = first.structured_content["session_id"]
        result = await client.call_tool("run_two", {"input": "hi", "session_id": session})
    assert result.is_error
    assert "go on with run_one" in text_of(result)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("run_nobody", {"input": "hi"}, "unknown_tool: There is no tool 'run_nobody'"),
        ("nobody", {"input": "hi"}, "unknown_tool"),
        ("run_one", {}, "`input` has to be a text"),
        ("run_one", {"input": " "}, "`input` is empty"),
        ("run_one", {"input": "hi", "more": 1}, "no argument 'more'"),
        ("run_one", {"input": "hi", "session_id": "sess_x"}, "not_found"),
    ],
)
async def test_errors_are_results_that_can_be_read(
    serve: Serve, name: str, arguments: Any, told: str
) -> None:
    served = await serve()
    await register(served, "one")
    async with client_of(served) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error
    assert told in text_of(result)


async def test_a_call_that_is_refused_leaves_no_session(serve: Serve) -> None:
    served = await serve()
    await register(served, "one")
    async with client_of(served) as client:
        for said in (" ", "x" * 200_000):
            assert (await client.call_tool("run_one", {"input": said})).is_error
        assert (await served.get("/v1/sessions"))["data"] == []
        first = await client.call_tool("run_one", {"input": "hi"})
        session = first.structured_content["session_id"]
        refused = await client.call_tool("run_one", {"input": " ", "session_id": session})
        assert refused.is_error
    [kept] = (await served.get("/v1/sessions"))["data"]
    assert (kept["id"], kept["turn_count"]) == (session, 1)


async def test_a_turn_that_waits_says_for_what(serve: Serve) -> None:
    served = await serve(ScriptedEngine([call("ask", "{}"), "Thanks."]))
    await register(served, "asker", tools=[{"type": "function", "name": "ask"}])
    async with client_of(served) as client:
        result = await client.call_tool("run_asker", {"input": "go"})
    assert result.is_error
    assert result.structured_content["status"] == "waiting"
    [needed] = result.structured_content["required_inputs"]
    assert needed["call_id"] in text_of(result)
    assert "/inputs" in text_of(result)


async def test_a_caller_that_leaves_does_not_end_the_turn(serve: Serve) -> None:
    served = await serve(ScriptedEngine([Say("Here it is at last.", delay=0.3)]))
    await register(served, "slow")
    async with client_of(served) as client:
        running = asyncio.create_task(client.call_tool("run_slow", {"input": "go"}))
        await served.generating()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    [session] = (await served.get("/v1/sessions"))["data"]
    [turn] = (await served.get(f"/v1/sessions/{session['id']}/turns"))["data"]
    settled = await served.settled(session["id"], turn["id"])
    assert settled["output_text"] == "Here it is at last."


async def test_keys_are_asked_for(serve: Serve) -> None:
    service = await keyed(serve)
    answer = await service.served.http.post("/mcp", json={"jsonrpc": "2.0"})
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "OPTIONS"])
async def test_there_is_no_stream_beside_the_answers(serve: Serve, method: str) -> None:
    """It would stay open, and nothing would ever be said on it."""
    served = await serve()
    accept = {"accept": "application/json, text/event-stream"}
    async with asyncio.timeout(10), served.http.stream(method, "/mcp", headers=accept) as answer:
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_key_that_may_not_even_read_gets_nothing(serve: Serve) -> None:
    service = await keyed(serve)
    asking = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"accept": "application/json, text/event-stream"}
    async with service.tenant("operators", "metrics") as http:
        answer = await http.post("/mcp", json=asking, headers=accept)
        assert error_of(answer)[:2] == (403, "forbidden")
    async with service.tenant("a", "read") as http:
        assert (await http.post("/mcp", json=asking, headers=accept)).status_code == 200


async def test_a_key_sees_and_runs_the_agents_of_its_tenant_only(serve: Serve) -> None:
    service = await keyed(serve)
    for tenant in ("a", "b"):
        async with service.tenant(tenant, "admin") as http:
            made = await http.post("/v1/agents", json={"name": f"of-{tenant}"})
            assert made.status_code == 201
    _, secret = await service.make("a", "run")
    async with client_of(service.served, secret) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["run_of-a"]
        assert not (await client.call_tool("run_of-a", {"input": "hi"})).is_error
        assert (await client.call_tool("run_of-b", {"input": "hi"})).is_error


async def test_a_key_that_may_only_read_lists_and_runs_nothing(serve: Serve) -> None:
    service = await keyed(serve)
    async with service.tenant("a", "admin") as http:
        await http.post("/v1/agents", json={"name": "one"})
    _, secret = await service.make("a", "read")
    async with client_of(service.served, secret) as client:
        assert len((await client.list_tools()).tools) == 1
        with pytest.raises(MCPError, match="takes the scope `run`"):
            await client.call_tool("run_one", {"input": "hi"})
    assert service.served.engine.requests == []


async def test_more_agents_than_fit_a_page_are_listed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent_serving.api.mcp import tools

    monkeypatch.setattr(tools, "PAGE", 2)
    served = await serve()
    for name in ("one", "two", "three"):
        await register(served, name)
    async with client_of(served) as client:
        first = await client.list_tools()
        rest = await client.list_tools(cursor=first.next_cursor)
    assert [tool.name for page in (first, rest) for tool in page.tools] == [
        "run_one",
        "run_two",
        "run_three",
    ]
    assert rest.next_cursor is None
