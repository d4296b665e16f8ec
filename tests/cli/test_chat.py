"""A conversation in the terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent_serving.testing import Line
from tests.cli.conftest import Start, call, scripted_service


async def conversation(start: Start, folder: Path, typed: str, *script: Line) -> str:
    async with scripted_service(folder, *script) as url:
        chat = start("chat", "--url", url)
        shown, _ = await asyncio.to_thread(chat.communicate, typed, timeout=60)
    assert chat.returncode == 0
    return shown


async def test_answers_and_tool_calls_are_shown(start: Start, tmp_path: Path) -> None:
    script = [call("calculator", expression="2 + 2"), "Four!"]
    shown = await conversation(start, tmp_path, "2 + 2?\n/quit\n", *script)
    assert '  calls    calculator {"expression": "2 + 2"}\n' in shown
    assert "  gets     ok 4\n" in shown
    assert "  agent    Four!\n" in shown


async def test_a_fork_goes_on_in_a_copy(start: Start, tmp_path: Path) -> None:
    typed = "Hello\n/fork\nHello again\n/steps\n/nonsense\n"
    shown = await conversation(start, tmp_path, typed, "One.", "Two.")
    assert "Now in sess_" in shown
    assert shown.index("One.") < shown.index("Now in sess_") < shown.index("Two.")
    assert "1 model, 0 tool" in shown
    assert shown.count("/fork goes on in a copy") == 2


async def test_a_service_that_is_not_there_is_told(start: Start) -> None:
    chat = start("chat", "--url", "http://127.0.0.1:9")
    shown, _ = await asyncio.to_thread(chat.communicate, timeout=60)
    assert chat.returncode == 1
    assert "http://127.0.0.1:9 does not answer" in shown
    assert "Traceback" not in shown
