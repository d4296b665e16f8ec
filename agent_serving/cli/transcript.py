"""A turn as a person reads it: what was said, which tools ran, what they answered."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from agent_serving.cli.rest import Event, Json

LONGEST = 400
"""Characters of a tool's result that are shown."""

SPEAKERS = {"user": ("user", "bold cyan"), "assistant": ("agent", "bold green")}
COLUMN = 11


class LiveTurn:
    """Writes the events of a turn as they come in; deltas at once."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._open: str | None = None

    def show(self, event: Event) -> None:
        match event.type:
            case "item.added":
                self._begin(event.data["item"])
            case "output_text.delta" | "reasoning_text.delta" | "tool_call.arguments.delta":
                self._delta(event.data)
            case "item.done":
                self._done(event.data["item"])
            case _ if (note := note_of(event)) is not None:
                self._close()
                self._out.print(note, soft_wrap=True)

    def _begin(self, item: Json) -> None:
        self._close()
        self._open = item["id"]
        match item["type"]:
            case "tool_call":
                self._write(speaker("calls", "bold yellow"), Text(f"{item['name']} "))
            case "reasoning":
                self._write(speaker("thinks", "dim"))
            case _:
                self._write(speaker(*SPEAKERS["assistant"]))

    def _delta(self, data: Json) -> None:
        if self._open == data["item_id"]:
            self._write(Text(one_line(data["delta"])))

    def _done(self, item: Json) -> None:
        if self._open == item["id"]:
            self._close()
        elif item["type"] == "tool_result" or item.get("role") == "user":
            self._close()
            self._out.print(item_line(item), soft_wrap=True)

    def _close(self) -> None:
        if self._open is not None:
            self._open = None
            self._write(Text("\n"))

    def _write(self, *parts: Text) -> None:
        self._out.print(*parts, sep="", end="", soft_wrap=True)
        self._out.file.flush()


def note_of(event: Event) -> Text | None:
    """What is to be said of an event that is not as it should be; None of any other."""
    match event.type:
        case "step.restarted":
            told = f"attempt {event.data.get('attempt')} was lost; the step runs again"
        case "error":
            told = f"{event.data['code']}: {event.data['message']}"
        case "turn.incomplete" | "turn.failed" | "turn.cancelled":
            status, reason = event.type.removeprefix("turn."), event.data.get("reason")
            told = f"the turn is {status}" + (f": {reason}" if reason else "")
        case _:
            return None
    return speaker("", "") + Text(one_line(told), style="italic yellow")


def item_line(item: Json) -> Text:
    """One item of a transcript on one line."""
    match item["type"]:
        case "tool_call":
            return speaker("calls", "bold yellow") + Text(
                f"{item['name']} {one_line(item['arguments'])}"
            )
        case "tool_result":
            style = "green" if item["outcome"] == "ok" else "red"
            body = shorten(one_line(item["output"]))
            return (
                speaker("gets", "bold yellow")
                + Text.assemble((f"{item['outcome']} ", style))
                + Text(body)
            )
        case "reasoning":
            return speaker("thinks", "dim") + Text(one_line(item["text"]), style="dim")
        case _:
            return speaker(*SPEAKERS[item["role"]]) + Text(one_line(item["text"]))


def speaker(name: str, style: str) -> Text:
    # A span, not the text's own style, which would run on into what is added to it.
    return Text.assemble((f"  {name:<{COLUMN - 3}} ", style))


def one_line(text: str) -> str:
    """On one line, and without characters that a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\N{HORIZONTAL ELLIPSIS}"
