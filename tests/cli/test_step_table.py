"""The ledger as a table, and what it proves."""

from __future__ import annotations

import io

from rich.console import Console

from agent_serving.cli.rest import Json
from agent_serving.cli.step_table import LedgerTurn, lost_prefixes, step_table


def model(prompt: int, cached: int, expected: int, output: int = 5) -> Json:
    return {
        "kind": "model",
        "status": "completed",
        "usage": {"input_tokens": prompt, "cached_tokens": cached, "output_tokens": output},
        "prefix": {"expected_tokens": expected, "cached_tokens": cached},
        "timings": {
            "ttft_ms": 20.4,
            "prefill_ms": 12,
            "decode_ms": 30,
            "tool_ms": 0,
            "total_ms": 45,
        },
    }


def tool(status: str = "completed") -> Json:
    return {
        "kind": "tool",
        "status": status,
        "usage": {"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0},
        "prefix": None,
        "tool": {"name": "roll_dice"},
        "timings": {"ttft_ms": None, "tool_ms": 3, "total_ms": 4},
    }


def turn(title: str, *steps: Json) -> LedgerTurn:
    usage = {
        key: sum(step["usage"][key] for step in steps)
        for key in ("input_tokens", "cached_tokens", "output_tokens")
    }
    counts = {f"{kind}_steps": sum(s["kind"] == kind for s in steps) for kind in ("model", "tool")}
    usage |= {"model_steps": counts["model_steps"], "tool_calls": counts["tool_steps"]}
    return LedgerTurn(title, {"usage": usage}, steps)


def shown(*turns: LedgerTurn) -> list[list[str]]:
    out = io.StringIO()
    Console(file=out, width=120).print(step_table(turns))
    return [line.split() for line in out.getvalue().splitlines()]


def test_each_step_is_a_row_and_so_is_each_turn() -> None:
    rows = shown(turn("1", model(100, 0, 0), tool(), model(140, 105, 105)))
    assert ["1.1", "model", "100", "0", "0", "5", "20", "12", "30", "-", "45"] in rows
    assert ["1.2", "tool", "roll_dice", *"-" * 7, "3", "4"] in rows
    totals = "1 total 2 model, 1 tool 240 105 105 10 24 60 3 94"
    assert totals.split() in rows


def test_all_that_was_known_but_its_last_token_has_to_be_cached() -> None:
    first = turn("1", model(100, 0, 0), tool(), model(140, 104, 105))
    assert lost_prefixes([first, turn("2", model(180, 144, 145))]) == []
    [lost] = lost_prefixes([first, turn("2", model(180, 143, 145))])
    assert lost.startswith("Step 2.1: 143 tokens were cached, and 144 could have been.")


def test_a_first_step_has_nothing_to_be_cached() -> None:
    assert lost_prefixes([turn("1", model(100, 0, 90))]) == []
