"""The demo's session: against a script, and against the real engine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.cli.demo_session import TOOLS, play
from agent_serving.cli.rest import Rest, RestError
from agent_serving.cli.server import serving
from agent_serving.cli.step_table import LedgerTurn, executed_calls, lost_prefixes
from agent_serving.config import Settings
from tests.cli.conftest import call, scripted_service

ANSWER = '{"mood": "proud", "again": true}'
TIME = call("city_time", city="Tokyo")
DICE = call("roll_dice", sides=20, count=1)


async def played(url: str) -> tuple[list[LedgerTurn], str]:
    text = io.StringIO()
    async with Rest(url) as rest:
        turns = await play(rest, Console(file=text, width=100))
    return turns, text.getvalue()


async def test_two_turns_and_a_fork_are_shown_as_they_happen(tmp_path: Path) -> None:
    script = [DICE, ANSWER, TIME, DICE, ANSWER, TIME, ANSWER]
    async with scripted_service(tmp_path, *script) as url:
        turns, text = await played(url)
    assert [len(turn.steps) for turn in turns] == [3, 5, 3]
    assert executed_calls(turns) == 4
    assert lost_prefixes(turns) == []
    assert '  calls    city_time {"city": "Tokyo"}\n' in text
    assert "  gets     ok " in text
    assert f"  agent    {ANSWER}\n" in text
    assert text.index("What time is it in Tokyo?") < text.index("And in Lima?") < text.index("Fork")


async def test_the_fork_starts_with_all_the_tokens_of_the_session(tmp_path: Path) -> None:
    async with scripted_service(tmp_path, DICE, ANSWER, DICE, ANSWER, DICE, ANSWER) as url:
        turns, _ = await played(url)
    last, forked = turns[1].steps[-1], turns[2].steps[0]
    known = last["usage"]["input_tokens"] + last["usage"]["output_tokens"]
    assert forked["prefix"]["expected_tokens"] == known


async def test_a_turn_that_does_not_complete_stops_the_demo(tmp_path: Path) -> None:
    async with scripted_service(tmp_path, DICE, "no JSON") as url:
        with pytest.raises(RestError, match="failed and not completed"):
            await played(url)


async def test_a_service_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with scripted_service(tmp_path) as url:
        pass
    with pytest.raises(RestError, match=r"does not answer.*agent-serving up"):
        await played(url)


async def test_on_the_real_engine_calls_are_valid_and_the_prefix_is_exact(
    tmp_path: Path, engine_url: str
) -> None:
    settings = Settings(data_dir=tmp_path, tools=(TOOLS,), engines=(engine_url,))
    async with (
        bootstrap.build(settings) as running,
        serving(running.app, "127.0.0.1", 0) as url,
    ):
        turns, _ = await played(url)
    assert executed_calls(turns) >= 2
    assert lost_prefixes(turns) == []
