from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from rich.console import Console

from agent_serving import bootstrap
from agent_serving.cli.cost import _time, cost_table
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.domain.prices import ModelPrices
from agent_serving.testing import ScriptedEngine
from tests.cli.conftest import call
from tests.cli.test_help import run

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("36h", NOW - timedelta(hours=36)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=UTC)),
        ("2026-01-30T10:00+02:00", datetime(2026, 1, 30, 8, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_span_or_a_date(text: str, time: datetime) -> None:
    assert _time(text, NOW) == time


def test_anything_else_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="neither a time"):
        _time("yesterday", NOW)


def shown(report: Any) -> str:
    out = Console(width=200)
    with out.capture() as capture:
        out.print(cost_table(report))
    return capture.get()


def test_what_has_no_price_is_a_dash() -> None:
    counts = ("model_steps", "tool_calls", "uncached_tokens", "cached_tokens", "output_tokens")
    row = {"key": "a@1", "usage": dict.fromkeys(counts, 7), "cost": None}
    lines = shown({"by": "agent", "rows": [row], "totals": [row]}).splitlines()
    (line,) = [line for line in lines if "a@1" in line]
    assert line.split() == ["a@1", *["7"] * 5, *["-"] * 6]


def test_little_money_is_shown_too() -> None:
    usage = dict.fromkeys(
        ("model_steps", "tool_calls", "uncached_tokens", "cached_tokens", "output_tokens"), 1
    )
    parts = ("input", "cached_input", "output", "tool", "kv_residency", "prefix_miss")
    cost = {**dict.fromkeys(parts, "0"), "output": "0.000012345", "tool": "12.34567"}
    cost |= {"currency": "EUR", "total": "12.345682345", "gpu_seconds": "3.21"}
    row = {"key": "a@1", "usage": usage, "cost": cost}
    told = shown({"by": "agent", "rows": [row], "totals": []}).split()
    assert told[-7:] == ["0.000012", "12.3457", "0.0000", "0.0000", "12.3457", "EUR", "3.2"]


async def test_the_command_prints_what_the_service_has_in_its_books(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        currency="EUR",
        prices={"*": ModelPrices(output=Decimal(1))},
        tool_prices={"calculator": Decimal("0.25")},
    )
    engine = ScriptedEngine([call("calculator", expression="1+2"), "3."])
    async with (
        bootstrap.build(settings, engine=engine) as running,
        serving(running.app, "127.0.0.1", 0) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        agent = {"name": "counter", "tools": ["calculator"]}
        opened = await http.post("/v1/sessions", json={"agent": agent, "input": "add"})
        cost = opened.json()["turn"]["cost"]
        told = await _command("cost", "--url", url, "--by", "tool", "--since", "1d")
        report = json.loads(await _command("cost", "--url", url, "--json"))
    assert "calculator" in told
    assert "0.2500" in told
    assert "(model steps)" in told
    assert report["rows"][0]["key"] == "counter@1"
    assert report["rows"][0]["cost"] == cost


async def _command(*arguments: str) -> str:
    done = await asyncio.to_thread(run, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout
