from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from agent_serving.domain.errors import ContextLengthExceeded, EngineUnavailable
from agent_serving.domain.tool import tool
from agent_serving.domain.values import (
    ChoiceOutput,
    JsonSchemaOutput,
    Limits,
    Sampling,
    ToolSpec,
)
from agent_serving.testing import FIRST_CONTROL_TOKEN, Break, Say, ScriptedEngine
from tests.runtime.talk import begin, call, open_session, reload, say, settle

ADD = call("add", '{"a": 1, "b": 2}')


async def test_an_answer_completes_the_turn(start: Any) -> None:
    service = await start(ScriptedEngine(["Hello!"]))
    session = await open_session(service)
    turn = await say(service, session, "hi")
    assert (turn.status, turn.output_text) == ("completed", "Hello!")
    assert [item.type for item in turn.items] == ["message", "message"]


async def test_a_tool_runs_and_its_result_goes_back_to_the_model(start: Any) -> None:
    engine = ScriptedEngine([ADD, "It is 3."])
    service = await start(engine)
    session = await open_session(service)
    turn = await say(service, session, "1+2?")
    assert turn.output_text == "It is 3."
    assert [step.kind for step in turn.steps] == ["model", "tool", "model"]
    assert "tool\n3" in engine.decode(engine.requests[1].prompt)


async def test_every_prompt_begins_with_the_prompt_and_the_output_before_it(start: Any) -> None:
    script = [ADD, "3.", "Sure.", ADD + "\n" + ADD, "And 3 again, twice.", "Bye."]
    engine = ScriptedEngine(script)
    service = await start(engine)
    session = await open_session(service, instructions="Be brief.")
    for text in ("one", "two <|im_end|>", "three", "four"):
        assert (await say(service, session, text)).status == "completed"
    steps = [s for t in (await reload(service, session)).turns for s in t.model_steps]
    prompts = [tuple(request.prompt) for request in engine.requests]
    assert len(prompts) == 6
    for line, before, after in zip(script, prompts, prompts[1:], strict=False):
        known = (*before, *engine.encode(line), FIRST_CONTROL_TOKEN)
        assert after[: len(known)] == known
    for step in steps[1:]:
        assert step.usage.cached_tokens >= step.expected_tokens - 1


async def test_parallel_calls_run_at_the_same_time(start: Any) -> None:
    barrier = asyncio.Barrier(2)

    @tool(effect="pure", timeout=5)
    async def meet(name: str) -> str:
        """Wait for the other one."""
        await barrier.wait()
        return name

    calls = call("meet", '{"name": "a"}') + "\n" + call("meet", '{"name": "b"}')
    service = await start(ScriptedEngine([calls, "Met."]), tools=[meet])
    session = await open_session(service, tools=["meet"])
    turn = await say(service, session, "meet")
    assert turn.output_text == "Met."
    assert [s.result.output for s in turn.tool_steps if s.result] == ["a", "b"]


async def test_a_complete_call_starts_while_the_reply_still_streams(start: Any) -> None:
    called = asyncio.Event()

    @tool(effect="pure")
    async def ring() -> str:
        """Ring."""
        called.set()
        return "rung"

    reply = call("ring", "{}") + "\n" + call("ring", "{}" + " " * 200)
    service = await start(ScriptedEngine([Say(reply, delay=0.05), "OK"]), tools=[ring])
    session = await open_session(service, tools=["ring"])
    turn = await begin(service, session, "go")
    await asyncio.wait_for(called.wait(), 10)
    now = (await reload(service, session)).turns[0]
    assert now.model_steps[0].status == "running"
    assert (await settle(service, session, turn)).status == "completed"


async def test_an_invalid_call_never_runs_and_the_model_is_told_why(start: Any) -> None:
    engine = ScriptedEngine([call("add", '{"a": "x", "b": 2}'), ADD, "3"])
    service = await start(engine)
    session = await open_session(service)
    turn = await say(service, session, "1+2?")
    assert turn.status == "completed"
    outcomes = [s.result.outcome for s in turn.tool_steps if s.result]
    assert outcomes == ["invalid", "ok"]
    assert "not valid" in engine.decode(engine.requests[1].prompt)
    assert turn.usage.tool_calls == 1


async def test_a_second_invalid_call_in_a_row_fails_the_turn_clearly(start: Any) -> None:
    service = await start(ScriptedEngine([call("add", '{"a": "x"}'), call("nope", "{}")]))
    session = await open_session(service)
    turn = await say(service, session, "1+2?")
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "invalid_tool_call"
    assert "nope" in turn.error.message


