"""The programs of docs/sdk.md and the README run, print what is said, and pass `mypy --strict`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent_serving.scripted_service import ScriptedService
from agent_serving.testing import Line, Say, call

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "sdk.md").read_text()
ENVIRONMENT = {name: value for name, value in os.environ.items() if "PYTHON" not in name} | {
    "PYTHONPATH": str(ROOT),
    "MYPYPATH": str(ROOT),
}

ANSWERS: dict[str, tuple[Line, ...]] = {
    "17 * 23": (call("calculator", expression="17 * 23"), "It is 391."),
    "largest city": ('{"name": "Rome", "people": 2800000}',),
    "a capital": ("yes",),
    "Founded": ("0753-04-21",),
    "long story": (Say("Once upon a time. " * 40, delay=0.01, chunk=20),),
    "order o-1": (call("look_up_order", order_id="o-1"), "Your order is shipped."),
    "100 back": (call("refund", order_id="o-1", amount=100), "I may not do that."),
    "Hello": ("Hello.",),
}


@dataclass(frozen=True)
class Example:
    code: str
    printed: str | None

    @property
    def is_test(self) -> bool:
        return self.code.startswith("# test_")


README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"```python\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)
EXAMPLES = [
    *(Example(code, printed or None) for code, printed in BLOCK.findall(PAGE)),
    *(Example(code, "It is 391.\n") for code, _ in BLOCK.findall(README)),
]


def answer(prompt: str) -> Line:
    """By what the user said last, and how many results of tools have come since."""
    said = prompt.rpartition("<|im_start|>user\n")[2]
    replies = next(replies for words, replies in ANSWERS.items() if words in said)
    return replies[min(said.count("<|im_start|>assistant"), len(replies)) - 1]


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=ENVIRONMENT | more,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedService]:
    with ScriptedService(tmp_path_factory.mktemp("agents")) as running:
        running.follows(answer)
        yield running


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if not example.is_test],
    ids=lambda example: example.printed.splitlines()[0],
)
def test_a_program_prints_what_the_page_says(
    service: ScriptedService, example: Example, tmp_path: Path
) -> None:
    done = run(["-W", "error", "-c", example.code], tmp_path, AGENT_SERVING_URL=service.url)
    assert (done.stdout, done.stderr) == (example.printed, "")


def test_the_pages_test_passes(tmp_path: Path) -> None:
    [example] = [example for example in EXAMPLES if example.is_test]
    (tmp_path / "test_orders.py").write_text(example.code)
    plugin = "agent_serving.pytest_plugin"
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", plugin, str(tmp_path)]
    done = run(command, tmp_path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


TYPES = '''
from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypedDict, assert_type

from pydantic import BaseModel

from agent_serving import AgentServing, AsyncAgentServing, tool
from agent_serving.client import AsyncTurnStream, Result, Turn, TurnStream
from agent_serving.client.models import Event, SessionData, Step


class City(BaseModel):
    name: str


@dataclass
class Place:
    name: str


class Point(TypedDict):
    x: int


class Mood(Enum):
    GOOD = "good"


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


assert_type(add(1, 2), int)


def blocking(client: AgentServing) -> None:
    session = client.sessions.create({"tools": [add], "limits": {"max_steps": 3}})
    assert_type(session.run("x"), Result[str])
    assert_type(session.run("x", output_type=City).output, City)
    assert_type(session.run("x", output_type=Place).output, Place)
    assert_type(session.run("x", output_type=Point).output, Point)
    assert_type(session.run("x", output_type=Mood).output, Mood)
    assert_type(session.run("x", output_type=list[int]).output, list[int])
    assert_type(session.run("x", output_type=Literal["a", "b"]).output, Literal["a", "b"])
    assert_type(session.run("x", output_type={"type": "grammar", "name": "n"}).output, str)
    assert_type(session.start("x", output_type=City), Turn[City])
    with session.stream("x", output_type=City) as turn:
        assert_type(turn, TurnStream[City])
        for event in turn:
            assert_type(event, Event)
        assert_type(turn.result(timeout=1).output, City)
        assert_type(turn.result().steps, list[Step])
    for row in client.sessions.list():
        assert_type(row, SessionData)


async def waiting(client: AsyncAgentServing) -> None:
    session = await client.sessions.create({"tools": [add], "limits": {"max_steps": 3}})
    assert_type(await session.run("x"), Result[str])
    assert_type((await session.run("x", output_type=City)).output, City)
    async with session.stream("x", output_type=Mood) as turn:
        assert_type(turn, AsyncTurnStream[Mood])
        async for event in turn:
            assert_type(event, Event)
        assert_type((await turn.result()).output, Mood)
    async for row in client.sessions.list():
        assert_type(row, SessionData)
'''

WRONG = """
from agent_serving import AgentServing

session = AgentServing().sessions.create({"instructionss": "x"})
session.run("x", on_conflict="maybe")
number: int = session.run("x").output
"""


@pytest.mark.timeout(900)
def test_every_program_of_the_page_and_each_type_pass_mypy_strict(tmp_path: Path) -> None:
    for number, example in enumerate(EXAMPLES):
        (tmp_path / f"example_{number}.py").write_text(example.code)
    (tmp_path / "every_type.py").write_text(TYPES)
    (tmp_path / "wrong.py").write_text(WRONG)
    files = sorted(path.name for path in tmp_path.glob("*.py"))
    assert len(files) == len(EXAMPLES) + 2
    done = run(["-m", "mypy", "--strict", "--follow-imports=silent", *files], tmp_path)
    told = done.stdout.splitlines()
    assert [line for line in told if not line.startswith("wrong.py")][:-1] == []
    # That this check can fail.
    assert [line.split(":")[1] for line in told if ": error:" in line] == ["4", "5", "6"]
