"""A turn drawn in the terminal."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Literal

import pytest
from rich.console import Console
from rich.text import Text

from agent_serving.cli.rest import Json
from agent_serving.cli.timeline import timeline
from agent_serving.cli.waterfall import waterfall
from tests.cli.turn_views import START, chat, step, timings, tool, trace, turn, usage

PHASES = {
    "engine_queue": [10.0, 30.0],
    "engine_prefill": [30.0, 60.0],
    "engine_decode": [60.0, 100],
}
STEPS = [
    step("m1", 0, 100, usage=usage(0, 40, 10)),
    tool("t1", 100, 120, "fast"),
    tool("t2", 100, 200, "slow"),
    step("m2", 200, 300, usage=usage(100, 10, 10)),
]
SPANS = trace(chat("m1", 5, 100, **PHASES), chat("m2", 200, 300, engine_decode=[220.0, 300.0]))


def drawn(
    steps: list[Json],
    spans: Json,
    whole: Json | None = None,
    width: int = 100,
    encoding: str = "utf-8",
    colour: bool = False,
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    system: Literal["standard"] | None = "standard" if colour else None
    out = Console(file=file, width=width, force_terminal=colour, color_system=system)
    now = START + timedelta(milliseconds=300)
    out.print(waterfall(timeline(whole or turn(300), steps, spans, now), out), soft_wrap=True)
    return raw.getvalue().decode(encoding)


def row(text: str, name: str) -> str:
    [line] = [each for each in text.splitlines() if f" {name} " in each and each.endswith(" ms")]
    return line


def test_each_phase_is_drawn_by_its_own_sign_at_its_time() -> None:
    text = drawn(STEPS, SPANS)
    bar = row(text, "1 model").split("model ")[1].removesuffix("100 ms").strip()
    signs = "".join(sorted(set(bar), key=bar.index))
    assert signs == "·░▒█"
    cell = 100 / len(bar)  # milliseconds
    lasted = {sign: bar.count(sign) * cell for sign in signs}
    assert lasted == pytest.approx({"·": 10, "░": 20, "▒": 30, "█": 40}, abs=1.5 * cell)
    assert "·" not in row(text, "slow")
    assert row(text, "slow").count("━") > 4 * row(text, "fast").count("━") > 0
    assert text.splitlines()[-1].split() == [
        "··", "orchestration", "░░", "queue", "▒▒", "prefill", "██", "decode", "━━", "tool"
    ]  # fmt: skip


def test_only_the_steps_that_decided_are_marked() -> None:
    text = drawn(STEPS, SPANS)
    marked = [line[2:].split()[:2] for line in text.splitlines() if line.startswith("◆")]
    assert marked == [["1", "model"], ["3", "slow"], ["4", "model"], ["critical", "path"]]
    assert "3 slow 100 ms (33%)" in text
    assert "between steps 0.0 ms (0%)" in text
    assert "took no time of the turn: 1" in text


@pytest.mark.parametrize("width", [40, 64, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = "a tool with a very long name that does not fit any column at all"
    steps = [*STEPS[:1], tool("t1", 100, 120, long), *STEPS[3:]]
    lines = drawn(steps, SPANS, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("…" in line for line in lines)


def test_a_terminal_without_box_characters_gets_letters() -> None:
    text = drawn(STEPS, SPANS, encoding="ascii")
    assert {"q", "p", "D"} <= set(row(text, "1 model"))
    assert row(text, "slow").startswith("* 3 slow")


def test_colour_says_nothing_that_the_signs_do_not() -> None:
    coloured, plain = drawn(STEPS, SPANS, colour=True), drawn(STEPS, SPANS)
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert Text.from_ansi(coloured).plain.rstrip() == plain.rstrip()


def test_tokens_cost_and_a_lost_prefix_are_told_with_the_reason() -> None:
    cost = {"total": "0.0021", "currency": "EUR", "prefix_miss": "0.0004"}
    lost = {"expected_tokens": 90, "cached_tokens": 30, "lost_tokens": 59, "reason": "evicted"}
    told = step("m1", 0, 300, usage=usage(30, 70, 5), cost=cost, prefix=lost)
    text = " ".join(drawn([told], SPANS).split())
    assert "30 cached + 70 uncached tokens in, 5 out" in text
    assert "0.0021 EUR (0.0004 for prefix misses)" in text
    assert "prefix miss: 59 of 90 expected tokens computed again (evicted)" in text


def test_each_attempt_of_a_step_has_a_bar_and_says_how_it_ended() -> None:
    failure = {"code": "engine_unavailable", "message": "the connection \x1b[31mbroke"}
    attempts = [
        {"number": 1, "status": "failed", "worker": "w1", "error": failure},
        {"number": 2, "status": "completed", "worker": "w2", "error": None},
    ]
    told = step("m1", 0, 300, attempts=attempts)
    spans = trace(
        chat("m1", 0, 100, 1, engine_prefill=[0.0, 100.0]),
        chat("m1", 200, 300, 2, engine_prefill=[200.0, 300.0]),
    )
    text = drawn([told], spans)
    first, second = row(text, "attempt 1"), row(text, "attempt 2")
    assert first.rindex("▒") < second.index("▒")
    assert "attempt 1 failed at w1: the connection \ufffd[31mbroke" in text
    assert "attempt 2 completed at w2" in text


def test_a_turn_that_runs_is_drawn_up_to_now() -> None:
    steps = [STEPS[0], step("m2", 100, None, timings=timings(0))]
    text = drawn(steps, SPANS, turn(None))
    assert set(row(text, "2 model").split("model ")[1]) >= {"?"}
    assert "in_progress after 300 ms" in text


def test_a_turn_that_waited_for_another_says_how_long() -> None:
    waited = turn(300, created_at=turn(-80)["ended_at"])
    assert "waited 80 ms for the turns before it" in drawn(STEPS, SPANS, waited)


def test_a_turn_without_steps_is_drawn() -> None:
    error = {"code": "context_length_exceeded", "message": "Too long."}
    text = drawn([], trace(), turn(0, status="failed", error=error))
    assert "context_length_exceeded: Too long." in text
    assert "between steps 0.0 ms (0%)" in text
