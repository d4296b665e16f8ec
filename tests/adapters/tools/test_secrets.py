from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
from typing import Any
from urllib.parse import quote

import pytest

from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.domain.errors import ToolDefinitionError, ToolError
from agent_serving.domain.tool import ToolContext, tool
from tests.adapters.tools.calling import CONTEXT, call, call_one, eventually

SECRET = 'can"ary/é 1'
SECRETS = {"leak": {"API_KEY": SECRET}}


async def test_a_tool_gets_its_own_secrets_and_no_others() -> None:
    seen: dict[str, dict[str, str]] = {}

    @tool()
    def leak(context: ToolContext) -> None:
        """Leak."""
        seen["leak"] = dict(context.secrets)

    @tool()
    def other(context: ToolContext) -> None:
        """Do something else."""
        seen["other"] = dict(context.secrets)

    runner = FunctionToolRunner([leak, other], secrets=SECRETS)
    await call(runner, "leak")
    await call(runner, "other")
    assert seen == {"leak": {"API_KEY": SECRET}, "other": {}}


@pytest.mark.parametrize(
    "say",
    [
        lambda secret: secret,
        lambda secret: {"key": [secret]},
        lambda secret: json.dumps(secret),
        lambda secret: "x" * 65_530 + secret,
        lambda secret: f"https://api.example/?key={quote(secret, safe='')}",
        repr,
    ],
)
@pytest.mark.parametrize("raises", [None, ToolError, ValueError, SystemExit])
async def test_a_secret_is_hidden_in_what_a_tool_says(say: Any, raises: Any) -> None:
    @tool()
    def leak(context: ToolContext) -> Any:
        """Leak."""
        said = say(context.secrets["API_KEY"])
        if raises is not None:
            raise raises(str(said))
        return said

    result = await call_one(leak, secrets=SECRETS)
    assert "ary/" not in result.output
    assert "can" not in result.output.replace("cannot", "")


async def test_another_tool_that_got_hold_of_the_secret_does_not_say_it_either() -> None:
    @tool()
    def other() -> str:
        """Say something."""
        return f"found {SECRET}"

    @tool()
    def leak() -> str:
        """Leak."""
        return ""

    runner = FunctionToolRunner([leak, other], secrets=SECRETS)
    assert (await call(runner, "other")).output == "found [hidden]"


async def test_a_secret_is_not_logged_with_the_failure_of_its_tool(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @tool()
    def leak(context: ToolContext) -> None:
        """Leak."""
        try:
            {}[context.secrets["API_KEY"]]
        except KeyError as error:
            raise RuntimeError("wrapped") from error

    with caplog.at_level(logging.DEBUG):
        assert (await call_one(leak, secrets=SECRETS)).outcome == "error"
    assert "RuntimeError: wrapped" in caplog.text
    assert "KeyError" in caplog.text
    assert "ary/" not in caplog.text


async def test_a_secret_cannot_be_remembered() -> None:
    @tool()
    async def leak(context: ToolContext) -> None:
        """Leak."""
        await context.memory.put("key", context.secrets["API_KEY"])

    result = await call_one(leak, secrets=SECRETS)
    assert result.outcome == "error"
    assert "nothing was stored" in result.output


def test_a_context_that_is_printed_shows_no_secret() -> None:
    assert "secrets" not in repr(CONTEXT)


async def test_a_secret_too_short_to_be_hidden_is_refused() -> None:
    @tool()
    def leak() -> None:
        """Leak."""

    with pytest.raises(ToolDefinitionError, match="API_KEY") as caught:
        FunctionToolRunner([leak], secrets={"leak": {"API_KEY": "qzx"}})
    assert "qzx" not in str(caught.value)


async def test_a_spelling_that_is_not_known_passes() -> None:
    """The limit that docs/reliability.md states."""

    @tool()
    def leak(context: ToolContext) -> str:
        """Leak."""
        return base64.b64encode(context.secrets["API_KEY"].encode()).decode()

    assert "[hidden]" not in (await call_one(leak, secrets=SECRETS)).output


@pytest.mark.parametrize(("bounds", "most"), [({"work": 2}, 2), ({"*": 3}, 3), ({}, 8)])
async def test_no_more_calls_run_at_a_time_than_are_allowed(
    bounds: dict[str, int], most: int
) -> None:
    running = highest = 0

    @tool()
    async def work() -> None:
        """Work."""
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0.01)
        running -= 1

    runner = FunctionToolRunner([work], concurrency=bounds)
    results = await asyncio.gather(*(call(runner, "work") for _ in range(8)))
    assert {result.outcome for result in results} == {"ok"}
    assert highest == most


async def test_a_tool_at_its_bound_does_not_keep_another_from_running() -> None:
    gate = asyncio.Event()

    @tool(timeout=0.2)
    async def busy() -> None:
        """Keep the seat."""
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    @tool()
    async def free() -> str:
        """Run."""
        return "ran"

    runner = FunctionToolRunner([busy, free], concurrency={"busy": 1, "*": 2})
    waiting = [asyncio.create_task(call(runner, "busy")) for _ in range(5)]
    await asyncio.sleep(0.02)
    beside = await call(runner, "free")
    outputs = [result.output for result in await asyncio.gather(*waiting)]
    gate.set()
    assert beside.output == "ran"
    assert sum("was not started" in output for output in outputs) == 4
    await eventually(lambda: runner.abandoned == 0)
