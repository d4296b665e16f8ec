"""`agent-serving trace`, on a service: which turn is drawn."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from agent_serving.adapters.ids import MonotonicIds
from agent_serving.cli.rest import Json
from agent_serving.cli.turn_search import made_at
from tests.cli.conftest import Start, call, scripted_service

TOOLS = ["calculator", "current_time"]
SCRIPT = (
    call("calculator", expression="17 * 23") + call("current_time", timezone="Europe/Rome"),
    "It is 391.",
    "You are welcome.",
)


async def said(url: str, session: str, text: str) -> Json:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        answer = await http.post(f"/v1/sessions/{session}/turns", json={"input": text})
        assert answer.status_code == 201, answer.text
        turn: Json = answer.json()
        return turn


async def opened(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        answer = await http.post("/v1/sessions", json={"agent": {"name": "x", "tools": TOOLS}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


async def traced(start: Start, url: str, *arguments: str) -> tuple[int, str]:
    process = start("trace", *arguments, "--url", url)
    shown, _ = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, shown


async def test_a_turn_is_found_by_its_id_alone_and_last_is_the_newest(
    start: Start, tmp_path: Path
) -> None:
    async with scripted_service(tmp_path, *SCRIPT) as url:
        session = await opened(url)
        first, second = await said(url, session, "17 * 23?"), await said(url, session, "Thanks.")
        await opened(url)  # the newest session, which has no turn
        wanted = {
            (first["id"],): first,
            (f"{session}/{first['id']}",): first,
            (first["id"], "--session", session): first,
            (): second,
            ("last", "--session", session): second,
        }
        for arguments, turn in wanted.items():
            status, shown = await traced(start, url, *arguments)
            assert (status, shown.split("\n")[0]) == (0, turn["id"]), shown
            assert "\x1b" not in shown
        _, shown = await traced(start, url, first["id"])
    assert re.search(r"^◆ 1 model +.* ms$", shown, re.MULTILINE)
    assert re.search(r"^. 2 calculator +.* ms$", shown, re.MULTILINE)
    assert "critical path" in shown


async def test_as_json_the_critical_path_adds_up_to_the_turn(start: Start, tmp_path: Path) -> None:
    async with scripted_service(tmp_path, *SCRIPT) as url:
        turn = await said(url, await opened(url), "17 * 23?")
        status, shown = await traced(start, url, turn["id"], "--json")
    told = json.loads(shown)
    assert status == 0
    assert [step["kind"] for step in told["steps"]] == ["model", "tool", "tool", "model"]
    path = told["critical_path"]
    whole = sum(segment["end_ms"] - segment["start_ms"] for segment in path)
    assert whole == pytest.approx(told["duration_ms"], abs=0.01)
    tools = {step["id"] for step in told["steps"] if step["kind"] == "tool"}
    assert sum(segment["step_id"] in tools for segment in path) == 1


async def test_a_turn_that_a_fork_inherited_is_shown_where_it_ran(
    start: Start, tmp_path: Path
) -> None:
    async with scripted_service(tmp_path, "Yes.") as url:
        session = await opened(url)
        turn = await said(url, session, "Well?")
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert (await http.post(f"/v1/sessions/{session}/fork")).status_code == 201
        status, shown = await traced(start, url, turn["id"])
    assert status == 0
    assert f"session {session}" in shown


async def test_what_is_not_there_is_told(start: Start, tmp_path: Path) -> None:
    async with scripted_service(tmp_path, "Yes.") as url:
        cases = {
            "last": "has a turn yet",
            MonotonicIds().new("turn"): "sessions at http",
            "nonsense": "is no turn's id",
            "sess_1/turn_1": "404 not_found",
        }
        for name, complaint in cases.items():
            status, shown = await traced(start, url, name)
            assert status == 1
            assert complaint in shown
            assert "Traceback" not in shown


def test_a_turns_id_tells_when_it_was_made() -> None:
    moment = 1_769_860_800_123
    made = made_at(MonotonicIds(lambda: moment).new("turn"))
    assert made == datetime.fromtimestamp(moment / 1000, UTC)
    assert made_at(MonotonicIds().new("sess")) is None
    assert made_at("turn_" + "z" * 26) is None
