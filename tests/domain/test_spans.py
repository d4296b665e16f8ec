from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain import span_names as n
from agent_serving.domain.cost import Cost
from agent_serving.domain.events import Attempt, ForkOrigin
from agent_serving.domain.session import Interjection, Session, Turn
from agent_serving.domain.span import Span, attempt_span_id, nanoseconds, root_span_id
from agent_serving.domain.span_content import LONGEST_TEXT, Capture
from agent_serving.domain.spans import turn_spans
from agent_serving.domain.step import ModelStep, ToolStep, step_timings
from agent_serving.domain.values import (
    Failure,
    Limits,
    Sampling,
    Timings,
    ToolCall,
    ToolCallItem,
    ToolResult,
    Usage,
)
from tests.domain.facts import agent, at, message

MS = 1_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALL = ToolCall(call_id="call_1", name="add", arguments='{"a": "b_argument"}')


def session_of(*turns: Turn, **changes: Any) -> Session:
    return Session(
        id="sess_1",
        tenant="acme",
        agent=agent(sampling=Sampling(temperature=0.5, seed=7)),
        turns=turns,
        created_at=at(),
        updated_at=at(5),
    ).but(**changes)


def turn_of(*steps: ModelStep | ToolStep, **changes: Any) -> Turn:
    return Turn(
        id="turn_1",
        index=0,
        status="completed",
        input=(message("hi_there"),),
        steps=steps,
        limits=Limits(),
        trace_id=TRACE,
        created_at=at(),
        started_at=at(),
        ended_at=at(4),
    ).but(**changes)


def model_step(*attempts: Attempt, index: int = 0, **changes: Any) -> ModelStep:
    return ModelStep(
        id=f"step_{index}",
        index=index,
        span_id=f"{index + 1:016x}",
        status="completed",
        prompt_tokens=10,
        rendered_tokens=4,
        expected_tokens=6,
        max_new_tokens=100,
        tools_offered=True,
        attempts=attempts,
        items=(message("all_done", "assistant"),),
        finish="stop",
        timings=step_timings(attempts, 1000.0),
        started_at=at(0.5),
        ended_at=at(1.5),
    ).but(**changes)


def attempt(number: int = 1, **changes: Any) -> Attempt:
    return Attempt(
        number=number,
        rid="r" * 32,
        worker="127.0.0.1:30000",
        status="completed",
        started_at=at(0.6),
        usage=Usage(input_tokens=10, cached_tokens=2, output_tokens=5, reasoning_tokens=1),
        timings=Timings(
            admission_ms=50,
            engine_queue_ms=30,
            prefill_ms=120,
            decode_ms=400,
            ttft_ms=170.0,
            total_ms=700,
        ),
        prefix_reason="evicted",
    ).but(**changes)


def tool_step(index: int = 1, **changes: Any) -> ToolStep:
    return ToolStep(
        id=f"step_{index}",
        index=index,
        span_id=f"{index + 1:016x}",
        model_step_id="step_0",
        call=CALL,
        status="completed",
        result=ToolResult(call_id="call_1", output="result_3"),
        started_at=at(1.2),
        ended_at=at(2),
    ).but(**changes)


def spans_of(turn: Turn, capture: Capture = Capture.NO_CONTENT, **changes: Any) -> list[Span]:
    return list(turn_spans(session_of(turn, **changes), turn, capture))


def named(spans: list[Span], name: str) -> Span:
    [found] = [span for span in spans if span.name == name]
    return found


# --- times ----------------------------------------------------------------------------------

seconds = st.floats(-1, 10, allow_nan=False)
milliseconds = st.floats(0, 20_000, allow_nan=False)
timings = st.builds(
    Timings,
    admission_ms=milliseconds,
    engine_queue_ms=milliseconds,
    prefill_ms=milliseconds,
    decode_ms=milliseconds,
    total_ms=milliseconds,
    ttft_ms=st.none() | milliseconds,
)


@st.composite
def any_turns(draw: st.DrawFn) -> Turn:
    """With clocks that say whatever they like."""
    steps: list[ModelStep | ToolStep] = []
    for index in range(draw(st.integers(0, 5))):
        times = {"started_at": at(draw(seconds)), "ended_at": at(draw(seconds))}
        if draw(st.booleans()):
            steps.append(tool_step(index, id=f"step_{index}", **times))
            continue
        attempts = [
            attempt(
                number,
                started_at=draw(st.none() | seconds.map(at)),
                timings=draw(timings),
                status=draw(st.sampled_from(["completed", "failed", "cancelled"])),
            )
            for number in range(1, draw(st.integers(0, 3)) + 1)
        ]
        steps.append(model_step(*attempts, index=index, **times))
    return turn_of(*steps, ended_at=draw(st.none() | seconds.map(at)))


