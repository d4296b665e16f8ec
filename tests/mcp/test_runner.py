"""MCP servers as tools: over stdio and over HTTP alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent_serving.adapters.tools.mcp import McpToolRunner
from agent_serving.adapters.tools.mcp import runner as runner_module
from agent_serving.adapters.tools.mcp.catalog import catalog
from agent_serving.adapters.tools.mcp.runner import LEAST_TTL_MS
from agent_serving.adapters.tools.mcp.transport import BODY_LIMIT
from agent_serving.domain.errors import ConfigurationError, ToolServerUnavailable, UnknownTool
from agent_serving.domain.mcp import McpServer
from agent_serving.domain.values import ToolCall, ToolResult
from tests.adapters.tools.calling import CONTEXT, call, eventually
from tests.mcp.conftest import Connect, Odd, OddHttp, odd_stdio


async def impatient(runner: McpToolRunner, name: str, seconds: float) -> ToolResult:
    spec = next(spec for spec in runner.specs() if spec.name == name)
    request = ToolCall(call_id="c1", name=name, arguments="{}")
    return await runner.run(spec.but(timeout_seconds=seconds), request, CONTEXT)


async def test_tools_are_listed_sorted_prefixed_and_with_their_effects(odd: Odd) -> None:
    specs = {spec.name: spec for spec in odd.runner.specs()}
    assert list(specs) == [
        "odd__about_me", "odd__die_once", "odd__die_then_answer", "odd__fail", "odd__hang",
        "odd__long", "odd__talk", "odd__zebra",
    ]  # fmt: skip
    effects = [specs[f"odd__{name}"].effect for name in ("zebra", "die_then_answer", "hang")]
    assert effects == ["pure", "idempotent", "once"]
    assert specs["odd__zebra"].parameters["required"] == ["text"]
    assert specs["odd__about_me"].remote is not None
    assert specs["odd__about_me"].remote.name == "about.me"


async def test_what_cannot_be_served_is_left_out_with_the_reason(odd: Odd) -> None:
    [state] = odd.runner.states()
    why = {gone.tool: gone.why for gone in state.left_out}
    assert why.keys() == {"a" * 80, "about_me", "bad_schema"}
    assert "64 characters" in why["a" * 80]
    assert "odd__about_me" in why["about_me"]
    assert "pattern" in why["bad_schema"]
    assert (state.status, state.tools, state.problem) == ("ready", 8, None)


async def test_a_call_is_answered(odd: Odd) -> None:
    result = await call(odd.runner, "odd__zebra", '{"text": "stripes"}')
    assert (result.outcome, result.output) == ("ok", "stripes")


async def test_an_answer_is_not_matched_with_the_patterns_of_its_server(
    connect: Connect, witness: Path
) -> None:
    """This one would take Python's `re` for years."""
    server = odd_stdio(witness, env={"ODD_OUTPUT": "^(a+)+$"}, connect_seconds=60)
    runner = await connect(odd=server)
    text = "a" * 60 + "!"
    result = await call(runner, "odd__zebra", json.dumps({"text": text}))
    assert (result.outcome, result.output) == ("ok", text)


async def test_a_call_carries_its_trace_and_its_idempotency_key(odd: Odd) -> None:
    told = json.loads((await call(odd.runner, "odd__about_me")).output)["meta"]
    assert told["traceparent"] == CONTEXT.traceparent
    assert told["agent-serving/idempotency-key"] == CONTEXT.idempotency_key


async def test_an_error_is_a_result_that_the_model_reads(odd: Odd) -> None:
    result = await call(odd.runner, "odd__fail")
    assert result.outcome == "error"
    assert "no good" in result.output


async def test_a_call_that_hangs_is_given_up_and_the_next_one_is_answered(odd: Odd) -> None:
    result = await impatient(odd.runner, "odd__hang", 3)
    assert result.outcome == "timeout"
    assert "did not finish within 3 s" in result.output
    assert odd.witness.read_text() == "hang\n"
    assert (await call(odd.runner, "odd__zebra", '{"text": "on"}')).output == "on"


async def test_a_result_is_bounded(odd: Odd) -> None:
    result = await call(odd.runner, "odd__long", '{"characters": 300000}')
    assert len(result.output.encode()) <= 64 * 1024
    assert "[Cut: the result has 300,000 characters." in result.output


async def test_a_server_that_dies_is_started_again_and_a_harmless_call_repeated(
    connect: Connect, witness: Path
) -> None:
    runner = await connect(odd=odd_stdio(witness, connect_seconds=60))
    result = await call(runner, "odd__die_then_answer")
    assert (result.outcome, result.output) == ("ok", "alive")
    assert witness.read_text() == "die_then_answer\n" * 2


async def test_a_once_call_whose_server_dies_is_not_repeated(
    connect: Connect, witness: Path
) -> None:
    runner = await connect(odd=odd_stdio(witness, connect_seconds=60))
    result = await call(runner, "odd__die_once")
    assert result.outcome == "error"
    assert "It is not known whether" in result.output
    assert (await call(runner, "odd__zebra", '{"text": "back"}')).output == "back"
    assert witness.read_text() == "die_once\n"


async def test_a_server_over_http_may_be_started_anew_between_two_calls(
    connect: Connect, odd_http: OddHttp
) -> None:
    await odd_http.start()
    runner = await connect(odd=McpServer(url=odd_http.url, connect_seconds=60))
    before = json.loads((await call(runner, "odd__about_me")).output)["process"]
    odd_http.stop()
    down = await call(runner, "odd__zebra", '{"text": "?"}')
    assert down.outcome == "error"
    await odd_http.start()
    after = json.loads((await call(runner, "odd__about_me")).output)["process"]
    assert after != before


