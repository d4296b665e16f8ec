import asyncio
import dataclasses
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

from agent_serving.adapters.tools.functions import FunctionToolRunner
from agent_serving.domain.errors import InvalidRequest, ToolDefinitionError, ToolError
from agent_serving.domain.tool import ToolContext, ToolFunction, tool
from agent_serving.domain.values import ToolCall, ToolResult
from tests.adapters.tools.calling import CONTEXT, call, call_one, repeat, repeat_async

KIB_64 = 64 * 1024
TRACE: ContextVar[str] = ContextVar("TRACE")


def returning(value: Any) -> ToolFunction:
    @tool()
    def give() -> Any:
        """Give."""
        return value

    return give


def raising(error: BaseException) -> ToolFunction:
    @tool()
    def fail() -> None:
        """Fail."""
        raise error

    return fail


@pytest.mark.parametrize("function", [repeat, repeat_async])
async def test_a_function_gets_its_arguments_and_defaults(function: ToolFunction) -> None:
    result = await call_one(function, '{"text": "ab"}')
    assert result == ToolResult(call_id="c1", output="abab", outcome="ok")


async def test_specs_are_listed_by_name() -> None:
    runner = FunctionToolRunner([repeat_async, repeat])
    assert [spec.name for spec in runner.specs()] == ["repeat", "repeat_async"]


async def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolDefinitionError, match="Two tools are named repeat"):
        FunctionToolRunner([repeat, repeat])


async def test_arguments_arrive_as_typed_values() -> None:
    class Size(Enum):
        BIG = "big"

    class Box(BaseModel):
        size: Size

    def kinds(box: Any) -> str:
        """Name the types."""
        return f"{type(box).__name__} {box.size is Size.BIG}"

    kinds.__annotations__["box"] = Box
    assert (await call_one(tool()(kinds), '{"box": {"size": "big"}}')).output == "Box True"


async def test_a_sync_function_runs_in_a_thread_and_an_async_one_on_the_loop() -> None:
    @tool()
    def blocking() -> bool:
        """Where."""
        return threading.current_thread() is threading.main_thread()

    @tool()
    async def waiting() -> bool:
        """Where."""
        return threading.current_thread() is threading.main_thread()

    assert (await call_one(blocking)).output == "false"
    assert (await call_one(waiting)).output == "true"


async def test_a_context_variable_of_the_caller_is_seen_in_the_thread() -> None:
    @tool()
    def trace() -> str:
        """Tell the trace."""
        return TRACE.get()

    TRACE.set("trace-1")
    assert (await call_one(trace)).output == "trace-1"


async def test_the_context_is_given_with_the_settings_of_this_tool_only() -> None:
    @tool()
    def who(context: ToolContext) -> str:
        """Say who calls."""
        return f"{context.session_id} {context.tenant} {dict(context.settings)}"

    settings = {"who": {"key": "value"}, "repeat": {"other": "secret"}}
    runner = FunctionToolRunner([who, repeat], settings=settings)
    assert (await call(runner, "who")).output == "sess_1 tenant_a {'key': 'value'}"


async def test_settings_for_a_tool_that_is_not_there_are_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    FunctionToolRunner([repeat], settings={"repaet": {}})
    assert "repaet" in caplog.text


def needs_key(settings: Mapping[str, str]) -> bool:
    if settings.get("key") == "wrong":
        raise ToolError("key cannot be 'wrong'.")
    return "key" in settings


@tool(available=needs_key)
def locked() -> str:
    """Open."""
    return "open"


async def test_a_tool_that_is_not_available_is_not_offered() -> None:
    assert FunctionToolRunner([locked]).specs() == []
    offered = FunctionToolRunner([locked], settings={"locked": {"key": "k"}})
    assert (await call(offered, "locked")).output == "open"


async def test_settings_that_make_no_sense_stop_the_start_up() -> None:
    with pytest.raises(
        ToolDefinitionError, match=r"settings of the tool locked .*cannot be 'wrong'"
    ):
        FunctionToolRunner([locked], settings={"locked": {"key": "wrong"}})


async def test_a_tool_that_has_gone_since_the_agent_was_made_is_an_error_result() -> None:
    gone = FunctionToolRunner([repeat]).specs()[0]
    request = ToolCall(call_id="c1", name="repeat", arguments="{}")
    result = await FunctionToolRunner([]).run(gone, request, CONTEXT)
    assert result.outcome == "error"
    assert "repeat is not available" in result.output


