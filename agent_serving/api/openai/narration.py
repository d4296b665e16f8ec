"""From a session's events to the stream of a response: a pure fold, so a replay tells the same.

Rules that OpenAI's clients insist on: `response.created` comes first; an item is added before
anything of it is told, under an `output_index` of its own, and is done under the same id and call
id; every item that was added is done; the last event has the whole response.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from agent_serving.api.openai.objects import opening
from agent_serving.api.openai.output import (
    Json,
    approval_request,
    may_ask,
    output_item,
    output_text,
    reasoning_text,
    runs_here,
)
from agent_serving.domain.feed import TERMINAL_EVENTS
from agent_serving.domain.values import Agent, ReplyItem, ToolCall, ToolCallItem, ToolResultItem
from agent_serving.runtime.follow import SessionEvent

NUMBERS_PER_EVENT = 1000
"""`sequence_number` is an event's number in the session's feed, and a place within. So it stays the
same in a replay, also where deltas are gone."""
LAST = NUMBERS_PER_EVENT - 1
_REPLY_ITEM: TypeAdapter[ReplyItem] = TypeAdapter(ReplyItem)


@dataclass(slots=True)
class _Told:
    """An item as far as it was told."""

    index: int
    id: str
    kind: str
    name: str = ""
    call_id: str = ""
    text: str = ""
    has_part: bool = False
    done: bool = False
    call: ToolCallItem | None = None
    """Of a call that runs here: whole."""


class Narrator:
    """Tells part `number` of a turn. `response` is the response at any time of its life."""

    def __init__(self, response: Json, agent: Agent, number: int, *, steps: bool = False) -> None:
        self._response = response
        self._agent = agent
        self._wanted = number
        self._steps = steps
        self._part = 1
        self._begun = number == 1
        self._open: set[str] = set()
        """Calls of this part that are the caller's to run, or to agree to."""
        self._running: set[str] = set()
        """Calls that run here."""
        self._waits: set[str] = set()
        """Calls that the turn waits for."""
        self._created = False
        self._status = ""
        self._items: dict[str, _Told] = {}
        self._held: dict[str, ToolCallItem] = {}
        """By call; those that may need an approval, of this part and those before."""
        self._asked: set[str] = set()
        self._results: dict[str, ToolResultItem] = {}
        """By call; one may be there before the reply that made the call has ended."""
        self.ended = False
        """Whether the last event of the part was told: `close` is due."""

    def tell(self, event: SessionEvent) -> list[Json]:
        """What an event of the turn adds to the stream."""
        if self.ended:
            return []
        self._turn_over(event)
        if self._part != self._wanted or not self._begun:
            return []
        return self._numbered(event.sequence, self._told(event))

    def close(self, response: Json, sequence: int) -> list[Json]:
        """The end, with the response as it is now."""
        whole = {item["id"]: item for item in response["output"]}
        events: list[tuple[int, Json]] = []
        place = 10
        for told in self._items.values():
            if not told.done:
                item = whole.get(told.id) or self._void(told)
                events.append((place, self._done(told, item)))
                place += 1
        match response["status"]:
            case "completed" | "failed" as status:
                kind = f"response.{status}"
            case _:
                kind = "response.incomplete"
        events.append((LAST, {"type": kind, "response": response}))
        return self._numbered(sequence, iter(events))

    # --- parts ------------------------------------------------------------------------------

    def _turn_over(self, event: SessionEvent) -> None:
        """Notices where parts begin and end."""
        kind, data = event.type, event.data
        if kind == "item.done":
            self._notice(data["item"])
        if kind in TERMINAL_EVENTS:
            self.ended = self._part == self._wanted
        elif kind == "approval.requested":
            self._asked.add(data["call_id"])
            self._open.add(data["call_id"])
        elif kind in ("step.started", "step.failed") and data.get("call_id") in self._asked:
            self._agreed(data["call_id"])
        elif kind == "tool_call.started":
            (self._open if data["executor"] == "client" else self._running).add(data["call_id"])
        elif kind == "turn.waiting":
            self._waits = set(data.get("call_ids", ()))
        elif kind == "step.started" and data["kind"] == "model":
            if self._open:
                self._next()
            self._begun = True
        elif kind in ("session.in_progress", "turn.in_progress") and "cancelling" not in data:
            self._begun = True
        if self._waits and self._waits <= self._open:
            # Nothing is left but what the caller has to do.
            self._next()

    def _notice(self, item: Json) -> None:
        match item["type"]:
            case "tool_call" if may_ask(self._agent, item["name"]):
                self._held[item["call_id"]] = ToolCallItem.model_validate(item)
            case "tool_result":
                self._running.discard(item["call_id"])
                self._waits.discard(item["call_id"])

    def _agreed(self, call_id: str) -> None:
        """A call that was asked about begins, or is refused: behind the caller's answer, unless
        somebody was so fast that other calls still run."""
        if call_id in self._open and self._running:
            self._open.discard(call_id)
        elif call_id in self._open:
            self._next()
            self._begun = True

    def _next(self) -> None:
        self._open.clear()
        self._waits.clear()
        if self._part == self._wanted:
            self.ended = True
        else:
            self._part += 1
            self._begun = False

    # --- events -----------------------------------------------------------------------------

    def _told(self, event: SessionEvent) -> Iterator[tuple[int, Json]]:
        if self.ended:
            return
        data = event.data
        yield from self._status_of(event)
        match event.type:
            case "item.added" if not may_ask(self._agent, data["item"].get("name")):
                yield from self._added(data["item"])
            case "output_text.delta" | "reasoning_text.delta" | "tool_call.arguments.delta":
                told = self._items.get(data["item_id"])
                if told is not None and not told.done:
                    yield from self._delta(told, data["delta"])
            case "item.done" if data["item"]["type"] == "tool_result":
                result = ToolResultItem.model_validate(data["item"])
                self._results[result.call_id] = result
                yield from self._let_go(result.call_id)
                for told in [t for t in self._items.values() if t.call_id == result.call_id]:
                    yield from self._answered(told)
            case "item.done" if data["item"].get("role") != "user":
                item = _REPLY_ITEM.validate_python(data["item"])
                if not (isinstance(item, ToolCallItem) and item.call_id in self._held):
                    yield from self._whole(item)
            case "approval.requested":
                yield from self._question(ToolCall.model_validate(data))
            case "tool_call.started":
                yield from self._let_go(data["call_id"])
            case "step.restarted":
                yield from self._voided()
            case "step.completed" if data["kind"] == "model":
                yield from self._voided()
        if self._steps and event.type.startswith("step."):
            yield (
                LAST - 1,
                {"type": f"agent_serving.{event.type}", "step_id": event.step_id, **data},
            )

    def _status_of(self, event: SessionEvent) -> Iterator[tuple[int, Json]]:
        queued = event.type == "turn.queued"
        shown = opening(self._response, queued=queued)
        if not self._created:
            self._created = True
            yield 0, {"type": "response.created", "response": shown}
        begins = event.type == "turn.in_progress" or event.type == "step.started"
        status = "queued" if queued else "in_progress" if begins else self._status
        if status != self._status:
            self._status = status
            yield 1, {"type": f"response.{status}", "response": shown}

    def _added(self, item: Json) -> Iterator[tuple[int, Json]]:
        """The parts of `item` that its kind has: id, type, and of calls name and call id."""
        kind = item["type"]
        if kind == "tool_call":
            kind = "mcp_call" if runs_here(self._agent, item["name"]) else "function_call"
        told = _Told(len(self._items), item["id"], kind, item.get("name", ""))
        told.call_id = item.get("call_id", "")
        self._items[told.id] = told
        shown = self._void(told) | {"status": "in_progress"}
        yield 0, {"type": "response.output_item.added", "output_index": told.index, "item": shown}
        if kind == "mcp_call":
            yield 1, self._of(told, "response.mcp_call.in_progress")

    def _question(self, call: ToolCall) -> Iterator[tuple[int, Json]]:
        item = approval_request(call, self._agent)
        told = _Told(len(self._items), item["id"], item["type"])
        self._items[told.id] = told
        yield 0, {"type": "response.output_item.added", "output_index": told.index, "item": item}
        yield 6, self._done(told, item)

    def _let_go(self, call_id: str) -> Iterator[tuple[int, Json]]:
        """A call that was held back until it begins, or is refused."""
        item = self._held.get(call_id)
        if item is not None and item.id not in self._items:
            yield from self._whole(item)

    def _delta(self, told: _Told, text: str) -> Iterator[tuple[int, Json]]:
        if not text:
            return
        if told.kind in ("message", "reasoning") and not told.has_part:
            told.has_part = True
            part = _part(told.kind, "")
            yield 2, self._of(told, "response.content_part.added", content_index=0, part=part)
        told.text += text
        yield 3, self._of(told, f"{_STEM[told.kind]}.delta", **_content(told.kind), delta=text)

    def _whole(self, item: ReplyItem) -> Iterator[tuple[int, Json]]:
        told = self._items.get(item.id)
        if told is None:
            yield from self._added(item.model_dump())
            told = self._items[item.id]
        text = item.arguments if isinstance(item, ToolCallItem) else item.text
        if text.startswith(told.text):
            yield from self._delta(told, text[len(told.text) :])
        yield from self._text_done(told, text)
        if told.kind == "mcp_call":
            assert isinstance(item, ToolCallItem)
            told.call = item
            yield from self._answered(told)
            return
        yield 6, self._done(told, output_item(item, self._agent, None, over=True))

    def _text_done(self, told: _Told, text: str) -> Iterator[tuple[int, Json]]:
        stem, content = _STEM[told.kind], _content(told.kind)
        if told.kind in ("function_call", "mcp_call"):
            yield 4, self._of(told, f"{stem}.done", arguments=text, name=told.name)
        elif told.has_part:
            yield 4, self._of(told, f"{stem}.done", text=text, **content)
            part = _part(told.kind, text)
            yield 5, self._of(told, "response.content_part.done", content_index=0, part=part)

    def _answered(self, told: _Told) -> Iterator[tuple[int, Json]]:
        result = self._results.get(told.call_id)
        if told.call is not None and result is not None and not told.done:
            asked = told.call_id in self._asked
            item = output_item(told.call, self._agent, result, over=True, asked=asked)
            yield 5, self._of(told, f"response.mcp_call.{item['status']}")
            yield 6, self._done(told, item)

    def _voided(self) -> Iterator[tuple[int, Json]]:
        """What a lost attempt had said is taken back, all of it or what came behind calls that had
        started: its items end, and are no part of the response."""
        place = 10
        for told in self._items.values():
            if not told.done and told.call is None:
                yield place, self._done(told, self._void(told))
                place += 1

    def _void(self, told: _Told) -> Json:
        if told.kind in ("message", "reasoning"):
            parts = [_part(told.kind, told.text)] if told.has_part else []
            own: Json = {"role": "assistant"} if told.kind == "message" else {"summary": []}
            return {
                "id": told.id, "type": told.kind, "status": "incomplete", "content": parts, **own,
            }  # fmt: skip
        call = ToolCallItem(
            id=told.id,
            call_id=told.call_id,
            name=told.name,
            arguments=told.text,
            status="incomplete",
        )
        asked = told.call_id in self._asked
        return output_item(call, self._agent, None, over=True, asked=asked)

    def _done(self, told: _Told, item: Json) -> Json:
        told.done = True
        return {
            "type": "response.output_item.done", "output_index": told.index, "item": item,
        }  # fmt: skip

    def _of(self, told: _Told, kind: str, **more: Any) -> Json:
        return {"type": kind, "item_id": told.id, "output_index": told.index, **more}

    def _numbered(self, sequence: int, events: Iterator[tuple[int, Json]]) -> list[Json]:
        return [
            {**event, "sequence_number": sequence * NUMBERS_PER_EVENT + place}
            for place, event in events
        ]


_STEM = {
    "message": "response.output_text",
    "reasoning": "response.reasoning_text",
    "function_call": "response.function_call_arguments",
    "mcp_call": "response.mcp_call_arguments",
}


def _content(kind: str) -> Json:
    match kind:
        case "message":
            return {"content_index": 0, "logprobs": []}
        case "reasoning":
            return {"content_index": 0}
        case _:
            return {}


def _part(kind: str, text: str) -> Json:
    return output_text(text) if kind == "message" else reasoning_text(text)
