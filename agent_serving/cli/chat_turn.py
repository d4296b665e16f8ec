"""A turn as it is seen in a chat: text as it comes, each tool call on one line."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from agent_serving.cli.rest import Event, Json
from agent_serving.cli.transcript import COLUMN, SPEAKERS, note_of, one_line, shorten, speaker

ERASED = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
LINE_BREAK = f"\n{' ' * COLUMN}"


@dataclass(slots=True)
class _Call:
    name: str
    arguments: str
    result: Json | None = None


class ChatTurn:
    """Shows events as they come in. A call's line is written when its result is there; until then
    a terminal shows a line that is overwritten, and a pipe nothing."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._open: str | None = None
        self._style = ""
        self._calls: dict[str, _Call] = {}
        self._refused: set[str] = set()
        self._moves = out.is_terminal and not out.is_dumb_terminal
        self._drawn = False

    def show(self, event: Event) -> None:
        data = event.data
        match event.type:
            case "item.added":
                self._begin(data["item"])
            case "output_text.delta" | "reasoning_text.delta":
                if self._open == data["item_id"]:
                    self._write(_body(data["delta"], self._style))
            case "tool_call.arguments.delta":
                if data["call_id"] in self._calls:
                    self._calls[data["call_id"]].arguments += data["delta"]
                    self._draw()
            case "item.done":
                self._done(data["item"])
            case "step.completed" if data["kind"] == "tool":
                self._finish(data["call_id"], data["timings"]["tool_ms"])
            case "step.failed" if data.get("kind") == "tool" and "call_id" in data:
                self._refused.add(data["call_id"])
            case _ if (note := note_of(event)) is not None:
                self.close()
                self._out.print(note, soft_wrap=True)

    def close(self) -> None:
        """What comes next begins a line."""
        self._erase()
        if self._open is not None:
            self._open = None
            self._write(Text("\n"))

    def _begin(self, item: Json) -> None:
        self.close()
        if item["type"] == "tool_call":
            self._calls[item["call_id"]] = _Call(item["name"], "")
            self._draw()
            return
        self._open, self._style = item["id"], _style(item)
        self._write(_speaker(item))

    def _done(self, item: Json) -> None:
        match item["type"]:
            case "tool_call" if item["status"] == "completed":
                self._calls[item["call_id"]] = _Call(item["name"], item["arguments"])
                self._draw()
            case "tool_call":
                self._calls.pop(item["call_id"], None)
                self.close()
                self._out.print(_call(item["name"], item["arguments"]), "…", soft_wrap=True)
            case "tool_result":
                call = self._calls.setdefault(item["call_id"], _Call(item["name"], ""))
                call.result = item
                if item["call_id"] in self._refused:
                    self._finish(item["call_id"], None)
            case _ if self._open == item["id"]:
                self.close()
            case _ if item.get("role") != "user":
                # It was not streamed: this reader was too slow, or came too late.
                self.close()
                self._out.print(item_text(item), soft_wrap=True)

    def _finish(self, call_id: str, milliseconds: float | None) -> None:
        call = self._calls.pop(call_id, None)
        if call is None or call.result is None:
            return
        self.close()
        self._out.print(tool_text(call.name, call.arguments, call.result, milliseconds))
        self._draw()

    def _draw(self) -> None:
        """The call that came last, for as long as no other line is written."""
        if not (self._moves and self._calls) or self._open is not None:
            return
        call = next(reversed(self._calls.values()))
        line = _call(call.name, call.arguments) + Text(" …", style="dim")
        line.truncate(self._out.width - 1, overflow="ellipsis")
        self._erase()
        self._write(line)
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._drawn = False
            self._out.control(ERASED)

    def _write(self, text: Text) -> None:
        self._out.print(text, end="", soft_wrap=True)
        self._out.file.flush()


def begun(turn: Json) -> list[Text]:
    """A turn that goes on: what the person said."""
    return [item_text(item) for item in turn["input"]]


def past(turn: Json) -> list[Text]:
    """A turn that is over, what the person said included."""
    results = {item["call_id"]: item for item in turn["items"] if item["type"] == "tool_result"}
    lines = []
    for item in turn["items"]:
        match item["type"]:
            case "tool_result":
                continue
            case "tool_call" if item["call_id"] in results:
                result = results[item["call_id"]]
                lines.append(tool_text(item["name"], item["arguments"], result, None))
            case "tool_call":
                lines.append(_call(item["name"], item["arguments"]))
            case _:
                lines.append(item_text(item))
    return lines


def item_text(item: Json) -> Text:
    """A message or a thought, with its line breaks."""
    return _speaker(item) + _body(item["text"], _style(item))


def tool_text(name: str, arguments: str, result: Json, milliseconds: float | None) -> Text:
    """A call and what came of it, on one line."""
    style = "green" if result["outcome"] == "ok" else "red"
    line = _call(name, arguments)
    line.append(" → ").append(result["outcome"], style=style)
    line.append(f" {shorten(one_line(result['output']))}")
    if milliseconds is not None:
        line.append(f"  {milliseconds:.0f} ms", style="dim")
    return line


def _call(name: str, arguments: str) -> Text:
    return speaker("calls", "bold yellow") + Text(f"{name} {shorten(one_line(arguments))}")


def _speaker(item: Json) -> Text:
    if item["type"] == "reasoning":
        return speaker("thinks", "dim")
    return speaker(*SPEAKERS[item.get("role", "assistant")])


def _style(item: Json) -> str:
    return "dim" if item["type"] == "reasoning" else ""


def _body(text: str, style: str) -> Text:
    return Text(LINE_BREAK.join(map(one_line, text.split("\n"))), style=style)
