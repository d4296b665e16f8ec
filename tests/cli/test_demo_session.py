"""The demo's session: against a script, and against the real engine."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.cli.demo_session import CHAIN, FOLLOW_UP, IN_THE_FORK, PARALLEL, Told, play
from agent_serving.cli.rest import Rest, RestError
from agent_serving.cli.server import serving
from agent_serving.cli.step_table import lost_prefixes
from agent_serving.config import Settings
from agent_serving.testing import Break, Line
from tests.cli.conftest import call, scripted_service

QUESTIONS = (CHAIN, PARALLEL, FOLLOW_UP, IN_THE_FORK)
RIGHT = [
    line
    for question in QUESTIONS
    for line in (
        *("\n".join(call(name, **args) for name, args in step) for step in question.steps),
        ". ".join(question.says),
    )
]


async def played(url: str) -> tuple[list[Told], str]:
    text = io.StringIO()
    async with Rest(url) as rest:
        turns = await play(rest, Console(file=text, width=100))
    return turns, text.getvalue()


async def scripted(folder: Path, *script: Line) -> tuple[list[Told], str]:
    async with scripted_service(folder, *script) as url:
        return await played(url)


def test_it_has_a_chain_of_three_a_parallel_step_and_a_follow_up() -> None:
    assert [len(step) for step in CHAIN.steps] == [1, 1, 1]
    assert len(PARALLEL.steps[0]) == 2
    assert FOLLOW_UP.text.startswith("And")


async def test_three_turns_and_a_fork_are_shown_as_they_happen(tmp_path: Path) -> None:
    turns, text = await scripted(tmp_path, *RIGHT)
    assert [turn.problem for turn in turns] == [None] * 4
    assert [len(turn.ledger.steps) for turn in turns] == [7, 4, 3, 3]
    assert lost_prefixes([turn.ledger for turn in turns]) == []
    assert '  calls    weather {"city": "Rome"}\n' in text
    assert "  gets     ok 12 mile = 19.312128 kilometer\n" in text
    positions = [text.index(question.text) for question in QUESTIONS]
    assert positions == sorted(positions)
    assert positions[2] < text.index("Fork") < positions[3]


async def test_what_is_right_is_what_the_tools_answer(tmp_path: Path) -> None:
    """The right answers stand in the code; the tools are run, and say the same."""
    turns, _ = await scripted(tmp_path, *RIGHT)
    results = [
        [item["output"] for item in turn.ledger.turn["items"] if item["type"] == "tool_result"]
        for turn in turns
    ]
    assert results[0][1] == CHAIN.says[0]
    assert '"temperature_c":20,"sky":"cloudy"' in results[1][0]
    assert '"temperature_c":11,"sky":"foggy"' in results[1][1]
    assert '"temperature_c":27,"sky":"windy"' in results[2][0]
    assert '"temperature_c":12,"sky":"foggy"' in results[3][0]


async def test_the_fork_starts_with_all_the_tokens_of_the_session(tmp_path: Path) -> None:
    turns, _ = await scripted(tmp_path, *RIGHT)
    last, forked = turns[2].ledger.steps[-1], turns[3].ledger.steps[0]
    known = last["usage"]["input_tokens"] + last["usage"]["output_tokens"]
    assert forked["prefix"]["expected_tokens"] == known


async def test_a_wrong_call_and_a_wrong_answer_are_told(tmp_path: Path) -> None:
    rome = call("weather", city="Rome")
    script = [*RIGHT[:4], rome, ". ".join(PARALLEL.says), *RIGHT[6:7], "It is nice in Tokyo."]
    turns, _ = await scripted(tmp_path, *script, *RIGHT[8:])
    chain, parallel, follow_up, fork = [turn.problem for turn in turns]
    assert (chain, fork) == (None, None)
    assert parallel == (
        'its calls should be weather {"city": "Rome"} and weather {"city": "Madrid"}'
    )
    assert follow_up == "its answer does not say 27 degrees and windy in Tokyo"


async def test_a_turn_that_fails_stops_the_demo(tmp_path: Path) -> None:
    with pytest.raises(RestError, match="failed"):
        await scripted(tmp_path, *[Break()] * 9)


async def test_a_service_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with scripted_service(tmp_path) as url:
        pass
    with pytest.raises(RestError, match=r"does not answer.*agent-serving up"):
        await played(url)


async def test_the_demo_model_answers_all_of_it_right(tmp_path: Path, engine_url: str) -> None:
    settings = Settings(data_dir=tmp_path, engines=(engine_url,))
    async with (
        bootstrap.build(settings) as running,
        serving(running.app, "127.0.0.1", 0) as url,
    ):
        turns, _ = await played(url)
    assert [turn.problem for turn in turns] == [None] * 4
    assert lost_prefixes([turn.ledger for turn in turns]) == []
