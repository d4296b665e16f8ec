"""A turn as a waterfall in the terminal: one bar for each step, made of its phases.

Colour is not needed to read it: each phase has a sign of its own, and the steps that decided the
turn's latency have a mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.console import Console, Group
from rich.text import Text

from agent_serving.cli.rest import Json
from agent_serving.cli.timeline import ORCHESTRATION, RUNNING, TOOL, Bar, TimedStep, Timeline
from agent_serving.cli.transcript import one_line, shorten
from agent_serving.domain.span_names import (
    ADMISSION,
    ENGINE_DECODE,
    ENGINE_PREFILL,
    ENGINE_QUEUE,
)

NARROWEST, WIDEST = 40, 160
SHORTEST_NAME, LONGEST_NAME = 8, 22
LATENCY = 10
TICKS = 4


@dataclass(frozen=True, slots=True)
class Sign:
    """How a phase is drawn; `letter` where the terminal has no box characters."""

    name: str
    block: str
    letter: str
    style: str


SIGNS = {
    sign.name: sign
    for sign in (
        Sign(ORCHESTRATION, "·", ".", "bright_black"),
        Sign(ADMISSION, "┄", "a", "magenta"),
        Sign(ENGINE_QUEUE, "░", "q", "yellow"),
        Sign(ENGINE_PREFILL, "▒", "p", "blue"),
        Sign(ENGINE_DECODE, "█", "D", "green"),
        Sign(TOOL, "━", "t", "cyan"),
        Sign(RUNNING, "?", "?", "bold white"),
    )
}
MARK = Sign("critical path", "◆", "*", "bold red")


def waterfall(turn: Timeline, out: Console) -> Group:
    """Lines that fit the console."""
    drawn = _Waterfall(turn, out)
    return Group(*(drawn.writable(line) for line in drawn.lines()))


class _Waterfall:
    def __init__(self, turn: Timeline, out: Console) -> None:
        self._turn = turn
        self._width = min(max(out.width, NARROWEST), WIDEST)
        names = [len(_name(step.row)) for step in turn.steps]
        self._name_width = min(max([SHORTEST_NAME, *names]), LONGEST_NAME, self._width // 4)
        self._number_width = len(str(len(turn.steps)))
        self._left = 2 + self._number_width + 1 + self._name_width + 1
        self._bar_width = self._width - self._left - LATENCY
        self._blocks = _can_write(out, "".join(s.block for s in (*SIGNS.values(), MARK)))

    def writable(self, line: Text) -> Text:
        """Cell by cell, so that the styles stay where they are."""
        if not self._blocks:
            line.plain = line.plain.encode("ascii", "replace").decode()
        return line

    def lines(self) -> Iterator[Text]:
        yield from _head(self._turn, self._width)
        yield Text()
        if self._turn.steps:
            yield self._axis()
        decided = self._turn.decided
        for number, step in enumerate(self._turn.steps, start=1):
            yield self._row(number, step, step.row["id"] in decided)
            for attempt in step.attempts:
                yield self._attempt(attempt)
            for line in _numbers(step.row):
                yield self._indented(line)
        yield Text()
        yield from self._critical()
        yield from self._legend()

    def _axis(self) -> Text:
        """Times above the bars, left of the place that they name."""
        marks = [" "] * self._bar_width
        for tick in range(TICKS + 1):
            text = _duration(self._turn.duration * tick / TICKS) if tick else "0"
            place = round((self._bar_width - 1) * tick / TICKS)
            begin = 0 if tick == 0 else min(place - len(text) + 1, self._bar_width - len(text))
            if begin >= 0 and all(c == " " for c in marks[max(begin - 1, 0) : begin + len(text)]):
                marks[begin : begin + len(text)] = text
        return Text(" " * self._left + "".join(marks), style="dim")

    def _row(self, number: int, step: TimedStep, critical: bool) -> Text:
        name = _name(step.row)
        if len(name) > self._name_width:
            name = name[: self._name_width - 1] + ("…" if self._blocks else "~")
        failed = step.row["status"] in ("failed", "in_doubt")
        return Text.assemble(
            (f"{self._sign(MARK) if critical else ' '} ", MARK.style),
            (f"{number:>{self._number_width}} ", "dim"),
            (f"{name:<{self._name_width}} ", "bold red" if failed else "bold"),
            self._bar(step.bar),
            f"{_duration(step.bar.end - step.bar.start):>{LATENCY}}",
        )

    def _attempt(self, attempt: Bar) -> Text:
        told = attempt.attempt or {}
        label = f"  attempt {told.get('number')}"
        return Text.assemble(
            (f"{label:<{self._left}}"[: self._left], "dim"),
            self._bar(attempt),
            (f"{_duration(attempt.end - attempt.start):>{LATENCY}}", "dim"),
        )

    def _bar(self, bar: Bar) -> Text:
        """Each cell is the phase at its middle; what is too short for a cell gets one still."""
        cell = self._turn.duration / self._bar_width if self._turn.duration > 0 else 1.0
        first = min(max(int(bar.start / cell), 0), self._bar_width - 1)
        last = min(max(round(bar.end / cell), first + 1), self._bar_width)
        middles = ((place + 0.5) * cell for place in range(first, last))
        latest = bar.end - cell / 100
        phases = [_phase_at(bar, max(min(each, latest), bar.start)) for each in middles]
        if phases == [ORCHESTRATION] and bar.parts:
            phases = [max(bar.parts, key=lambda part: part.end - part.start).name]
        drawn = Text(" " * first)
        for name, cells in groupby(phases):
            sign = SIGNS[name]
            drawn.append(self._sign(sign) * len(list(cells)), style=sign.style)
        return drawn.append(" " * (self._bar_width - last))

    def _indented(self, line: Text) -> Text:
        """Under the step's name, folded at blanks to the width."""
        pad = " " * (2 + self._number_width + 1)
        parts = _folded(line.plain, self._width - len(pad))
        return Text("\n".join(pad + part for part in parts), style=line.style)

    def _critical(self) -> Iterator[Text]:
        whole = self._turn.duration
        decided = self._turn.decided
        numbers = {step.row["id"]: n for n, step in enumerate(self._turn.steps, start=1)}
        rows = {step.row["id"]: step.row for step in self._turn.steps}
        steps = [
            f"{numbers[step]} {_name(rows[step])} {_duration(length)} ({_share(length, whole)})"
            for step, length in decided.items()
        ]
        between = whole - sum(decided.values())
        steps.append(f"between steps {_duration(max(between, 0.0))} ({_share(between, whole)})")
        yield Text(f"{self._sign(MARK)} critical path", style=MARK.style)
        for step in steps:
            yield self._indented(Text(step))
        beside = [
            row for row in rows.values() if row["kind"] == "tool" and row["id"] not in decided
        ]
        if beside:
            line = f"other tool calls ran beside these, and took no time of the turn: {len(beside)}"
            yield self._indented(Text(line, style="dim"))

    def _legend(self) -> Iterator[Text]:
        used = {part.name for step in self._turn.steps for part in step.bar.parts}
        line = Text()
        for sign in SIGNS.values():
            if sign.name not in used and sign.name != ORCHESTRATION:
                continue
            name = sign.name.removeprefix("engine.")
            if line and len(line) + len(name) + 6 > self._width:
                yield line
                line = Text()
            line.append("   " if line else "")
            line.append(f"{self._sign(sign) * 2} ", style=sign.style).append(name, style="dim")
        yield line

    def _sign(self, sign: Sign) -> str:
        return sign.block if self._blocks else sign.letter


