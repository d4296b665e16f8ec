"""Turns, steps and traces as the REST API shows them, to draw and to compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent_serving.cli.rest import Json

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(milliseconds: float) -> str:
    return (START + timedelta(milliseconds=milliseconds)).isoformat()


def usage(cached: int = 0, uncached: int = 0, output: int = 0) -> Json:
    return {
        "input_tokens": cached + uncached,
        "cached_tokens": cached,
        "uncached_tokens": uncached,
        "output_tokens": output,
        "reasoning_tokens": 0,
    }


def timings(total: float, **phases: float) -> Json:
    names = ("admission_ms", "engine_queue_ms", "prefill_ms", "decode_ms", "tool_ms")
    told: Json = {name: phases.get(name, 0.0) for name in names}
    told["orchestration_ms"] = total - sum(told.values())
    return told | {"total_ms": total, "ttft_ms": None, "itl_p50_ms": None, "itl_p99_ms": None}


def step(name: str, start: float, end: float | None, **more: Any) -> Json:
    told: Json = {
        "id": name,
        "kind": "model",
        "status": "completed" if end is not None else "running",
        "attempts": [],
        "usage": usage(),
        "prefix": None,
        "timings": timings((end or start) - start),
        "cost": None,
        "tool": None,
        "error": None,
        "started_at": at(start),
        "ended_at": None if end is None else at(end),
    }
    return told | more


def tool(name: str, start: float, end: float | None, called: str = "search") -> Json:
    return step(name, start, end, kind="tool", tool={"name": called})


def turn(end: float | None, **more: Any) -> Json:
    told: Json = {
        "id": "turn_01k9zt3hv0c6d8e1g5j7m2n4pq",
        "session_id": "sess_1",
        "trace_id": "0" * 32,
        "status": "in_progress" if end is None else "completed",
        "usage": usage(100, 50, 20) | {"model_steps": 2, "tool_calls": 2},
        "cost": None,
        "error": None,
        "metadata": {},
        "created_at": at(0),
        "started_at": at(0),
        "ended_at": None if end is None else at(end),
    }
    return told | more


def chat(
    owner: str, start: float, end: float, number: int = 1, **phases: list[float]
) -> list[Json]:
    """The spans of one attempt of a step: phase name → [start, end]."""
    span = f"{owner}.{number}"
    attributes = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "agent_serving.step.id", "value": {"stringValue": owner}},
        {"key": "agent_serving.attempt", "value": {"intValue": str(number)}},
    ]
    spans = [_span(f"chat {owner}", span, "", start, end, attributes)]
    for phase, (began, ended) in phases.items():
        name = phase.replace("_", ".")
        spans.append(_span(name, f"{span}.{phase}", span, began, ended, []))
    return spans


def trace(*spans: list[Json]) -> Json:
    whole = [span for group in spans for span in group]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": whole}]}]}


def _span(
    name: str, span_id: str, parent: str, start: float, end: float, attributes: list[Json]
) -> Json:
    origin = int(START.timestamp()) * 1_000_000_000
    return {
        "name": name,
        "spanId": span_id,
        "parentSpanId": parent,
        "startTimeUnixNano": str(origin + round(start * 1e6)),
        "endTimeUnixNano": str(origin + round(end * 1e6)),
        "attributes": attributes,
    }
