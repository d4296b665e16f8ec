"""A conversation in the terminal."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.api.turn_bodies import InputsBody
from agent_serving.cli.chat_questions import answer, question
from agent_serving.testing import Line
from tests.cli.conftest import COMMAND, Start, call, clean_environment, scripted_service


async def conversation(start: Start, folder: Path, typed: str, *script: Line) -> str:
    async with scripted_service(folder, *script) as url:
        chat = start("chat", "--url", url)
        shown, _ = await asyncio.to_thread(chat.communicate, typed, timeout=60)
    assert chat.returncode == 0
    return shown


async def test_answers_and_tool_calls_are_shown(start: Start, tmp_path: Path) -> None:
    script = [call("calculator", expression="2 + 2"), "Four!"]
    shown = await conversation(start, tmp_path, "2 + 2?\n/quit\n", *script)
    [line] = [line for line in shown.splitlines() if line.startswith("  calls    ")]
    assert re.fullmatch(r'  calls    calculator \{"expression": "2 \+ 2"\} → ok 4  \d+ ms', line)
    assert "  agent    Four!\n" in shown


async def test_a_fork_goes_on_in_a_copy(start: Start, tmp_path: Path) -> None:
    typed = "Hello\n/fork\nHello again\n/steps\n/help\n"
    shown = await conversation(start, tmp_path, typed, "One.", "Two.")
    assert "Now in sess_" in shown
    assert shown.index("One.") < shown.index("Now in sess_") < shown.index("Two.")
    assert "1 model, 0 tool" in shown
    assert re.search(r"^/fork +goes on in a copy", shown, re.MULTILINE)


async def test_a_service_that_is_not_there_is_told(start: Start) -> None:
    chat = start("chat", "--url", "http://127.0.0.1:9")
    shown, _ = await asyncio.to_thread(chat.communicate, timeout=60)
    assert chat.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in shown
    assert "Traceback" not in shown


async def test_a_session_is_named_by_its_id_and_by_no_path(start: Start, tmp_path: Path) -> None:
    async with scripted_service(tmp_path / "data") as url:
        chat = start("chat", "--url", url, "--session", "../tools")
        shown, _ = await asyncio.to_thread(chat.communicate, timeout=60)
    assert chat.returncode == 1
    assert "not_found" in shown or "no session" in shown.lower()
    assert "Traceback" not in shown


async def test_in_a_pipe_there_are_only_the_answers(tmp_path: Path) -> None:
    async with scripted_service(tmp_path / "data", "One.", "Two.") as url:
        chat = await asyncio.create_subprocess_exec(
            *COMMAND,
            *("chat", "--url", url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment(NO_COLOR=""),
        )
        written, told = await asyncio.wait_for(chat.communicate(b"first\nsecond\n"), 60)
    assert chat.returncode == 0
    assert written.decode() == "  agent    One.\n  agent    Two.\n"
    assert "The session is kept: " in told.decode()


async def test_in_a_pipe_a_mistake_ends_the_chat(start: Start, tmp_path: Path) -> None:
    async with scripted_service(tmp_path / "data") as url:
        chat = start("chat", "--url", url)
        shown, _ = await asyncio.to_thread(chat.communicate, "/nonsense\nHello\n", timeout=60)
    assert chat.returncode == 1
    assert "There is no command /nonsense. /help lists them." in shown
    assert "OK." not in shown


async def test_a_pipe_cannot_answer_what_a_turn_waits_for(start: Start, tmp_path: Path) -> None:
    tool = {"type": "function", "name": "ask_boss"}
    async with scripted_service(tmp_path / "data", call("ask_boss")) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await http.post("/v1/agents", json={"name": "clerk", "tools": [tool]})
        chat = start("chat", "--agent", "clerk", "--url", url)
        shown, _ = await asyncio.to_thread(chat.communicate, "Pay?\n", timeout=60)
    assert chat.returncode == 1
    assert re.search(r"ask_boss \{\} is yours to run.*chat --session sess_", shown)


ASKED = {"call_id": "call_1", "name": "pay", "arguments": '{"much": 1}'}


@pytest.mark.parametrize(
    ("kind", "typed", "given"),
    [
        ("tool_result", " paid ", {"output": "paid"}),
        ("tool_result", "! no money", {"error": "no money"}),
        ("in_doubt", "retry", {"resolution": "retry"}),
        ("in_doubt", "abandon", {"resolution": "abandon"}),
        ("in_doubt", "= paid", {"resolution": "result", "output": "paid"}),
        ("in_doubt", "paid", None),
        ("approval", "Yes", {"approve": True}),
        ("approval", "n", {"approve": False}),
        ("approval", "perhaps", None),
    ],
)
def test_what_is_typed_is_an_answer_that_the_api_takes(
    kind: str, typed: str, given: dict[str, Any] | None
) -> None:
    required = {"type": kind, **ASKED}
    assert 'pay {"much": 1}' in question(required)
    made = answer(required, typed)
    if given is None:
        assert made is None
    else:
        assert made == {"type": kind, "call_id": "call_1", **given}
        InputsBody.model_validate({"inputs": [made]})
