"""agent-serving compare"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from agent_serving.cli import options
from agent_serving.cli.console import console
from agent_serving.cli.rest import Json, Rest
from agent_serving.cli.transcript import one_line
from agent_serving.cli.turn_sets import BadSet, Selector, TurnSet, load, read, save, selector
from agent_serving.domain.comparison import Change, compare
from agent_serving.domain.errors import AgentServingError
from agent_serving.domain.measures import KINDS, NAMES, measures

REGRESSION, UNREADABLE = 1, 2
SESSIONS, MOST_SESSIONS = 500, 10_000
DASH = "-"
UNITS = {kind.name: kind.unit for kind in KINDS}
WORDS = {
    "regression": ("REGRESSION", "bold red"),
    "ok": ("ok", "green"),
    "unclear": ("too few to tell", "yellow"),
    "not_judged": ("not judged", "dim"),
}


Keep = Annotated[
    Path | None,
    typer.Option("--save", help="Save the turns of A in this file; B must not be given."),
]


def compare_command(
    a: Annotated[str, typer.Argument(metavar="A", help="The turns before.", show_default=False)],
    b: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The turns after.", show_default=False)
    ] = None,
    threshold: Annotated[
        str, typer.Option(help="How much slower (or more, of tokens and cost) is a regression.")
    ] = "10%",
    confidence: Annotated[
        float, typer.Option(help="That no regression in the whole report is an accident.")
    ] = 0.95,
    phase: Annotated[
        list[str] | None,
        typer.Option(help=f"Compare only this; may be repeated. One of {', '.join(NAMES)}."),
    ] = None,
    sessions: Annotated[
        int, typer.Option(help=f"How many of the newest are searched; at most {MOST_SESSIONS}.")
    ] = SESSIONS,
    keep: Keep = None,
    url: options.ServiceUrl = options.LOCAL,
    key: options.ServiceKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Compare two sets of turns, phase by phase, and exit with 1 where one became slower.

    A set is label:KEY=VALUE (metadata of the session or the turn), agent:NAME@VERSION, a time
    SINCE..UNTIL (UTC), or a file made with --save. It is a regression where the whole confidence
    interval of the change is beyond the threshold. Exits with 0 where there is none, also where
    the turns are too few to tell, and with 2 where there is nothing to compare.

    Example: agent-serving compare label:release=2.0 label:release=2.1 --threshold 10%
    """
    try:
        share = _share(threshold)
        names = _names(phase)
        if not 0.5 <= confidence < 1:
            raise BadSet(f"--confidence {confidence:g} is not between 0.5 and 1.")
        if not 1 <= sessions <= MOST_SESSIONS:
            raise BadSet(f"--sessions {sessions} is not between 1 and {MOST_SESSIONS}.")
        if (b is None) == (keep is None):
            raise BadSet("Name two sets to compare, or one set and --save FILE.")
        sets = asyncio.run(_sets(Rest(url, key), [a] if b is None else [a, b], sessions))
        if keep is not None:
            save(sets[0], keep)
    except AgentServingError as error:
        typer.echo(f"agent-serving: {error}", err=True)
        raise typer.Exit(UNREADABLE) from None
    if keep is not None:
        console().print(_about("Saved", sets[0]), markup=False, soft_wrap=True)
        return
    if not _compare(sets, names, share, confidence, as_json=as_json):
        raise typer.Exit(REGRESSION)


def _compare(
    sets: Sequence[TurnSet],
    names: Sequence[str],
    share: float,
    confidence: float,
    *,
    as_json: bool,
) -> bool:
    """Print the changes; False where one is a regression."""
    before, after = sets
    changes = compare(
        measures(before.turns, after.turns, names), threshold=share, confidence=confidence
    )
    if as_json:
        typer.echo(json.dumps(_told(sets, changes, share, confidence), indent=2))
    else:
        _show(sets, changes, share, confidence)
    return all(change.verdict != "regression" for change in changes)


async def _sets(service: Rest, texts: Sequence[str], most: int) -> list[TurnSet]:
    named = [selector(text) for text in texts]
    asked = [each for each in named if isinstance(each, Selector)]
    answered: list[TurnSet] = []
    if asked:
        async with service as rest:
            answered = await read(rest, asked, most)
    waiting = iter(answered)
    sets = [next(waiting) if isinstance(each, Selector) else load(each) for each in named]
    for found in sets:
        _require_turns(found)
    return sets


def _require_turns(found: TurnSet) -> None:
    if not found.turns:
        failed = f"; {found.failed} others failed or were cancelled" if found.failed else ""
        raise BadSet(
            f"{found.selector} has no turn that ended, in the newest {found.sessions} sessions"
            f"{failed}. Look at more with --sessions."
        )


