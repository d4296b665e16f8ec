"""The traces of a session on the real SGLang, read where others would read them: at a collector."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from agent_serving.domain import span_names as n
from agent_serving.local.install import ensure_engine
from agent_serving.local.launch import EngineProcess, LaunchOptions
from agent_serving.local.shipped_model import NAME, shipped_model
from tests.conftest import HOME
from tests.e2e.conftest import Deployment, Json, deploying
from tests.e2e.rotel import Printed, Rotel, receiving

pytestmark = pytest.mark.timeout(1200)  # with the start of an engine on a busy machine
CALLER_TRACE, CALLER_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
QUESTIONS = (
    "What's the weather in Paris and Tokyo?",
    "How is the weather in Oslo and Madrid?",
    "Tell me the weather in London and Rome.",
    "weather in Berlin and Cairo",
    "What is the weather like in Lima and Quito?",
)
"""The model is small: what one of them does not make it do, another does."""
ENGINES = {
    "tokenize",
    "api_server_dispatch",
    "request_process",
    "prefill_waiting",
    "prefill_forward",
    "decode_forward",
}
"""What SGLang 0.5.23 tells of every request at its level 2."""
CLOCKS_MS, LATE_MS = 5, 2000
"""SGLang's spans are told by other processes, which stop their clocks when they come to it."""


@dataclass(frozen=True)
class Told:
    """A session of two turns: what the API tells of it, and what the collector got."""

    session: str
    turns: list[Json]
    steps: list[list[Json]]
    worker: str
    spans: list[Printed]

    @cached_property
    def by_id(self) -> dict[str, Printed]:
        return {span.id: span for span in self.spans}

    @cached_property
    def below(self) -> dict[str, list[Printed]]:
        children: defaultdict[str, list[Printed]] = defaultdict(list)
        for span in sorted(self.spans, key=lambda span: (span.start, span.end)):
            children[span.parent_id].append(span)
        return children

    def descendants(self, span: Printed) -> Iterator[Printed]:
        for child in self.below.get(span.id, []):
            yield child
            yield from self.descendants(child)

    def of(self, step: Json) -> Printed:
        return self.by_id[step["span_id"]]

    def root(self, turn: Json) -> Printed:
        [root] = [
            span
            for span in self.spans
            if span.trace_id == turn["trace_id"] and span.name.startswith(n.INVOKE_AGENT)
        ]
        return root

    @property
    def model_steps(self) -> list[Json]:
        return [step for steps in self.steps for step in steps if step["kind"] == "model"]

    @property
    def tool_steps(self) -> list[Json]:
        return [step for steps in self.steps for step in steps if step["kind"] == "tool"]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotel]:
    with receiving(tmp_path_factory.mktemp("rotel")) as rotel:
        yield rotel


@pytest.fixture(scope="module")
def traced_engine(
    collector: Rotel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EngineProcess]:
    model = shipped_model()
    process = EngineProcess(
        LaunchOptions(
            environment=ensure_engine(HOME, print),
            model=model.directory,
            served_name=model.served_name,
            context_length=model.context_length,
            log=tmp_path_factory.mktemp("traced") / "engine.log",
            extra_arguments=("--enable-trace", "--otlp-traces-endpoint", collector.grpc),
            extra_environment={"SGLANG_TRACE_LEVEL": "2"},
        )
    )
    process.start()
    try:
        process.wait_until_ready(900)
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
async def told(
    collector: Rotel, traced_engine: EngineProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Told]:
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.http}/v1/traces")
        environment.setenv("OTEL_SERVICE_NAME", "house")
        async with deploying(tmp_path_factory.mktemp("service")) as deploy:
            service = await deploy(
                traced_engine.url, currency="EUR", prices={"*": {"input": "1", "output": "2"}}
            )
            session, first = await in_parallel(service)
            header = {"traceparent": f"00-{CALLER_TRACE}-{CALLER_SPAN}-01"}
            answer = await service.http.post(
                f"/v1/sessions/{session}/turns", json={"input": "Thank you!"}, headers=header
            )
            second = answer.json()
            assert second["status"] == "completed", second
            turns = [first, second]
            steps = [await service.steps(session, turn) for turn in turns]
        # The service has ended, and so has sent all that it had.
        spans = await received(collector, turns, [step for each in steps for step in each])
        worker = traced_engine.url.removeprefix("http://")
        yield Told(session, turns, steps, worker, spans)


async def in_parallel(service: Deployment) -> tuple[str, Json]:
    """A session whose first turn ran two tools at once."""
    seen: list[Any] = []
    for question in QUESTIONS:
        session = await service.open(
            instructions="You help.", tools=["weather"], sampling={"temperature": 0}
        )
        turn = await service.say(session, question, tool_choice="required")
        steps = await service.steps(session, turn)
        calls = [step["tool"] for step in steps if step["kind"] == "tool"]
        seen.append((question, turn["status"], calls))
        first = [step for step in steps[:3] if step["kind"] == "tool"]
        if turn["status"] == "completed" and len(first) == 2:
            return session, turn
    raise AssertionError(f"No question had two calls: {seen}")


