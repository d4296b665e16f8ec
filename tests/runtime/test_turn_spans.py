"""What is exported as a turn goes on is what its ledger tells afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent_serving.domain import span_names as n
from agent_serving.domain.session import Session
from agent_serving.domain.span import Span
from agent_serving.domain.spans import turn_spans
from agent_serving.domain.tool import ToolContext, tool
from agent_serving.runtime.service import Service
from agent_serving.runtime.trace import parse_traceparent, parse_tracestate, turn_context
from agent_serving.runtime.turn_spans import TurnSpans
from agent_serving.testing import Break, Say, ScriptedEngine
from tests.runtime.talk import TENANT, begin, call, open_session, reload, say, settle
from tests.runtime.test_recovery import slow_tool
from tests.tracing import RecordingTracer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@tool(effect="pure")
def look(context: ToolContext) -> str:
    """Look at the caller."""
    return context.traceparent


async def traced(
    start: Any, engine: ScriptedEngine, tracer: RecordingTracer, **more: Any
) -> Service:
    service: Service = await start(engine, observers=(TurnSpans(tracer),), tracer=tracer, **more)
    return service


def ledger(session: Session) -> list[Span]:
    return [span for turn in session.turns for span in turn_spans(session, turn)]


def by_id(spans: list[Span]) -> dict[str, Span]:
    found = {span.span_id: span for span in spans}
    assert len(found) == len(spans)
    return found


async def test_what_is_exported_is_what_the_ledger_tells(start: Any) -> None:
    tracer = RecordingTracer()
    two = call("add", '{"a": 2, "b": 3}') + call("add", '{"a": 4, "b": "x"}')
    engine = ScriptedEngine([two, Break("la"), "Five.", "Bye."])
    service = await traced(start, engine, tracer)
    session = await open_session(service)
    await say(service, session, "2 + 3?")
    await say(service, session, "bye")
    session = await reload(service, session)
    assert by_id(tracer.spans) == by_id(ledger(session))
    assert len(tracer.named(n.INVOKE_AGENT)) == 2
    assert len(tracer.named(n.CHAT)) == 4
    assert len(tracer.named(n.EXECUTE_TOOL)) == 2


async def test_the_engine_and_the_tools_are_told_the_spans_that_are_exported(start: Any) -> None:
    tracer = RecordingTracer()
    engine = ScriptedEngine([call("look", "{}"), Break("la"), "Seen."])
    service = await traced(start, engine, tracer, tools=(look,))
    session = await open_session(service, tools=("look",))
    turn = await say(service, session, "look")
    sent = [request.traceparent.split("-")[1:] for request in engine.requests]
    assert sent == [[turn.trace_id, span.span_id, "01"] for span in tracer.named(n.CHAT)]
    assert len(sent) == 3
    [step] = turn.tool_steps
    [span] = tracer.named(n.EXECUTE_TOOL)
    assert step.result is not None
    assert step.result.output == f"00-{turn.trace_id}-{span.span_id}-01"


async def test_a_turn_that_is_cancelled_is_told_to_its_end(start: Any) -> None:
    tracer = RecordingTracer()
    service = await traced(start, ScriptedEngine([Say("on and on " * 50, delay=0.05)]), tracer)
    session = await open_session(service)
    turn = await begin(service, session, "go")
    await asyncio.sleep(0.2)
    assert tracer.spans == []
    await service.sessions.cancel(TENANT, session.id, turn.id)
    await settle(service, session, turn)
    session = await reload(service, session)
    assert by_id(tracer.spans) == by_id(ledger(session))
    [root] = tracer.named(n.INVOKE_AGENT)
    assert root.attributes[n.TURN_STATUS] == "cancelled"
    assert root.error is None


async def test_a_turn_that_two_processes_ran_is_one_trace(start: Any, witness: Path) -> None:
    tracers = RecordingTracer(), RecordingTracer()
    work, started = slow_tool("pure", witness)
    engine = ScriptedEngine([call("work", "{}"), "Done."])
    first = await traced(start, engine, tracers[0], tools=(work,))
    session = await open_session(first, tools=("work",))
    turn = await begin(first, session, "go")
    async with asyncio.timeout(10):
        await started.wait()
        while not tracers[0].named(n.CHAT):
            await asyncio.sleep(0.01)
    await first.aclose()
    second = await traced(start, engine, tracers[1], tools=(work,))
    await settle(second, session, turn)
    session = await reload(second, session)
    assert by_id(tracers[0].spans + tracers[1].spans) == by_id(ledger(session))
    assert len(tracers[1].named(n.CHAT)) == 1


async def test_a_trace_that_is_not_sampled_is_not_exported_and_everybody_is_told(
    start: Any,
) -> None:
    tracer = RecordingTracer(sampled=False)
    engine = ScriptedEngine([call("look", "{}"), "Seen."])
    service = await traced(start, engine, tracer, tools=(look,))
    session = await open_session(service, tools=("look",))
    turn = await say(service, session, "look")
    assert tracer.spans == []
    assert {request.traceparent[-2:] for request in engine.requests} == {"00"}
    [step] = turn.tool_steps
    assert step.result is not None
    assert step.result.output.endswith("-00")
    assert len(ledger(await reload(service, session))) > 3


@pytest.mark.parametrize("flag", ["00", "01"])
async def test_the_callers_trace_goes_on_with_its_flag_and_its_state(start: Any, flag: str) -> None:
    engine = ScriptedEngine(["Hello."])
    service = await start(engine)
    session = await open_session(service)
    header = f"00-{TRACE}-{PARENT}-{flag}"
    turn = await say(service, session, "hi", traceparent=header, tracestate="vendor=1")
    assert (turn.trace_id, turn.parent_span_id) == (TRACE, PARENT)
    [request] = engine.requests
    assert request.traceparent == f"00-{TRACE}-{turn.steps[0].span_id}-{flag}"
    assert request.tracestate == "vendor=1"
    assert {span.tracestate for span in ledger(await reload(service, session))} == {"vendor=1"}


# --- headers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"00-{TRACE}-{PARENT}-01", (TRACE, PARENT, True)),
        (f"00-{TRACE}-{PARENT}-00", (TRACE, PARENT, False)),
        (f"00-{TRACE}-{PARENT}-03", (TRACE, PARENT, True)),
        (f"cc-{TRACE}-{PARENT}-01-what-comes", (TRACE, PARENT, True)),
        (f"00-{TRACE}-{PARENT}-01-what-comes", None),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        ("", None),
        (None, None),
    ],
)
def test_a_traceparent_is_read_as_its_specification_says(
    header: str | None, found: tuple[str, str, bool] | None
) -> None:
    assert parse_traceparent(header) == found


@pytest.mark.parametrize("state", [None, "", "x" * 513, "a=\x7f", "a=ü"])
def test_a_tracestate_that_cannot_be_passed_on_is_dropped(state: str | None) -> None:
    assert parse_tracestate(state) is None


def test_a_tracestate_without_a_trace_belongs_to_nothing() -> None:
    assert turn_context(None, None, "vendor=1").tracestate is None
    assert turn_context(None, f"00-{TRACE}-{PARENT}-01", "vendor=1").tracestate == "vendor=1"
