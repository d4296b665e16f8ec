"""agent-serving cost"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import typer
from rich import box
from rich.table import Table

from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Json, Rest

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
COLUMNS = (
    "steps", "calls", "uncached", "cached", "output",
    "model", "tools", "KV", "misses", "total", "GPU s",
)  # fmt: skip
DASH = "-"
PIPE_WIDTH = 200
"""A pipe has no width: nothing is folded there."""
SHOWN = Decimal("0.0001")
"""Money is shown in these, and what is less with two digits; `--json` has all of it."""


class By(StrEnum):
    agent = "agent"
    tenant = "tenant"
    tool = "tool"
    model = "model"


def cost(
    by: Annotated[By, typer.Option(help="What the rows are.")] = By.agent,
    since: Annotated[
        str, typer.Option(help="How far back (36h, 7d, 4w), or from when on (2026-01-31T12:00).")
    ] = "30d",
    until: Annotated[
        str | None, typer.Option(help="Up to when; now where not given.", show_default=False)
    ] = None,
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Print what was used and what it cost, by agent version, tenant, tool or model.

    Exact: each attempt and each call counts once, also those that failed or were cancelled, and
    those of sessions that are gone. Whole hours, in UTC.

    Example: agent-serving cost --by agent --since 7d
    """
    now = datetime.now(UTC)
    query = {"by": by.value, "since": _time(since, now).isoformat()}
    if until is not None:
        query["until"] = _time(until, now).isoformat()
    report = asyncio.run(_read(Rest(url, key), f"/v1/usage?{urlencode(query)}"))
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    out = console()
    out.print(f"{report['since']} to {report['until']}", markup=False)
    if not out.is_terminal:
        out.width = PIPE_WIDTH
    out.print(cost_table(report))


def cost_table(report: Json) -> Table:
    """One row for each key and currency, and the sums. `model` is the money for tokens and GPU
    time; `misses`, a part of it, what prefix misses cost."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(report["by"], overflow="fold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in report["rows"]:
        table.add_row(row["key"] or "(model steps)", *_cells(row))
    if table.row_count:
        table.add_section()
    for row in report["totals"]:
        table.add_row("total", *_cells(row), style="bold")
    return table


def _cells(row: Json) -> list[str]:
    usage, cost = row["usage"], row["cost"]
    counts = ("model_steps", "tool_calls", "uncached_tokens", "cached_tokens", "output_tokens")
    shown = [str(usage[name]) for name in counts]
    if cost is None:
        return [*shown, *[DASH] * (len(COLUMNS) - len(shown))]
    model = sum(Decimal(cost[part]) for part in ("input", "cached_input", "output"))
    rest = (cost[part] for part in ("tool", "kv_residency", "prefix_miss", "total"))
    money = [_money(Decimal(amount)) for amount in (model, *rest)]
    money[-1] += f" {cost['currency']}"
    return [*shown, *money, f"{Decimal(cost['gpu_seconds']):.1f}"]


def _money(amount: Decimal) -> str:
    if amount and amount < SHOWN:
        return f"{Decimal(f'{amount:.1e}'):f}"
    return f"{amount:.4f}"


def _time(text: str, now: datetime) -> datetime:
    back = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if back is not None:
        return now - int(back[1]) * UNITS[back[2]]
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a time (2026-01-31T12:00) nor a span (36h, 7d, 4w)"
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


async def _read(service: Rest, path: str) -> Json:
    async with service:
        return await service.get(path)
