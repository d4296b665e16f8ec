"""The rules of a response's stream, as a check of a whole recorded one, and its fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

TERMINAL = {"response.completed", "response.incomplete", "response.failed"}
PARTS = {"message", "reasoning"}
AT_ONCE = "mcp_approval_request"


def dumped(events: Sequence[Any]) -> list[Json]:
    """As they were sent: events of OpenAI's client, without what it would add."""
    return [e if isinstance(e, dict) else e.to_dict(mode="json") for e in events]


def fold(events: Sequence[Any]) -> list[Json]:
    """The output that a stream adds up to, from deltas and items alone, with every rule checked."""
    told = dumped(events)
    assert all(isinstance(event["type"], str) for event in told)
    numbers = [event["sequence_number"] for event in told]
    assert numbers == sorted(set(numbers)), "numbers grow"
    assert told[0]["type"] == "response.created"
    assert [e["type"] for e in told[1:]].count("response.created") == 0
    assert told[-1]["type"] in TERMINAL
    assert not TERMINAL & {event["type"] for event in told[:-1]}
    lifecycle = [event["response"] for event in told if "response" in event]
    assert len({response["id"] for response in lifecycle}) == 1, "the id never changes"
    assert not any("error" in event for event in told), "errors are flat"
    items: dict[int, Json] = {}
    done: dict[int, Json] = {}
    for event in told:
        _take(event, items, done)
    assert items.keys() == done.keys(), "every item is done"
    final: list[Json] = told[-1]["response"]["output"]
    taken_back = [index for index, item in done.items() if item not in final]
    assert all(done[index].get("status") == "incomplete" for index in taken_back)
    return [done[index] for index in sorted(done) if index not in taken_back]


def _take(event: Json, items: dict[int, Json], done: dict[int, Json]) -> None:
    kind, index = event["type"], event.get("output_index")
    if index is None:
        return
    if kind == "response.output_item.added":
        assert index not in items, "an output_index is unique"
        whole = event["item"]["type"] == AT_ONCE
        assert whole or event["item"]["status"] == "in_progress"
        text = event["item"]["arguments"] if whole else ""
        items[index] = {**event["item"], "parts": [], "text": text}
        return
    item = items[index]
    assert index not in done, f"{kind} came behind the item's end"
    assert event.get("item_id", item["id"]) == item["id"]
    if kind == "response.content_part.added":
        assert item["type"] in PARTS
        assert event["content_index"] == len(item["parts"])
        item["parts"].append(event["part"])
    elif kind.endswith(".delta"):
        assert event["delta"]
        assert item["type"] not in PARTS or item["parts"], "a part is added before its deltas"
        item["text"] += event["delta"]
    elif kind in ("response.output_text.done", "response.reasoning_text.done"):
        assert event["text"] == item["text"]
    elif kind.endswith("arguments.done"):
        assert event["arguments"] == item["text"]
    elif kind == "response.content_part.done":
        assert event["part"]["text"] == item["text"]
    elif kind == "response.output_item.done":
        end = event["item"]
        for key in ("type", "id", "call_id"):
            assert end.get(key) == item.get(key), key
        said = end.get("arguments") if "arguments" in end else _said(end)
        assert said == item["text"]
        done[index] = end


def _said(item: Json) -> str:
    return "".join(part["text"] for part in item["content"])