def _head(turn: Timeline, width: int) -> Iterator[Text]:
    row = turn.turn
    status = "green" if row["status"] == "completed" else "yellow"
    yield Text(row["id"], style="bold")
    yield Text.assemble((row["status"], status), f" after {_duration(turn.duration)}")
    yield from _joined(
        [f"session {row['session_id']}", f"trace {row['trace_id']}"], width, style="dim"
    )
    usage = row["usage"]
    told = [f"{usage['model_steps']} model steps, {usage['tool_calls']} tool calls"]
    told.append(_tokens(usage))
    if row["cost"] is not None:
        told.append(_money(row["cost"]))
    yield from _joined(told, width)
    if turn.queued >= 1:
        yield from _joined([f"waited {_duration(turn.queued)} for the turns before it"], width)
    if row["error"]:
        line = one_line(f"{row['error']['code']}: {row['error']['message']}")
        yield from _joined([shorten(line)], width, style="red")


def _joined(told: list[str], width: int, style: str = "") -> Iterator[Text]:
    """On one line where that fits, else on a line each."""
    line = "  ".join(told)
    lines = [line] if len(line) <= width else [p for each in told for p in _folded(each, width)]
    yield from (Text(each, style=style) for each in lines)


def _folded(line: str, width: int) -> list[str]:
    """At blanks; a word that is longer stays whole."""
    folded = [""]
    for word in line.split(" "):
        if folded[-1] and len(folded[-1]) + 1 + len(word) > width:
            folded.append(word)
        else:
            folded[-1] = f"{folded[-1]} {word}" if folded[-1] else word
    return folded


