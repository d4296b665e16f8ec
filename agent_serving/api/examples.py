"""What answers look like: the examples of the OpenAPI document, all of one small turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_AGENT_ID = "agent_01k0a3s7b6c8d2e4f9g1h3j5k7"
_SESSION_ID = "sess_01k0a3t9c4m8v2q6x5z7w1y3b9"
_TURN_ID = "turn_01k0a3v5e2n7p4r8s6t1w9x3c5"
_STEP_ID = "step_01k0a3v6f8g2h4j6k8m1n3p5q7"
_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"

_LIMITS: Json = {
    "max_steps": 16,
    "max_tool_calls": 64,
    "max_output_tokens": 8192,
    "max_seconds": 600.0,
    "max_cost": None,
}

_BUDGET: Json = {"max_tokens": None, "max_cost": "2.50", "max_seconds": None, "max_steps": None}
_NO_BUDGET: Json = dict.fromkeys(_BUDGET)

_COST: Json = {
    "currency": "EUR",
    "input": "0.00000304",
    "cached_input": "0.00000792",
    "output": "0.0000054",
    "tool": "0",
    "kv_residency": "0",
    "total": "0.00001636",
    "gpu_seconds": "0.0597",
    "prefix_miss": "0",
}

AGENT: Json = {
    "id": _AGENT_ID,
    "object": "agent",
    "name": "helper",
    "version": 1,
    "model": "demo",
    "instructions": "You are a helpful assistant.",
    "tools": ["calculator"],
    "output": None,
    "sampling": {"temperature": 0.0, "top_p": None, "max_output_tokens": None, "seed": None},
    "limits": _LIMITS,
    "class": "online",
    "dialect": "qwen3",
}

_TOKENS: Json = {
    "input_tokens": 412,
    "cached_tokens": 396,
    "uncached_tokens": 16,
    "output_tokens": 9,
    "reasoning_tokens": 0,
}

USAGE: Json = {**_TOKENS, "model_steps": 1, "tool_calls": 0}

_PHASES: Json = {
    "admission_ms": 0.041,
    "engine_queue_ms": 0.3,
    "prefill_ms": 11.2,
    "decode_ms": 48.5,
    "tool_ms": 0.0,
    "orchestration_ms": 2.159,
    "total_ms": 62.2,
}

SESSION: Json = {
    "id": _SESSION_ID,
    "object": "session",
    "agent": {"id": _AGENT_ID, "name": "helper", "version": 1},
    "status": "idle",
    "turn_count": 1,
    "active_turn": None,
    "usage": USAGE,
    "cost": _COST,
    "limits": None,
    "budget": _BUDGET,
    "forked_from": None,
    "metadata": {"customer": "c-1042"},
    "created_at": "2026-01-31T12:00:00.123456Z",
    "updated_at": "2026-01-31T12:00:07.000812Z",
    "expires_at": None,
}

_QUESTION: Json = {
    "type": "message",
    "id": "item_01k0a3v5e3a1b2c3d4e5f6g7h8",
    "role": "user",
    "text": "What is 17 * 23?",
    "status": "completed",
}

_ANSWER: Json = {
    "type": "message",
    "id": "item_01k0a3v7h9j2k4m6n8p1q3r5s7",
    "role": "assistant",
    "text": "17 * 23 is 391.",
    "status": "completed",
}

TURN: Json = {
    "id": _TURN_ID,
    "object": "turn",
    "session_id": _SESSION_ID,
    "index": 0,
    "status": "completed",
    "input": [_QUESTION],
    "output_text": _ANSWER["text"],
    "output_parsed": None,
    "items": [_QUESTION, _ANSWER],
    "required_inputs": [],
    "budget": _NO_BUDGET,
    "paused": None,
    "usage": USAGE,
    "timings": _PHASES,
    "cost": _COST,
    "steps_url": f"/v1/sessions/{_SESSION_ID}/turns/{_TURN_ID}/steps",
    "trace_id": _TRACE_ID,
    "trace_url": None,
    "error": None,
    "incomplete_details": None,
    "metadata": {},
    "created_at": "2026-01-31T12:00:06.912345Z",
    "started_at": "2026-01-31T12:00:06.912345Z",
    "ended_at": "2026-01-31T12:00:07.000812Z",
}

_STEP_TIMINGS: Json = {**_PHASES, "ttft_ms": 11.6, "itl_p50_ms": 5.4, "itl_p99_ms": 7.9}

STEP: Json = {
    "id": _STEP_ID,
    "object": "step",
    "turn_id": _TURN_ID,
    "index": 0,
    "kind": "model",
    "status": "completed",
    "attempts": [
        {
            "number": 1,
            "rid": "9f1c2b7e5d3a4f608b1e6c7d8a9f0b12",
            "worker": "127.0.0.1:30000",
            "status": "completed",
            "usage": _TOKENS,
            "timings": _STEP_TIMINGS,
            "cost": _COST,
            "error": None,
        }
    ],
    "worker": "127.0.0.1:30000",
    "rid": "9f1c2b7e5d3a4f608b1e6c7d8a9f0b12",
    "usage": _TOKENS,
    "prefix": {"expected_tokens": 397, "cached_tokens": 396, "lost_tokens": 0, "reason": None},
    "timings": _STEP_TIMINGS,
    "cost": _COST,
    "tool": None,
    "error": None,
    "trace_id": _TRACE_ID,
    "span_id": "00f067aa0ba902b7",
    "started_at": "2026-01-31T12:00:06.914000Z",
    "ended_at": "2026-01-31T12:00:06.998000Z",
}

EVENT: Json = {
    "type": "output_text.delta",
    "sequence": 7,
    "session_id": _SESSION_ID,
    "turn_id": _TURN_ID,
    "step_id": _STEP_ID,
    "created_at": "2026-01-31T12:00:06.950000Z",
    "trace_id": _TRACE_ID,
    "data": {"item_id": _ANSWER["id"], "delta": "17 * 23"},
}

BATCH: Json = {
    "id": "batch_01k0a4b2c6d1e3f5g7h9j2k4m6",
    "object": "batch",
    "status": "in_progress",
    "request_counts": {
        "total": 200,
        "queued": 171,
        "in_progress": 28,
        "waiting": 0,
        "completed": 1,
        "incomplete": 0,
        "failed": 0,
        "cancelled": 0,
    },
    "usage": USAGE,
    "cost": _COST,
    "metadata": {"customer": "c-1042"},
    "results_url": "/v1/batches/batch_01k0a4b2c6d1e3f5g7h9j2k4m6/results",
    "created_at": "2026-01-31T12:00:06.900000Z",
    "cancelled_at": None,
    "ended_at": None,
    "expires_at": None,
}

BATCH_RESULT: Json = {
    "custom_id": "row-1",
    "object": "batch.result",
    "status": "completed",
    "session_id": _SESSION_ID,
    "turn": TURN,
    "error": None,
}

ANSWERS: Mapping[str, Json] = {
    "Agent": AGENT,
    "Session": SESSION,
    "OpenedSession": {**SESSION, "turn": TURN},
    "Turn": TURN,
    "Step": STEP,
    "Batch": BATCH,
    "BatchResult": BATCH_RESULT,
    "Usage": USAGE,
    "Event": EVENT,
}
"""By the name of the schema."""