async def received(collector: Rotel, turns: list[Json], steps: list[Json]) -> list[Printed]:
    """What the collector has of these turns once SGLang has sent its part, the outer spans last."""
    traces = {turn["trace_id"] for turn in turns}
    models = sum(step["kind"] == "model" for step in steps)
    before: list[Printed] = []
    async with asyncio.timeout(120):
        while True:
            spans = [span for span in collector.spans() if span.trace_id in traces]
            known = {span.id for span in spans} | {"", CALLER_SPAN}
            names = [span.name for span in spans if span.service != "house"]
            all_there = all(names.count(name) >= models for name in ENGINES)
            if spans == before and all_there and all(span.parent_id in known for span in spans):
                return spans
            before = spans  # the last one may be half written
            await asyncio.sleep(1)


# --- names, kinds, attributes ---------------------------------------------------------------


async def test_each_turn_is_one_trace_with_all_of_its_steps(told: Told) -> None:
    assert told.turns[1]["trace_id"] == CALLER_TRACE != told.turns[0]["trace_id"]
    assert len({span.id for span in told.spans}) == len(told.spans)
    for turn, steps in zip(told.turns, told.steps, strict=True):
        assert turn["status"] == "completed"
        assert {step["trace_id"] for step in steps} == {turn["trace_id"]}
        ours = [
            span
            for span in told.spans
            if span.service == "house" and span.trace_id == turn["trace_id"]
        ]
        models = [step for step in steps if step["kind"] == "model"]
        tools = [step for step in steps if step["kind"] == "tool"]
        wanted = [
            ("POST /v1/sessions/{session_id}/turns", "SPAN_KIND_SERVER"),
            (f"{n.INVOKE_AGENT} e2e", "SPAN_KIND_INTERNAL"),
            *[(f"{n.CHAT} {NAME}", "SPAN_KIND_CLIENT")] * len(models),
            *[(f"{n.EXECUTE_TOOL} weather", "SPAN_KIND_INTERNAL")] * len(tools),
            *[(phase, "SPAN_KIND_INTERNAL") for phase in n.PHASES] * len(models),
        ]
        assert sorted((span.name, span.kind) for span in ours) == sorted(wanted)
        assert {span.scope.split()[0] for span in ours} == {n.SCOPE}


async def test_a_turn_tells_whose_it_is_and_what_it_came_to(told: Told) -> None:
    for turn in told.turns:
        said = told.root(turn).attributes
        assert said[n.OPERATION_NAME] == n.INVOKE_AGENT
        assert said[n.AGENT_NAME] == "e2e"
        assert said[n.CONVERSATION_ID] == told.session
        assert said[n.TURN_ID] == turn["id"]
        assert said[n.TURN_STATUS] == "completed"
        assert said[n.TURN_INPUT_TOKENS] == turn["usage"]["input_tokens"] > 0
        assert said[n.TURN_OUTPUT_TOKENS] == turn["usage"]["output_tokens"] > 0
        assert said[n.TURN_COST_TOTAL] == pytest.approx(float(turn["cost"]["total"]))


async def test_a_chat_tells_what_the_ledger_tells(told: Told) -> None:
    for step in told.model_steps:
        said = told.of(step).attributes
        host, port = told.worker.split(":")
        assert {
            n.OPERATION_NAME: n.CHAT,
            n.PROVIDER_NAME: n.PROVIDER,
            n.REQUEST_MODEL: NAME,
            n.RESPONSE_MODEL: NAME,
            n.REQUEST_STREAM: True,
            n.RESPONSE_ID: step["rid"],
            n.CONVERSATION_ID: told.session,
            n.STEP_ID: step["id"],
            n.WORKER: told.worker,
            n.SERVER_ADDRESS: host,
            n.SERVER_PORT: int(port),
            n.USAGE_INPUT_TOKENS: step["usage"]["input_tokens"],
            n.USAGE_CACHED_TOKENS: step["usage"]["cached_tokens"],
            n.USAGE_OUTPUT_TOKENS: step["usage"]["output_tokens"],
            n.PREFIX_EXPECTED: step["prefix"]["expected_tokens"],
            n.PREFIX_LOST: step["prefix"]["lost_tokens"],
            n.COST_CURRENCY: "EUR",
        }.items() <= said.items(), said
        assert said[n.COST_TOTAL] == pytest.approx(float(step["cost"]["total"]))
        assert said[n.RESPONSE_TIME_TO_FIRST_CHUNK] == pytest.approx(
            step["timings"]["ttft_ms"] / 1000, abs=1e-6
        )