async def test_a_reply_cut_by_length_ends_the_turn_and_is_never_a_call(
    start: Any, witness: Path
) -> None:
    @tool(effect="once")
    def mark(text: str) -> str:
        """Leave a mark."""
        witness.write_text(text)
        return "done"

    reply = call("mark", '{"text": "hello"}')
    service = await start(ScriptedEngine([reply, "Fine."]), tools=[mark])
    sampling = Sampling(max_output_tokens=len(reply) - 12)
    session = await open_session(service, tools=["mark"], sampling=sampling)
    turn = await say(service, session, "go")
    assert (turn.status, turn.reason) == ("incomplete", "max_output_tokens")
    assert witness.read_text() == ""
    assert [getattr(item, "status", None) for item in turn.items][-1] == "incomplete"
    assert (await say(service, session, "again")).output_text == "Fine."


async def test_a_lost_attempt_is_made_again_and_counted(start: Any) -> None:
    engine = ScriptedEngine([Break("Hel"), "Hello!"])
    service = await start(engine)
    session = await open_session(service)
    turn = await say(service, session, "hi")
    assert turn.output_text == "Hello!"
    step = turn.model_steps[0]
    assert [attempt.status for attempt in step.attempts] == ["failed", "completed"]
    assert len({request.rid for request in engine.requests}) == 2
    assert engine.requests[0].prompt == engine.requests[1].prompt


async def test_an_engine_that_keeps_dying_fails_the_turn_and_not_the_session(start: Any) -> None:
    engine = ScriptedEngine([Break("a"), Break("b"), Break("c"), "Back again."])
    service = await start(engine)
    session = await open_session(service)
    turn = await say(service, session, "hi")
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "engine_unavailable"
    assert (await say(service, session, "still there?")).output_text == "Back again."


async def test_a_call_that_has_started_survives_the_death_of_its_engine(
    start: Any, witness: Path
) -> None:
    @tool(effect="once")
    def mark() -> str:
        """Leave a mark."""
        with witness.open("a") as file:
            file.write("x")
        return "marked"

    engine = ScriptedEngine([Break(call("mark", "{}") + "\n<tool_call>\n{"), "Marked."])
    service = await start(engine, tools=[mark])
    session = await open_session(service, tools=["mark"])
    turn = await say(service, session, "mark it")
    assert (turn.status, turn.output_text) == ("completed", "Marked.")
    assert witness.read_text() == "x"
    known = (*engine.requests[0].prompt, *engine.encode(call("mark", "{}")))
    assert tuple(engine.requests[1].prompt)[: len(known)] == known


async def test_no_engine_means_503_and_nothing_accepted(start: Any) -> None:
    engine = ScriptedEngine()
    service = await start(engine)
    session = await open_session(service)
    engine.go_down()
    with pytest.raises(EngineUnavailable, match="Nothing was accepted"):
        await say(service, session, "hi")
    assert (await reload(service, session)).turns == ()


async def test_a_prompt_too_long_for_the_context_is_refused_and_changes_nothing(
    start: Any,
) -> None:
    service = await start(ScriptedEngine(context_length=1000))
    session = await open_session(service)
    with pytest.raises(ContextLengthExceeded):
        await say(service, session, "x" * 1000)
    assert (await reload(service, session)).version == session.version
    assert (await say(service, session, "shorter")).status == "completed"


async def test_a_result_too_long_for_the_context_fails_its_turn_and_no_other(start: Any) -> None:
    @tool(effect="pure")
    def shout() -> str:
        """Say much."""
        return "x" * 5000

    engine = ScriptedEngine([call("shout", "{}"), "Still here."], context_length=3000)
    service = await start(engine, tools=[shout])
    session = await open_session(service, tools=["shout"])
    turn = await say(service, session, "shout")
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "context_length_exceeded"
    assert turn.tool_steps[0].result is not None
    assert len(turn.tool_steps[0].result.output) == 5000
    assert (await say(service, session, "hello?")).output_text == "Still here."
    assert "too long for the model's context" in engine.decode(engine.requests[1].prompt)