@given(any_turns())
def test_children_lie_inside_their_parents_and_every_id_is_unique_whatever_the_clocks_said(
    turn: Turn,
) -> None:
    spans = spans_of(turn)
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans)
    assert spans[0].parent_span_id is None
    for span in spans:
        assert span.start_ns <= span.end_ns
        assert span.trace_id == TRACE
    for span in spans[1:]:
        parent = by_id[span.parent_span_id or ""]
        assert parent.start_ns <= span.start_ns <= span.end_ns <= parent.end_ns


@given(any_turns())
def test_phases_do_not_overlap_and_neither_do_attempts(turn: Turn) -> None:
    spans = spans_of(turn)
    groups: dict[str, list[Span]] = {}
    for span in spans:
        step = span.attributes.get(n.STEP_ID)
        if span.name in n.PHASES:
            groups.setdefault(f"phases of {span.parent_span_id}", []).append(span)
        elif span.name.startswith(n.CHAT):
            groups.setdefault(f"attempts of {step}", []).append(span)
    for group in groups.values():
        for before, after in pairwise(group):
            assert before.end_ns <= after.start_ns


@st.composite
def steps_as_they_are(draw: st.DrawFn) -> ModelStep:
    """Attempts one behind the other, whose phases fit into them, as clocks that agree say it."""
    small = st.floats(0, 500, allow_nan=False)
    now, attempts = draw(small), []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        phases = [draw(small) for _ in range(4)]
        way, rest = draw(small), draw(small)
        total = sum(phases) + way + rest
        attempts.append(
            attempt(
                number,
                started_at=at() + timedelta(milliseconds=now),
                timings=Timings(
                    admission_ms=phases[0],
                    engine_queue_ms=phases[1],
                    prefill_ms=phases[2],
                    decode_ms=phases[3],
                    ttft_ms=draw(st.none() | st.just(way + phases[1] + phases[2])),
                    total_ms=total,
                ),
            )
        )
        now += total + draw(small)
    return model_step(
        *attempts,
        timings=step_timings(attempts, now),
        started_at=at(),
        ended_at=at() + timedelta(milliseconds=now),
    )


@given(steps_as_they_are())
def test_phases_and_orchestration_add_up_to_the_step_within_a_millisecond(step: ModelStep) -> None:
    spans = spans_of(turn_of(step, ended_at=at(60)))
    lasted = dict.fromkeys(n.PHASES, 0)
    for span in spans:
        if span.name in n.PHASES:
            lasted[span.name] += span.end_ns - span.start_ns
    ledger = step.timings
    assert abs(lasted[n.ADMISSION] / MS - ledger.admission_ms) < 1
    assert abs(lasted[n.ENGINE_QUEUE] / MS - ledger.engine_queue_ms) < 1
    assert abs(lasted[n.ENGINE_PREFILL] / MS - ledger.prefill_ms) < 1
    assert abs(lasted[n.ENGINE_DECODE] / MS - ledger.decode_ms) < 1
    assert abs(sum(lasted.values()) / MS + ledger.orchestration_ms - ledger.total_ms) < 1


def test_prefill_ends_with_the_first_token() -> None:
    spans = spans_of(turn_of(model_step(attempt())))
    begun = nanoseconds(at(0.6))
    times = {
        name: (
            round((named(spans, name).start_ns - begun) / MS),
            round((named(spans, name).end_ns - begun) / MS),
        )
        for name in ("chat m", *n.PHASES)
    }
    # 170 ms from sending to the first token, 150 of which the engine accounts for.
    assert times == {
        "chat m": (0, 700),
        "admission": (0, 50),
        "engine.queue": (70, 100),
        "engine.prefill": (100, 220),
        "engine.decode": (220, 620),
    }


def test_an_attempt_whose_process_died_lasts_until_the_next_one() -> None:
    lost = attempt(1, status="failed", started_at=None, timings=Timings(), worker="", rid="")
    spans = spans_of(turn_of(model_step(lost, attempt(2, started_at=at(1)))))
    first, second = (span for span in spans if span.name == "chat m")
    assert (first.start_ns, first.end_ns) == (nanoseconds(at(0.5)), nanoseconds(at(1)))
    assert second.start_ns == nanoseconds(at(1))
    assert not [span for span in spans if span.parent_span_id == first.span_id]


# --- what is said ---------------------------------------------------------------------------