async def test_tools_of_one_reply_stand_side_by_side(told: Told) -> None:
    first, second = told.tool_steps[:2]
    spans = [told.of(first), told.of(second)]
    for step, span in zip((first, second), spans, strict=True):
        said = span.attributes
        assert said[n.OPERATION_NAME] == n.EXECUTE_TOOL
        assert said[n.TOOL_NAME] == "weather"
        assert said[n.TOOL_CALL_ID] == step["tool"]["call_id"]
        assert str(said[n.TOOL_DESCRIPTION]).startswith("A stub")
        # What was said is told only where it is asked for.
        assert n.TOOL_CALL_ARGUMENTS not in said
    assert len({span.parent_id for span in spans}) == 1
    assert len({span.attributes[n.TOOL_MODEL_STEP] for span in spans}) == 1


async def test_nothing_that_was_said_is_in_a_span(told: Told) -> None:
    texts = [str(value) for span in told.spans for value in span.attributes.values()]
    assert not [text for text in texts if "weather in" in text or "Thank you" in text]


# --- how they hang together -----------------------------------------------------------------


async def test_a_turn_links_to_the_one_before_it(told: Told) -> None:
    first, second = map(told.root, told.turns)
    assert first.links == []
    assert second.links == [(first.trace_id, first.id)]


async def test_the_callers_span_is_above_the_request_and_the_request_above_the_turn(
    told: Told,
) -> None:
    first, second = (told.by_id[told.root(turn).parent_id] for turn in told.turns)
    assert first.parent_id == ""
    assert second.parent_id == CALLER_SPAN
    for turn, steps in zip(told.turns, told.steps, strict=True):
        assert {told.of(step).parent_id for step in steps} == {told.root(turn).id}


async def test_sglangs_own_spans_are_below_the_chat_that_asked_for_them(told: Told) -> None:
    theirs = [span for span in told.spans if span.service != "house"]
    found: list[Printed] = []
    for step in told.model_steps:
        chat = told.of(step)
        engine = [span for span in told.descendants(chat) if span.service != "house"]
        assert {span.name for span in engine} >= ENGINES
        [request] = [span for span in engine if span.parent_id == chat.id]
        assert request.name == f"Req {step['rid'][:8]}"
        found += engine
    assert {span.id for span in found} == {span.id for span in theirs}


# --- times ----------------------------------------------------------------------------------


async def test_children_are_inside_their_parents(told: Told) -> None:
    for span in told.spans:
        parent = told.by_id.get(span.parent_id)
        if parent is None:
            assert span.parent_id in ("", CALLER_SPAN)
            continue
        assert span.start <= span.end
        slack = 0 if span.service == parent.service == "house" else 1_000_000
        assert parent.start - CLOCKS_MS * slack <= span.start, (parent, span)
        assert span.end <= parent.end + LATE_MS * slack, (parent, span)


async def test_the_phases_of_a_step_come_one_after_another_and_add_up_to_it(told: Told) -> None:
    for step in told.model_steps:
        chat, timings = told.of(step), step["timings"]
        phases = [span for span in told.below[chat.id] if span.service == "house"]
        assert [span.name for span in phases] == list(n.PHASES)
        assert all(a.end <= b.start for a, b in pairwise(phases))
        names = ("admission_ms", "engine_queue_ms", "prefill_ms", "decode_ms")
        for span, name in zip(phases, names, strict=True):
            assert span.milliseconds == pytest.approx(timings[name], abs=0.01)
        spent = sum(span.milliseconds for span in phases) + timings["orchestration_ms"]
        assert spent == pytest.approx(timings["total_ms"], abs=1)
        # What the service does before it asks the engine is in the step, and in no chat.
        [attempt] = step["attempts"]
        assert chat.milliseconds == pytest.approx(attempt["timings"]["total_ms"], abs=0.01)
        assert chat.milliseconds <= timings["total_ms"] + 1


async def test_sglangs_own_spans_measure_what_ours_measure(told: Told) -> None:
    later = []
    for step in told.model_steps:
        below = list(told.descendants(told.of(step)))
        [waiting, prefill] = [
            span for span in below if span.name in ("prefill_waiting", "prefill_forward")
        ]
        [queue, ours] = [span for span in below if span.name in (n.ENGINE_QUEUE, n.ENGINE_PREFILL)]
        assert queue.milliseconds == pytest.approx(waiting.milliseconds, abs=1)
        assert ours.milliseconds == pytest.approx(prefill.milliseconds, abs=1)
        later.append((ours.end - prefill.end) / 1e6)
    # Ours ends where the first token is here, never before the engine has it; but a clock may lag.
    assert median(later) >= -CLOCKS_MS