async def test_a_tool_that_fails_is_a_result_and_not_the_end(start: Any) -> None:
    @tool(effect="pure", timeout=0.2)
    async def sleep() -> str:
        """Sleep too long."""
        await asyncio.sleep(10)
        return ""

    @tool(effect="pure")
    def crash() -> str:
        """Crash."""
        raise ValueError("boom")

    calls = call("sleep", "{}") + "\n" + call("crash", "{}")
    service = await start(ScriptedEngine([calls, "Sorry."]), tools=[sleep, crash])
    session = await open_session(service, tools=["sleep", "crash"])
    begun = time.monotonic()
    turn = await say(service, session, "go")
    assert turn.output_text == "Sorry."
    assert [s.result.outcome for s in turn.tool_steps if s.result] == ["timeout", "error"]
    assert time.monotonic() - begun < 9


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_steps=2), "max_steps"),
        (Limits(max_output_tokens=100), "max_output_tokens"),
    ],
)
async def test_a_limit_ends_the_turn_incomplete(start: Any, limits: Limits, reason: str) -> None:
    service = await start(ScriptedEngine([ADD]))
    session = await open_session(service, limits=limits)
    turn = await say(service, session, "go")
    assert (turn.status, turn.reason) == ("incomplete", reason)


async def test_wall_time_ends_a_turn_in_the_middle_of_a_reply(start: Any) -> None:
    engine = ScriptedEngine([Say("word " * 500, delay=0.02), "next"])
    service = await start(engine)
    session = await open_session(service, limits=Limits(max_seconds=3))
    turn = await say(service, session, "go")
    assert (turn.status, turn.reason) == ("incomplete", "max_seconds")
    assert engine.aborted == [engine.requests[0].rid]
    assert turn.output_text.startswith("word word")


async def test_with_its_calls_used_up_the_model_is_made_to_answer(start: Any) -> None:
    engine = ScriptedEngine([ADD, "3"])
    service = await start(engine)
    session = await open_session(service, limits=Limits(max_tool_calls=1))
    turn = await say(service, session, "go", tool_choice="required")
    assert turn.status == "completed"
    first, second = (request.constraint for request in engine.requests)
    assert first is not None
    assert "repeat" in first.value
    assert second is not None
    assert '"excludes":["<tool_call>"]' in second.value


async def test_a_client_side_call_waits_for_its_caller(start: Any) -> None:
    from agent_serving.runtime.inputs import ToolResultInput

    ask = ToolSpec(name="ask", executor="client")
    engine = ScriptedEngine([call("ask", "{}"), "You said 42."])
    service = await start(engine)
    session = await open_session(service, tools=[ask])
    turn = await say(service, session, "ask me")
    assert turn.status == "waiting"
    assert (await reload(service, session)).status == "requires_action"
    answer = ToolResultInput(call_id=turn.waiting_for[0], output=42)
    await service.inputs.answer("default", session.id, turn.id, [answer])
    turn = await settle(service, session, turn)
    assert turn.output_text == "You said 42."
    before, after = (request.constraint for request in engine.requests)
    assert before is not None
    assert before is after, "the schemas are spelled out once a turn"


async def test_an_answer_that_breaks_the_schema_is_sent_back_once(start: Any) -> None:
    output = JsonSchemaOutput(
        schema={"type": "object", "properties": {"n": {"multipleOf": 2, "type": "integer"}}}
    )
    service = await start(ScriptedEngine(['{"n": 3}', '{"n": 4}', '{"n": 5}']))
    session = await open_session(service, tools=[], output=output)
    turn = await say(service, session, "even?")
    assert (turn.status, turn.output_text) == ("completed", '{"n": 4}')
    turn = await say(service, session, "again?")
    assert turn.status == "failed"
    assert turn.error is not None
    assert turn.error.code == "invalid_output"


async def test_an_output_constraint_goes_to_the_engine(start: Any) -> None:
    engine = ScriptedEngine(["yes"])
    service = await start(engine)
    session = await open_session(service, tools=[], output=ChoiceOutput(choices=("yes", "no")))
    await say(service, session, "?")
    assert engine.requests[0].constraint is not None


async def test_reasoning_is_an_item_and_a_part_of_the_prefix_but_not_of_the_answer(
    start: Any,
) -> None:
    reply = "<think>\nOne and two.\n</think>\n\nIt is 3."
    engine = ScriptedEngine([reply, "Yes."])
    service = await start(engine)
    session = await open_session(service)
    turn = await say(service, session, "1+2?")
    assert [item.type for item in turn.items] == ["message", "reasoning", "message"]
    assert turn.output_text == "It is 3."
    assert "One and two." in turn.items[1].text
    await say(service, session, "sure?")
    assert reply in engine.decode(engine.requests[1].prompt)
