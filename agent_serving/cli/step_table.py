"""The step ledger as a table, and what it proves about the prefix cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from agent_serving.cli.rest import Json

COLUMNS = (
    "step", "kind", "prompt", "cached", "expected", "output",
    "TTFT", "prefill", "decode", "tool", "total",
)  # fmt: skip
DASH = "-"


@dataclass(frozen=True, slots=True)
class LedgerTurn:
    """A turn and its steps, as the REST API shows them."""

    title: str
    turn: Json
    steps: Sequence[Json]


def step_table(turns: Sequence[LedgerTurn]) -> Table:
    """One row a step, one a turn. Tokens, and milliseconds."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("step", "kind") else "right")
    for ledger in turns:
        for number, step in enumerate(ledger.steps, start=1):
            table.add_row(f"{ledger.title}.{number}", *_cells(step))
        table.add_row(f"{ledger.title} total", *_totals(ledger), style="bold", end_section=True)
    return table


def _cells(step: Json) -> list[str]:
    if step["kind"] != "model":
        name = (step.get("tool") or {}).get("name", step["kind"])
        empty = [DASH] * 7
        return [f"tool {name}", *empty, *_milliseconds(step, "tool_ms", "total_ms")]
    usage, expected = step["usage"], _expected(step)
    counts = [usage["input_tokens"], usage["cached_tokens"], expected, usage["output_tokens"]]
    times = _milliseconds(step, "ttft_ms", "prefill_ms", "decode_ms", "tool_ms", "total_ms")
    return ["model", *(str(count) for count in counts), *times[:3], DASH, times[4]]


def _totals(ledger: LedgerTurn) -> list[str]:
    usage = ledger.turn["usage"]
    expected = sum(_expected(step) for step in ledger.steps)
    counts = [usage["input_tokens"], usage["cached_tokens"], expected, usage["output_tokens"]]
    phases = [
        f"{sum(step['timings'].get(phase) or 0.0 for step in ledger.steps):.0f}"
        for phase in ("prefill_ms", "decode_ms", "tool_ms", "total_ms")
    ]
    kind = f"{usage['model_steps']} model, {usage['tool_calls']} tool"
    return [kind, *(str(count) for count in counts), "", *phases]


def _milliseconds(step: Json, *names: str) -> list[str]:
    values = (step["timings"].get(name) for name in names)
    return [DASH if value is None else f"{value:.0f}" for value in values]


def lost_prefixes(turns: Sequence[LedgerTurn]) -> list[str]:
    """A sentence for each model step, but the very first, that was cached less than it could be.

    All tokens known before the step are expected, less one: the last token of a reply has no KV
    until it is sent back.
    """
    lost = []
    steps = [(t.title, n, s) for t in turns for n, s in enumerate(t.steps, start=1)]
    for title, number, step in [row for row in steps if row[2]["kind"] == "model"][1:]:
        cached, possible = step["usage"]["cached_tokens"], _expected(step) - 1
        if cached < possible:
            lost.append(
                f"Step {title}.{number}: {cached} tokens were cached, and {possible} could have "
                "been. The engine may be short of KV cache: see its log."
            )
    return lost


def _expected(step: Json) -> int:
    """The tokens that were known before the step; none of a tool's, or a step that never ran."""
    expected: int = (step["prefix"] or {}).get("expected_tokens", 0)
    return expected