def _numbers(step: Json) -> Iterator[Text]:
    """What a step used, and what went wrong."""
    told: list[str] = []
    if step["kind"] != "tool":
        told.append(_tokens(step["usage"]))
        times = [("TTFT", "ttft_ms"), ("prefill", "prefill_ms"), ("decode", "decode_ms")]
        timings = step["timings"]
        told += [f"{n} {_duration(timings[k])}" for n, k in times if timings[k] is not None]
    if step["cost"] is not None and (told or step["cost"]["total"].strip("0.")):
        told.append(_money(step["cost"]))
    if told:
        yield Text(", ".join(told), style="dim")
    prefix = step["prefix"] or {}
    if prefix.get("lost_tokens"):
        yield Text(
            f"prefix miss: {prefix['lost_tokens']} of {prefix['expected_tokens']} expected tokens "
            f"computed again ({prefix['reason']})",
            style="yellow",
        )
    elif prefix.get("reason"):
        yield Text(f"nothing was cached before ({prefix['reason']})", style="dim")
    for attempt in step["attempts"] if len(step["attempts"]) > 1 else []:
        error = attempt["error"]
        why = f": {one_line(error['message'])}" if error else ""
        line = f"attempt {attempt['number']} {attempt['status']} at {attempt['worker']}{why}"
        yield Text(shorten(line), style="yellow" if error else "dim")
    if step["error"]:
        line = f"{step['error']['code']}: {one_line(step['error']['message'])}"
        yield Text(shorten(line), style="red")


def _phase_at(bar: Bar, moment: float) -> str:
    here = (part.name for part in bar.parts if part.start <= moment < part.end)
    return next(here, ORCHESTRATION)


def _name(step: Json) -> str:
    return one_line(step["tool"]["name"]) if step["tool"] else step["kind"]


def _tokens(usage: Json) -> str:
    """All of a prompt, or of a turn's prompts."""
    cached, uncached = usage["cached_tokens"], usage["uncached_tokens"]
    reasoning = usage["reasoning_tokens"]
    thought = f" ({reasoning} reasoning)" if reasoning else ""
    return f"{cached} cached + {uncached} uncached tokens in, {usage['output_tokens']} out{thought}"


def _money(cost: Json) -> str:
    miss = cost["prefix_miss"]
    lost = f" ({miss} for prefix misses)" if miss.strip("0.") else ""
    return f"{cost['total']} {cost['currency']}{lost}"


def _duration(milliseconds: float) -> str:
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 10_000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole > 0 else "0%"


def _can_write(out: Console, text: str) -> bool:
    try:
        text.encode(out.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