def test_a_turn_is_told_as_the_conventions_ask() -> None:
    priced = attempt(cost=Cost(currency="EUR", input=Decimal("0.5"), output=Decimal("0.25")))
    turn = turn_of(model_step(priced), tool_step(), parent_span_id="00f067aa0ba902b7")
    spans = spans_of(turn)
    root, chat, tool = (
        named(spans, name) for name in ("invoke_agent a", "chat m", "execute_tool add")
    )
    assert (root.kind, chat.kind, tool.kind) == ("internal", "client", "internal")
    assert root.parent_span_id == "00f067aa0ba902b7"
    assert {span.parent_span_id for span in (chat, tool)} == {root.span_id}
    assert root.error is None
    assert root.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "sglang",
        "gen_ai.agent.id": "agent_1",
        "gen_ai.agent.name": "a",
        "gen_ai.agent.version": "1",
        "gen_ai.request.model": "m",
        "gen_ai.conversation.id": "sess_1",
        "agent_serving.turn.id": "turn_1",
        "agent_serving.tenant": "acme",
        "agent_serving.class": "online",
        "agent_serving.turn.status": "completed",
        "agent_serving.turn.input_tokens": 10,
        "agent_serving.turn.cached_tokens": 2,
        "agent_serving.turn.output_tokens": 5,
        "agent_serving.turn.reasoning_tokens": 1,
        "agent_serving.turn.model_steps": 0,
        "agent_serving.turn.tool_calls": 1,
        "agent_serving.turn.cost.total": 0.75,
        "agent_serving.turn.cost.currency": "EUR",
        "agent_serving.turn.cost.prefix_miss": 0.0,
    }
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "sglang",
        "gen_ai.request.model": "m",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.response.id": "r" * 32,
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.17,
        "server.address": "127.0.0.1",
        "server.port": 30000,
        "agent_serving.turn.id": "turn_1",
        "agent_serving.tenant": "acme",
        "agent_serving.class": "online",
        "agent_serving.step.id": "step_0",
        "agent_serving.step.index": 0,
        "agent_serving.worker": "127.0.0.1:30000",
        "agent_serving.attempt": 1,
        "agent_serving.attempt.status": "completed",
        "agent_serving.prefix.expected_tokens": 6,
        "agent_serving.prefix.cached_tokens": 2,
        "agent_serving.prefix.lost_tokens": 3,
        "agent_serving.prefix.reason": "evicted",
        "agent_serving.cost.total": 0.75,
        "agent_serving.cost.currency": "EUR",
        "agent_serving.cost.prefix_miss": 0.0,
    }
    assert tool.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.conversation.id": "sess_1",
        "agent_serving.turn.id": "turn_1",
        "agent_serving.tenant": "acme",
        "agent_serving.class": "online",
        "agent_serving.step.id": "step_1",
        "agent_serving.step.index": 1,
        "agent_serving.tool.effect": "pure",
        "agent_serving.tool.executor": "server",
        "agent_serving.tool.model_step.id": "step_0",
        "agent_serving.tool.outcome": "ok",
    }


def test_attempts_are_siblings_and_the_engine_was_told_their_ids() -> None:
    error = Failure(code="engine_unavailable", message="The connection broke.")
    lost = attempt(1, status="failed", error=error)
    spans = spans_of(turn_of(model_step(lost, attempt(2, started_at=at(1.3)))))
    first, second = (span for span in spans if span.name == "chat m")
    assert first.parent_span_id == second.parent_span_id == root_span_id("turn_1")
    assert first.span_id == attempt_span_id(f"{1:016x}", 1) == f"{1:016x}"
    assert second.span_id == attempt_span_id(f"{1:016x}", 2)
    assert first.error == "The connection broke."
    assert first.attributes[n.ERROR_TYPE] == "engine_unavailable"
    assert n.RESPONSE_FINISH_REASONS not in first.attributes
    assert second.error is None
    assert second.attributes[n.RESPONSE_FINISH_REASONS] == ("stop",)


def test_a_step_that_failed_before_any_request_has_a_span_too() -> None:
    error = Failure(code="engine_unavailable", message="No engine is up.")
    step = model_step(status="failed", error=error, items=(), finish=None)
    turn = turn_of(step, status="failed", error=error)
    root, chat = spans_of(turn)
    assert chat.error == root.error == "No engine is up."
    assert chat.attributes[n.ERROR_TYPE] == root.attributes[n.ERROR_TYPE] == error.code


