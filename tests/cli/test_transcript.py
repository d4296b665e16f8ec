"""How a turn is shown while it streams."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from agent_serving.cli.rest import Event
from agent_serving.cli.transcript import LiveTurn, item_line


def shown(*events: Event) -> list[str]:
    out = io.StringIO()
    live = LiveTurn(Console(file=out, width=80))
    for event in events:
        live.show(event)
    return out.getvalue().splitlines()


def event(kind: str, **data: Any) -> Event:
    return Event(kind, {"type": kind, "turn_id": "turn_1", "data": data})


def streamed(kind: str, delta: str, *deltas: str, **item: Any) -> list[Event]:
    begun = event("item.added", item={"id": "item_1", "type": kind, **item})
    name = {"message": "output_text", "tool_call": "tool_call.arguments"}[kind]
    parts = [event(f"{name}.delta", item_id="item_1", delta=text) for text in (delta, *deltas)]
    done = event("item.done", item={"id": "item_1", "type": kind, "role": "assistant", **item})
    return [begun, *parts, done]


def test_an_answer_is_one_line_made_of_its_pieces() -> None:
    assert shown(*streamed("message", "Hello", ", you")) == ["  agent    Hello, you"]


def test_a_call_is_shown_with_its_arguments_and_its_result() -> None:
    result = {"id": "item_2", "type": "tool_result", "outcome": "ok", "output": "9 (1d20)"}
    lines = shown(
        *streamed("tool_call", '{"sides":', "20}", name="roll_dice", call_id="call_1"),
        event("item.done", item=result),
    )
    assert lines == ['  calls    roll_dice {"sides":20}', "  gets     ok 9 (1d20)"]


def test_what_the_person_typed_is_shown() -> None:
    said = event(
        "item.done", item={"id": "item_0", "type": "message", "role": "user", "text": "Hi"}
    )
    assert shown(said) == ["  user     Hi"]


def test_a_turn_that_does_not_complete_says_why() -> None:
    ended = event("turn.incomplete", status="incomplete", reason="max_steps")
    assert shown(ended)[-1].strip() == "the turn is incomplete: max_steps"


def test_a_failure_is_shown_with_its_code() -> None:
    [line] = shown(event("error", code="engine_unavailable", message="It is down."))
    assert line.strip() == "engine_unavailable: It is down."


def test_text_of_a_model_cannot_move_the_cursor_or_colour_the_terminal() -> None:
    item = {"type": "message", "role": "assistant", "text": "a\x1b[2J\rb\n[red]c[/red]"}
    assert "\x1b" not in item_line(item).plain
    assert item_line(item).plain.endswith("a\N{REPLACEMENT CHARACTER}[2J b [red]c[/red]")


def test_only_the_name_of_who_speaks_is_coloured() -> None:
    item = {"type": "message", "role": "user", "text": "Hi"}
    line = item_line(item)
    assert line.style == ""
    assert [line.plain[span.start : span.end] for span in line.spans] == ["  user     "]