@pytest.mark.parametrize("arguments", ["", "{", '{"times": 1}', '{"text": "a", "times": "x"}'])
async def test_arguments_that_do_not_fit_are_an_invalid_result(arguments: str) -> None:
    result = await call_one(repeat, arguments)
    assert result.outcome == "invalid"
    assert result.output.startswith("The arguments do not fit the tool.")


@dataclasses.dataclass
class Pair:
    left: int
    right: datetime


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("as it is", "as it is"),
        (None, "null"),
        (3, "3"),
        ({"a": [1, "ü"]}, '{"a":[1,"ü"]}'),
        (Pair(1, datetime(2030, 1, 2, tzinfo=UTC)), '{"left":1,"right":"2030-01-02T00:00:00Z"}'),
        (float("nan"), '"NaN"'),
        (b"bytes", '"bytes"'),
        ("nul \x00 and half \ud83d", "nul \ufffd and half \ufffd"),
        ({"half \udc00": "\ud800"}, '{"half \ufffd": "\ufffd"}'),
    ],
)
async def test_a_result_is_text_as_it_is_or_json(value: Any, output: str) -> None:
    result = await call_one(returning(value))
    assert (result.outcome, result.output) == ("ok", output)


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize("value", [object(), LOOP, b"\xff"])
async def test_a_result_that_json_cannot_express_is_an_error(value: Any) -> None:
    result = await call_one(returning(value))
    assert result.outcome == "error"
    assert "JSON cannot express" in result.output


@pytest.mark.parametrize("value", ["x" * 5_000_000, "ü" * 2_500_000, ["y" * 100] * 50_000])
async def test_a_result_of_five_megabytes_is_cut_and_says_so(value: Any) -> None:
    result = await call_one(returning(value))
    assert result.outcome == "ok"
    assert KIB_64 - 3 <= len(result.output.encode()) <= KIB_64
    assert "[Cut: the result has " in result.output[-100:]


async def test_a_result_of_exactly_the_limit_is_not_cut() -> None:
    assert (await call_one(returning("x" * KIB_64))).output == "x" * KIB_64


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (ValueError("no such thing"), "ValueError: no such thing"),
        (KeyError(), "KeyError"),
        (ToolError("Ask differently, see /docs/a/b."), "Ask differently, see /docs/a/b."),
        (InvalidRequest("Too many keys."), "Too many keys."),
        (SystemExit(3), "RuntimeError: the tool raised SystemExit"),
        (KeyboardInterrupt(), "RuntimeError: the tool raised KeyboardInterrupt"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (ValueError("half \ud800"), "ValueError: half \ufffd"),
    ],
)
async def test_an_exception_is_an_error_result_with_its_type_and_message(
    error: BaseException, output: str
) -> None:
    result = await call_one(raising(error))
    assert (result.outcome, result.output) == ("error", output)


@pytest.mark.parametrize("error", [StopIteration(1), GeneratorExit(), asyncio.CancelledError()])
async def test_an_exception_with_a_meaning_to_the_loop_is_an_error_result(
    error: BaseException,
) -> None:
    assert (await call_one(raising(error))).outcome == "error"


@pytest.mark.parametrize("error", [StopIteration(1), SystemExit(1), asyncio.CancelledError()])
async def test_an_async_tool_that_raises_it_fails_alone(error: BaseException) -> None:
    @tool()
    async def fail() -> None:
        """Fail."""
        raise error

    assert (await call_one(fail)).outcome == "error"


async def test_an_error_shows_no_paths_credentials_or_settings() -> None:
    text = (
        "open('/srv/app/keys/prod.pem') https://bob:hunter22@db.example/x?sig=abcdef&a=1"
        " Authorization: Bearer abcdefghijkl api_key=sk-12345 {'token': 't0ps3cret'} my-setting-1"
    )

    @tool()
    def fail() -> None:
        """Fail."""
        raise RuntimeError(text)

    result = await call_one(fail, settings={"fail": {"password": "my-setting-1"}})
    hidden = ("/srv", "prod.pem", "hunter22", "abcdef", "sk-12345", "t0ps3cret", "my-setting-1")
    assert not [secret for secret in hidden if secret in result.output]
    assert "db.example/x" in result.output


async def test_an_error_is_short() -> None:
    result = await call_one(raising(ValueError("x" * 1_000_000)))
    assert len(result.output) <= 2_000


async def test_an_exception_that_cannot_be_printed_is_an_error_result() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert (await call_one(raising(Broken()))).output == "Broken"


async def test_a_timeout_error_of_the_tools_own_is_an_error() -> None:
    assert (await call_one(raising(TimeoutError("upstream")))).output == "TimeoutError: upstream"
