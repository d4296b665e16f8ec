"""`agent-serving compare`: which turns, what is told, how it exits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from agent_serving.cli.rest import Json, Rest
from agent_serving.cli.turn_sets import BadSet, Selector, TurnSet, load, read, save, selector
from agent_serving.domain.measures import StepRow, TurnRow
from agent_serving.domain.values import Timings, Usage
from tests.cli.conftest import Start, scripted_service

MOMENT = datetime(2026, 1, 31, tzinfo=UTC)


def kept(path: Path, factor: float = 1.0, turns: int = 60, seed: int = 1) -> str:
    """A file of turns whose prefill takes `factor` times as long."""
    random = Random(seed)
    rows = []
    for number in range(turns):
        prefill = factor * 100 * random.lognormvariate(0, 0.1)
        timings = Timings(
            prefill_ms=prefill,
            decode_ms=100 * random.lognormvariate(0, 0.1),
            total_ms=prefill + 250,
            ttft_ms=prefill + 5,
        )
        usage = Usage(input_tokens=500, cached_tokens=100, output_tokens=20)
        rows.append(
            TurnRow(
                id=f"turn_{number}",
                session_id="sess_1",
                status="completed",
                started_at=MOMENT,
                total_ms=400 * random.lognormvariate(0, 0.1),
                usage=usage,
                steps=(StepRow(tool=None, attempts=1, usage=usage, timings=timings),),
            )
        )
    save(TurnSet(selector=f"label:factor={factor}", sessions=7, turns=tuple(rows)), path)
    return str(path)


def compared(start: Start, *arguments: str) -> tuple[int, str]:
    process = start("compare", *arguments)
    shown, _ = process.communicate(timeout=60)
    assert "Traceback" not in shown
    return process.returncode, shown


# --- how it exits ---------------------------------------------------------------------------


def test_a_regression_is_named_and_exits_with_1(start: Start, tmp_path: Path) -> None:
    before = kept(tmp_path / "a.json")
    after = kept(tmp_path / "b.json", 1.2, seed=2)
    status, shown = compared(start, before, after)
    assert status == 1, shown
    [row] = [line for line in shown.splitlines() if line.strip().startswith("prefill")]
    assert row.rstrip().endswith("REGRESSION")
    assert "Worse by more than 10 %, with a confidence of 95 %: prefill, ttft." in shown
    status, shown = compared(start, before, after, "--json")
    report = json.loads(shown)
    assert (status, report["regressions"]) == (1, ["prefill", "ttft"])
    found = {each["name"]: each for each in report["measures"]}
    assert found["prefill"]["low"] > 1.1
    assert found["decode"]["verdict"] == "ok"


def test_alike_sets_exit_with_0(start: Start, tmp_path: Path) -> None:
    sets = kept(tmp_path / "a.json", seed=3), kept(tmp_path / "b.json", seed=4)
    status, shown = compared(start, *sets)
    assert status == 0, shown
    assert "Nothing is shown to be worse by more than 10 %." in shown
    nothing = "admission, engine_queue, tool, itl, cost"
    assert f"Nothing to compare on both sides: {nothing}." in shown


def test_a_higher_threshold_lets_it_pass(start: Start, tmp_path: Path) -> None:
    sets = kept(tmp_path / "a.json"), kept(tmp_path / "b.json", 1.2, seed=2)
    assert compared(start, *sets, "--threshold", "0.5")[0] == 0
    assert compared(start, *sets, "--phase", "decode", "--phase", "total")[0] == 0


def test_too_few_turns_are_said_to_be_too_few(start: Start, tmp_path: Path) -> None:
    sets = kept(tmp_path / "a.json", turns=3), kept(tmp_path / "b.json", 9.0, turns=3)
    status, shown = compared(start, *sets)
    assert status == 0
    assert "too few to tell whether these are worse: prefill, " in shown
    few = kept(tmp_path / "a.json", turns=8), kept(tmp_path / "b.json", 1.1, turns=8, seed=2)
    status, shown = compared(start, *few, "--phase", "prefill")
    assert status == 0
    assert "turns in each set might" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("FILE",), "Name two sets to compare"),
        (("FILE", "FILE", "--save", "x.json"), "Name two sets to compare"),
        (("FILE", "nonsense"), "'nonsense' is not a set of turns"),
        (("FILE", "label:x"), "a label is written label:KEY=VALUE"),
        (("FILE", "FILE", "--threshold", "much"), "--threshold 'much' is not a share"),
        (("FILE", "FILE", "--confidence", "1"), "--confidence 1 is not between"),
        (("FILE", "FILE", "--phase", "lunch"), "--phase 'lunch' is not known"),
        (("FILE", "FILE", "--sessions", "0"), "--sessions 0 is not between"),
        (("FILE", "EMPTY"), "has no turn that ended"),
        (("FILE", "label:a=b", "--url", "http://127.0.0.1:9"), "does not answer"),
    ],
)
def test_what_cannot_be_compared_exits_with_2(
    start: Start, tmp_path: Path, arguments: Iterable[str], complaint: str
) -> None:
    named = {"FILE": kept(tmp_path / "a.json", turns=6), "EMPTY": str(tmp_path / "empty.json")}
    save(TurnSet(selector="label:a=b"), tmp_path / "empty.json")
    status, shown = compared(start, *(named.get(each, each) for each in arguments))
    assert status == 2
    assert complaint in shown


# --- how a set is named ---------------------------------------------------------------------


def test_a_time_without_a_zone_is_utc_and_either_end_may_be_missing() -> None:
    window = selector("2026-01-31T12:00..2026-01-31T14:00+01:00")
    assert isinstance(window, Selector)
    assert window.since == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert window.until == datetime(2026, 1, 31, 13, tzinfo=UTC)
    assert isinstance(selector("..2026-01-31"), Selector)


@pytest.mark.parametrize(
    "text",
    ["", "..", "label:=x", "label:x", "agent:", "agent:x@y", "2026-01-31..lunch", "2026..2025",
     "2026-01-31..2026-01-30"],
)  # fmt: skip
def test_what_names_no_set_is_refused(text: str) -> None:
    with pytest.raises(BadSet):
        selector(text)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"turns": [{"id": 1}]}', "\xff"])
def test_a_file_that_is_no_set_of_turns_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadSet, match="--save FILE"):
        load(path)


# --- which turns are read -------------------------------------------------------------------


async def post(url: str, path: str, body: Json | None = None) -> Any:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        answer = await http.post(path, json=body or {})
        assert answer.is_success, answer.text
        return answer.json()


async def history(url: str) -> None:
    """Two releases of an agent, labels on sessions and on turns, and a fork."""
    for number in (1, 2):
        await post(url, "/v1/agents", {"name": "shop", "instructions": f"Be short. {number}"})
        run = {"run": "old" if number == 1 else "new"}
        session = (await post(url, "/v1/sessions", {"agent": "shop", "metadata": run}))["id"]
        await post(url, f"/v1/sessions/{session}/turns", {"input": "Hello"})
        tagged = {"input": "Again", "metadata": {"tag": "x"}}
        await post(url, f"/v1/sessions/{session}/turns", tagged)
    fork = (await post(url, f"/v1/sessions/{session}/fork", {"metadata": {"run": "fork"}}))["id"]
    await post(url, f"/v1/sessions/{fork}/turns", {"input": "In the fork"})


async def found(url: str, text: str, most: int = 100) -> TurnSet:
    wanted = selector(text)
    assert isinstance(wanted, Selector)
    async with Rest(url) as rest:
        [turns] = await read(rest, [wanted], most)
    return turns


async def test_turns_are_found_by_label_agent_and_time(tmp_path: Path) -> None:
    counts = {
        "label:run=old": 2,
        "label:run=new": 2,
        "label:tag=x": 2,
        "label:run=fork": 1,
        "label:run=none": 0,
        "agent:shop@1": 2,
        "agent:shop@2": 3,
        "agent:shop": 5,
        "2026-01-01..": 5,
        "..2026-01-01": 0,
    }
    async with scripted_service(tmp_path, "Hello.") as url:
        await history(url)
        for text, count in counts.items():
            turns = (await found(url, text)).turns
            assert len({turn.id for turn in turns}) == len(turns) == count, text
            assert all(len(turn.steps) == 1 for turn in turns)
        cut = await found(url, "agent:shop", most=1)
        assert (cut.sessions, len(cut.turns)) == (1, 1)


async def test_turns_that_failed_are_counted_and_left_out(tmp_path: Path) -> None:
    async with scripted_service(tmp_path, "not what was asked for") as url:
        agent = {"name": "x", "output": {"type": "choice", "choices": ["yes", "no"]}}
        session = (await post(url, "/v1/sessions", {"agent": agent}))["id"]
        await post(url, f"/v1/sessions/{session}/turns", {"input": "Well?"})
        turns = await found(url, "agent:x")
    assert (turns.failed, turns.turns) == (1, ())


async def test_a_set_that_was_saved_is_the_set_that_was_found(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    async with scripted_service(tmp_path / "data", "Hello.") as url:
        await history(url)
        command = "label:run=old", "--save", str(path), "--url", url
        status, shown = await asyncio.to_thread(compared, start, *command)
        assert status == 0
        assert shown.startswith("Saved  label:run=old: 2 turns of 1 sessions")
        assert load(path) == await found(url, "label:run=old")