async def test_a_server_that_is_down_keeps_nobody_from_starting_and_comes_in_later(
    connect: Connect, odd_http: OddHttp
) -> None:
    runner = await connect(odd=McpServer(url=odd_http.url, connect_seconds=60))
    [state] = runner.states()
    assert (state.status, state.tools) == ("down", 0)
    assert "ConnectError" in (state.problem or "")
    with pytest.raises(ToolServerUnavailable, match="'odd' cannot be reached"):
        await runner.offered("odd")
    await odd_http.start()
    assert len(await runner.offered("odd")) == 8


async def test_a_command_that_is_not_there_is_told(connect: Connect) -> None:
    runner = await connect(odd=McpServer(command="/no/such/program"))
    [state] = runner.states()
    assert state.status == "down"
    assert "No such file" in (state.problem or "")


async def test_a_server_that_does_not_speak_is_given_up_in_time(connect: Connect) -> None:
    runner = await connect(odd=McpServer(command="sleep", args=("60",), connect_seconds=0.3))
    [state] = runner.states()
    assert state.problem == "it did not answer within 0.3 s."


async def test_secrets_reach_the_process_and_are_hidden_in_what_comes_back(
    connect: Connect, witness: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server = odd_stdio(witness, env={"ODD": "key ${ODD_KEY}"}, connect_seconds=60)
    runner = await connect({"odd": {"ODD_KEY": "s3cr3t-and-long"}}, odd=server)
    told = await call(runner, "odd__about_me")
    assert '"key [hidden]"' in told.output
    failed = await call(runner, "odd__fail")
    assert "no good: key [hidden]" in failed.output
    await call(runner, "odd__talk")
    await eventually(lambda: "odd: the key is key [hidden]" in caplog.text)
    await runner.aclose()
    assert "s3cr3t-and-long" not in caplog.text


async def test_of_our_environment_a_process_gets_only_what_it_needs(
    connect: Connect, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", "of the service")
    runner = await connect(odd=odd_stdio(witness, connect_seconds=60))
    environment = json.loads((await call(runner, "odd__about_me")).output)["environment"]
    assert environment.keys() == {"PATH"}


async def test_headers_with_secrets_are_sent(connect: Connect, odd_http: OddHttp) -> None:
    await odd_http.start()
    server = McpServer(
        url=odd_http.url, headers={"authorization": "Bearer ${TOKEN}"}, connect_seconds=60
    )
    runner = await connect({"odd": {"TOKEN": "t0ken-and-long"}}, odd=server)
    told = await call(runner, "odd__about_me")
    assert '"authorization": "Bearer [hidden]"' in told.output


async def test_a_tool_that_the_deployment_does_not_allow_is_not_there(
    connect: Connect, witness: Path
) -> None:
    server = odd_stdio(witness, allowed_tools=("zebra",), connect_seconds=60)
    runner = await connect(odd=server)
    assert [spec.name for spec in runner.specs()] == ["odd__zebra"]
    [spec] = runner.specs()
    assert spec.remote is not None
    old = spec.but(name="odd__fail", remote=spec.remote.but(name="fail"))
    result = await runner.run(old, ToolCall(call_id="c", name="odd__fail", arguments="{}"), CONTEXT)
    assert "not available here any more" in result.output


async def test_an_unknown_server_is_told_with_those_there_are(connect: Connect) -> None:
    runner = await connect()
    with pytest.raises(UnknownTool, match="an agent cannot bring its own"):
        await runner.offered("http://elsewhere")


async def test_an_answer_that_is_too_large_is_not_read(connect: Connect, odd_http: OddHttp) -> None:
    await odd_http.start()
    runner = await connect(odd=McpServer(url=odd_http.url, connect_seconds=60))
    large = await call(runner, "odd__long", json.dumps({"characters": BODY_LIMIT}))
    assert large.outcome == "error"
    assert "more than 4 MiB" in large.output
    small = await call(runner, "odd__long", '{"characters": 3000}')
    assert small.output == "x" * 3000


async def test_a_server_has_at_most_so_many_tools(
    connect: Connect, witness: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "MAX_TOOLS", 4)
    runner = await connect(odd=odd_stdio(witness, connect_seconds=60))
    [state] = runner.states()
    assert state.tools + len(state.left_out) == 5
    assert "more than 4 tools" in state.left_out[-1].why
    named = ("talk", "die_once")
    few = await connect(odd=odd_stdio(witness, allowed_tools=named, connect_seconds=60))
    assert [spec.name for spec in few.specs()] == ["odd__die_once", "odd__talk"]
    assert few.states()[0].left_out == ()


@pytest.mark.parametrize(
    ("milliseconds", "least", "more"),
    [("0", 0, 2), ("0", LEAST_TTL_MS, 0), ("600000", LEAST_TTL_MS, 0)],
)
async def test_a_list_is_good_for_as_long_as_the_server_says(
    connect: Connect,
    witness: Path,
    monkeypatch: pytest.MonkeyPatch,
    milliseconds: str,
    least: int,
    more: int,
) -> None:
    asked = 0

    def counting(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        return catalog(*args)

    monkeypatch.setattr(runner_module, "catalog", counting)
    monkeypatch.setattr(runner_module, "LEAST_TTL_MS", least)
    server = odd_stdio(witness, env={"ODD_TTL": milliseconds}, connect_seconds=60)
    runner = await connect(odd=server)
    before = asked
    assert await runner.offered("odd") == await runner.offered("odd")
    assert (before, asked - before) == (1, more)


def test_a_secret_that_is_too_short_to_be_hidden_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"mcp_servers\.odd: the secret PIN"):
        McpToolRunner({}, secrets={"odd": {"PIN": "12345"}})