def _share(text: str) -> float:
    number = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?)(%?)", text.strip())
    if number is None:
        raise BadSet(f"--threshold {text!r} is not a share; write 10% or 0.1.")
    return float(number[1]) / (100 if number[2] else 1)


def _names(phases: Sequence[str] | None) -> Sequence[str]:
    for name in phases or ():
        if name not in NAMES:
            raise BadSet(f"--phase {name!r} is not known; it is one of {', '.join(NAMES)}.")
    return phases or NAMES


# --- what is shown --------------------------------------------------------------------------


def _show(
    sets: Sequence[TurnSet], changes: Sequence[Change], share: float, confidence: float
) -> None:
    out = console()
    for name, found in zip("AB", sets, strict=True):
        out.print(_about(name, found), markup=False, soft_wrap=True)
    out.print()
    out.print(_table(changes))
    _conclude(out, changes, share, confidence)


def _about(name: str, found: TurnSet) -> str:
    owners = len({turn.session_id for turn in found.turns})
    told = [f"{len(found.turns)} turns of {owners} sessions"]
    if found.failed:
        told.append(f"{found.failed} that failed or were cancelled are left out")
    if found.cut:
        told.append("older ones are left out")
    searched = f", of the newest {found.sessions} sessions" if found.sessions else ""
    return f"{name}  {one_line(found.selector)}: {'; '.join(told)}{searched}"


def _table(changes: Sequence[Change]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in ("A", "B", "change", "interval", "turns"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for change in changes:
        if change.ratio is None:
            continue
        word, style = WORDS[change.verdict]
        told = f"{word}; {change.left_out} values had no like" if change.left_out else word
        table.add_row(
            change.name,
            _value(change.before, UNITS[change.name]),
            _value(change.after, UNITS[change.name]),
            _percent(change.ratio),
            f"{_percent(change.low)} to {_percent(change.high)}",
            "/".join(map(str, change.turns)),
            told,
            style=style if change.verdict in ("regression", "not_judged") else None,
        )
    return table


def _conclude(out: Console, changes: Sequence[Change], share: float, confidence: float) -> None:
    worse = [change for change in changes if change.verdict == "regression"]
    unclear = [change for change in changes if change.verdict == "unclear"]
    empty = [change.name for change in changes if change.ratio is None]
    how = f"by more than {share:.4g}" if share >= 10 else f"by more than {share * 100:.4g} %"
    if worse:
        names = ", ".join(change.name for change in worse)
        line = f"Worse {how}, with a confidence of {confidence * 100:.4g} %: {names}."
        out.print(line, style="bold red", soft_wrap=True)
    else:
        out.print(f"Nothing is shown to be worse {how}.", soft_wrap=True)
    if unclear:
        needed = [n for change in unclear if (n := change.turns_needed(share)) is not None]
        names = ", ".join(change.name for change in unclear)
        more = f" About {max(needed)} turns in each set might." if needed else ""
        line = f"These turns are too few to tell whether these are worse: {names}.{more}"
        out.print(line, style="yellow", soft_wrap=True)
    if empty:
        line = f"Nothing to compare on both sides: {', '.join(empty)}."
        out.print(line, style="dim", soft_wrap=True)


def _percent(ratio: float) -> str:
    if ratio == 0 or math.isinf(ratio):
        return "?"
    return f"{ratio:.3g} x" if ratio >= 10 else f"{(ratio - 1) * 100:+.1f} %"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return DASH
    match unit:
        case "ms":
            return f"{value:.4g} ms" if value < 1000 else f"{value:.0f} ms"
        case "ms/token":
            return f"{value:.3g} ms/tok"
        case "money":
            return f"{value:.6g}"
        case _:
            return f"{value:.0f}"


def _told(
    sets: Sequence[TurnSet], changes: Sequence[Change], share: float, confidence: float
) -> Json:
    return {
        "threshold": share,
        "confidence": confidence,
        "sets": [
            {
                "selector": found.selector,
                "turns": len(found.turns),
                "failed": found.failed,
                "cut": found.cut,
                "sessions_searched": found.sessions,
            }
            for found in sets
        ],
        "regressions": [change.name for change in changes if change.verdict == "regression"],
        "measures": [
            {
                "name": change.name,
                "unit": UNITS[change.name],
                "verdict": change.verdict,
                "before": change.before,
                "after": change.after,
                "turns": list(change.turns),
                "left_out": change.left_out,
                "ratio": change.ratio,
                "low": change.low,
                "high": None if math.isinf(change.high) else change.high,
                "turns_needed": change.turns_needed(share),
            }
            for change in changes
        ],
    }
