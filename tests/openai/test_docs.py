"""The examples of docs/openai.md run, one after another, as they stand."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from agent_serving.testing import Say
from tests.openai.conftest import ADDS, LOOKS_UP, Talking

PAGE = (Path(__file__).parents[2] / "docs/openai.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def says(prompt: str) -> Say:
    last = prompt.rpartition("<|im_start|>assistant")[0].rpartition("<|im_start|>")[2]
    replies = {
        "17 * 23?": "It is 391.",
        "my name?": "Ann.",
        "Where is order": LOOKS_UP,
        "on its way": "It is on its way.",
        "Add 1 and 2.": ADDS,
        "as JSON?": '{"value": 391}',
        "story": "Once upon a time there was a queue.",
    }
    return Say(next((said for asked, said in replies.items() if asked in last), "Hello."))


def run(url: str) -> None:
    known: dict[str, Any] = {"__name__": "examples"}
    for number, example in enumerate(EXAMPLES):
        source = example.replace("http://127.0.0.1:8080", url)
        exec(compile(source, f"docs/openai.md, example {number + 1}", "exec"), known)
    known["client"].close()


async def test_every_example_runs(talking: Talking, capfd: pytest.CaptureFixture[str]) -> None:
    talk = await talking(says, model="demo")
    await asyncio.to_thread(run, str(talk.served.http.base_url).rstrip("/"))
    told = capfd.readouterr().out
    assert len(EXAMPLES) >= 8
    for line in (
        "It is 391. ",
        "['message', 'message']",
        "It is on its way.",
        "['mcp_call', 'message']",
        "value=391",
        "Hello.",
    ):
        assert line in told, told