def test_what_a_tool_says_went_wrong_is_not_told_but_its_kind_is() -> None:
    result = ToolResult(call_id="call_1", output="my secret", outcome="error")
    refused = tool_step(2, span_id=None, status="failed", result=result.but(outcome="invalid"))
    failed = tool_step(1, status="failed", result=result)
    _, first, second = spans_of(turn_of(failed, refused))
    assert (first.error, second.error) == ("", "")
    assert first.attributes[n.ERROR_TYPE] == "error"
    assert second.attributes[n.ERROR_TYPE] == "invalid"
    assert "secret" not in str((first, second))


def test_a_turn_is_linked_to_the_one_before_it() -> None:
    first = turn_of()
    second = turn_of(id="turn_2", index=1, trace_id="f" * 32)
    session = session_of(first, second)
    assert next(turn_spans(session, first)).links == ()
    [link] = next(turn_spans(session, second)).links
    assert (link.trace_id, link.span_id) == (TRACE, next(turn_spans(session, first)).span_id)


def test_a_turn_that_a_fork_inherited_is_told_as_its_origin_told_it() -> None:
    turn = turn_of(model_step(attempt()))
    origin = ForkOrigin(session_id="sess_0", turn_id="turn_1")
    inherited = spans_of(turn, origin=origin, inherited_turns=1)
    assert inherited == spans_of(turn, id="sess_0")


def test_a_turn_that_runs_is_told_up_to_the_last_step_that_is_over() -> None:
    running = model_step(index=1, status="running", ended_at=None, started_at=at(2))
    turn = turn_of(model_step(attempt()), running, status="in_progress", ended_at=None)
    spans = spans_of(turn)
    assert spans[0].end_ns == nanoseconds(at(5))
    assert [span.name for span in spans if span.name.startswith(n.CHAT)] == ["chat m"]


# --- content --------------------------------------------------------------------------------

SECRETS = ("hi_there", "all_done", "Obey.", "b_argument", "result_3")


def spoken_turn() -> Turn:
    called = (ToolCallItem(id="item_c", **CALL.model_dump()),)
    return turn_of(
        model_step(attempt(), items=called),
        tool_step(),
        model_step(attempt(started_at=at(2.1)), index=2, started_at=at(2), ended_at=at(3)),
        interjections=(Interjection(after=2, item=message("wait")),),
    )


def test_nothing_that_was_said_is_told_unless_it_is_asked_for() -> None:
    told = str(spans_of(spoken_turn(), agent=agent(instructions="Obey.")))
    assert not [secret for secret in SECRETS if secret in told]


def test_content_is_on_spans_or_in_events_or_both_as_asked() -> None:
    for capture in (Capture.SPAN_ONLY, Capture.EVENT_ONLY, Capture.SPAN_AND_EVENT):
        spans = spans_of(spoken_turn(), capture, agent=agent(instructions="Obey."))
        attributes = str([span.attributes for span in spans])
        events = str([event for span in spans for event in span.events])
        for secret in SECRETS:
            assert (secret in attributes) is capture.on_span, (secret, capture)
            assert (secret in events) is capture.in_event, (secret, capture)


def test_a_step_tells_what_was_new_to_the_model() -> None:
    spans = spans_of(spoken_turn(), Capture.SPAN_ONLY)
    first, second = (span for span in spans if span.name == "chat m")
    assert first.attributes[n.INPUT_MESSAGES] == (
        '[{"role": "user", "parts": [{"type": "text", "content": "hi_there"}]}]'
    )
    assert second.attributes[n.INPUT_MESSAGES] == (
        '[{"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", '
        '"response": "result_3"}]}, '
        '{"role": "user", "parts": [{"type": "text", "content": "wait"}]}]'
    )
    assert second.attributes[n.OUTPUT_MESSAGES] == (
        '[{"role": "assistant", "parts": [{"type": "text", "content": "all_done"}], '
        '"finish_reason": "stop"}]'
    )
    tool = named(spans, "execute_tool add")
    assert tool.attributes[n.TOOL_CALL_ARGUMENTS] == CALL.arguments
    assert tool.attributes[n.TOOL_CALL_RESULT] == "result_3"


def test_who_said_what_a_turn_began_with_is_told() -> None:
    turn = turn_of(model_step(attempt()), input=(message("noted", "assistant"), message("hi")))
    for span in spans_of(turn, Capture.SPAN_ONLY)[:2]:
        said = json.loads(str(span.attributes[n.INPUT_MESSAGES]))
        assert [each["role"] for each in said] == ["assistant", "user"]


def test_a_long_text_is_cut() -> None:
    turn = turn_of(input=(message("x" * 100_000),))
    [root] = spans_of(turn, Capture.SPAN_ONLY)
    assert len(str(root.attributes[n.INPUT_MESSAGES])) < LONGEST_TEXT + 100
