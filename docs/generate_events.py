"""Write docs/reference/events.md, facts as the feed tells them: python docs/generate_events.py"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from agent_serving.api.examples import EVENT
from agent_serving.domain.events import FACT
from agent_serving.domain.feed import EventType, Public, delta, project
from agent_serving.domain.pieces import ArgumentsDelta, ItemAdded, ReasoningDelta, TextDelta

PAGE = Path(__file__).parent / "reference" / "events.md"
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
TURN, STEP, TOOL_STEP = EVENT["turn_id"], EVENT["step_id"], "step_01k0a3v8d5f7h9k2n4q6s8u1w3"
CALL, ITEM = "call_01k0a3v7g4j8m2p6q9s1t5w7x3", EVENT["data"]["item_id"]

Json = dict[str, Any]

HEAD = """\
# Events

Written by `python docs/generate_events.py`; a test checks that it is current.

A session's events come as they happen from `GET /v1/sessions/{session}/events` with
`accept: text/event-stream`, and from a turn that is run with `"mode": "stream"`; as JSON pages
without that header. `id` is the event's `sequence`, which is also the cursor: `Last-Event-ID`, or
`?after=`. Numbers grow, with gaps
([what holds](../reliability.md#a-stream-can-be-resumed-and-harms-nobody)). Whole, an event is:
```json
"""

MIDDLE = """
```
Below is what `data` has, by type. A type that you do not know is to be skipped: there may be more.
"""

MEANING: dict[EventType, str] = {
    "session.created": "The session was opened; a fork has `forked_from`.",
    "session.updated": "What was changed of it, and nothing else.",
    "session.in_progress": "A turn is under way.",
    "session.idle": "No turn is open or queued.",
    "session.requires_action": "Its turn waits for answers to calls.",
    "session.budget_reached": "Its turn waits for a budget.",
    "session.closed": "It was deleted: its last event.",
    "turn.queued": "Another turn comes first.",
    "turn.in_progress": "It begins, or goes on; with `cancelling`, it is about to stop.",
    "turn.updated": "Its budget was changed.",
    "turn.waiting": "For answers to `call_ids`, or for the `budget` that is named.",
    "turn.completed": "It has its answer. The last event of a turn, as the next three are.",
    "turn.incomplete": "A limit was reached; `reason` names it.",
    "turn.failed": "`error` says why ([codes](errors.md#of-a-turn)).",
    "turn.cancelled": "On demand.",
    "step.started": "`kind` is `model` or `tool`.",
    "step.restarted": "It starts anew; its text from event `void_from` on is void (`null`: all).",
    "step.resumed": "An attempt was lost and the next goes on with its text.",
    "step.completed": "With the figures of its row in the ledger.",
    "step.failed": "No attempt is left, or the call never ran.",
    "item.added": "An item begins to stream.",
    "item.done": "A whole item: message, reasoning, call or result.",
    "output_text.delta": "A piece of the answer.",
    "output_text.done": "The whole text.",
    "reasoning_text.delta": "A piece of what the model thinks.",
    "reasoning_text.done": "The whole of it.",
    "tool_call.arguments.delta": "A piece of a call's arguments, JSON text.",
    "tool_call.arguments.done": "The whole of them.",
    "tool_call.started": "It is claimed; `executor` is `client` for a tool of the caller's.",
    "tool_call.completed": "It has its result; `outcome` is `ok` or says what went wrong.",
    "tool_call.in_doubt": "It may have run before its process died; somebody has to say.",
    "approval.requested": "The call runs only if somebody agrees.",
    "approval.resolved": "Somebody has looked at it.",
    "usage.updated": "Tokens of the model step that is over.",
    "error": "A step failed, or a follower fell behind (`cursor_expired`).",
}

SPENT = {"input_tokens": 412, "cached_tokens": 396, "output_tokens": 9, "model_steps": 1}
TIMES = {
    "admission_ms": 0.041, "engine_queue_ms": 0.3, "prefill_ms": 11.2, "decode_ms": 48.5,
    "total_ms": 62.2, "ttft_ms": 11.6, "itl_p50_ms": 5.4, "itl_p99_ms": 7.9,
}  # fmt: skip
FAILURE = {"code": "engine_unavailable", "message": "127.0.0.1:30000: the connection broke"}
WRITTEN = {"call_id": CALL, "name": "calculator", "arguments": '{"expression": "17 * 23"}'}
ATTEMPT = {"number": 1, "rid": "9f1c2b7e5d3a4f60", "worker": "127.0.0.1:30000", "usage": SPENT}
LOST = ATTEMPT | {"status": "failed", "error": FAILURE}
MESSAGE = {"type": "message", "id": ITEM, "role": "assistant", "text": "17 * 23 is 391."}
THOUGHT = {"type": "reasoning", "id": "item_01k0a3v7a1b3c5d7e9f2g4h6j8", "text": "A product."}
ASKED = {"type": "tool_call", "id": "item_01k0a3v7c2d4e6f8g1h3j5k7m9", **WRITTEN}
AGENT = {
    "id": "agent_01k0a3s7b6c8d2e4f9g1h3j5k7", "name": "helper", "version": 1, "model": "demo",
    "dialect": "qwen3",
}  # fmt: skip


def facts() -> Iterator[Json]:
    yield {"type": "session_opened", "session_id": EVENT["session_id"], "tenant": "default",
           "agent": AGENT, "metadata": {"customer": "c-1042"}}  # fmt: skip
    yield {"type": "session_changed", "metadata": {"customer": "c-1043"}}
    yield {"type": "session_closed"}
    for fact in (*turn_facts(), *step_facts(), *tool_facts()):
        yield {"turn_id": TURN, **fact}


def turn_facts() -> Iterator[Json]:
    said = MESSAGE | {"role": "user", "text": "What is 17 * 23?"}
    yield {"type": "turn_accepted", "input": [said], "queued": True, "trace_id": EVENT["trace_id"]}
    yield {"type": "turn_began"}
    yield {"type": "turn_waited", "call_ids": [CALL]}
    yield {"type": "turn_budgeted", "budget": {"max_cost": "2.50"}}
    yield {"type": "budget_reached", "pause": {"scope": "turn", "budget": "max_cost"}}
    for status in ("completed", "cancelled"):
        yield {"type": "turn_ended", "status": status, "idle": True}
    yield {"type": "turn_ended", "status": "incomplete", "reason": "max_steps", "idle": True}
    yield {"type": "turn_ended", "status": "failed", "error": FAILURE, "idle": True}


def step_facts() -> Iterator[Json]:
    step = {"step_id": STEP}
    yield step | {
        "type": "step_planned", "span_id": "00f067aa0ba902b7", "rendered_tokens": 16,
        "prompt_tokens": 412, "expected_tokens": 397, "max_new_tokens": 1024, "tools_offered": True,
    }  # fmt: skip
    yield step | {"type": "step_restarted", "attempt": LOST, "void_from": 7}
    yield step | {"type": "step_resumed", "attempt": LOST, "kept_tokens": 5}
    yield step | {
        "type": "model_replied", "items": [MESSAGE, THOUGHT, ASKED], "finish": "stop",
        "output_tokens": 9, "reply_open": False, "timings": TIMES,
        "attempt": ATTEMPT | {"status": "completed"},
    }  # fmt: skip
    yield step | {"type": "step_failed", "error": FAILURE}


def tool_facts() -> Iterator[Json]:
    step = {"step_id": TOOL_STEP}
    yield {"type": "approval_requested", "model_step_id": STEP, "call": WRITTEN}
    yield {"type": "approval_resolved", "call_id": CALL, "approved": True}
    yield step | {
        "type": "tool_started", "span_id": "a2fb4a1d1a96d312", "model_step_id": STEP,
        "call": WRITTEN, "effect": "pure", "executor": "server",
    }  # fmt: skip
    yield step | {
        "type": "tool_finished", "name": "calculator", "result": {"call_id": CALL, "output": "391"},
        "timings": {"tool_ms": 3.1, "total_ms": 3.4},
    }  # fmt: skip
    yield step | {"type": "tool_doubted"}


def deltas() -> Iterator[Public | None]:
    for piece in (
        ItemAdded(0, ITEM, "message"),
        TextDelta(ITEM, "17 * 23"),
        ReasoningDelta(THOUGHT["id"], "A pro"),
        ArgumentsDelta(ASKED["id"], CALL, '{"expr'),
    ):
        yield delta(TURN, STEP, piece, AT)


def examples() -> dict[str, Json]:
    """The first of each type, as the feed tells it."""
    told = [
        event for fact in facts() for event in project(FACT.validate_python({"at": AT, **fact}))
    ]
    told += [event for event in deltas() if event is not None]
    return {event.type: event.data for event in reversed(told)}


def page() -> str:
    known = examples()
    return (
        HEAD
        + _json(EVENT)
        + MIDDLE
        + "".join(
            f"\n## {kind}\n{MEANING[kind]}\n```json\n{_json(known[kind])}\n```\n"
            for kind in get_args(EventType)
        )
    )


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
