"""A reply that its engine says not to have been a reply to the prompt: nothing of it counts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from agent_serving.domain.errors import VoidReply
from agent_serving.domain.tool import tool
from agent_serving.ports import Chunk, Finished, Generation
from agent_serving.runtime import model_step
from agent_serving.testing import Break, Line, ScriptedEngine
from tests.runtime.dying import events_of, shown
from tests.runtime.talk import call, open_session, say

WHY = "truncating: the prompt was changed"


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_step, "BACKOFF_SECONDS", 0.0)


class Truncating(ScriptedEngine):
    """Says of the replies whose numbers are in `void`, when all of them is told, that they are."""

    def __init__(self, lines: Sequence[Line], *void: int) -> None:
        super().__init__(lines)
        self._void = void

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        async for part in super().generate(generation):
            if isinstance(part, Finished) and len(self.requests) in self._void:
                raise VoidReply(WHY)
            yield part


async def test_a_void_reply_is_not_taken_though_it_looks_whole(start: Any) -> None:
    engine = Truncating(["All wrong.", "Right."], 1)
    service = await start(engine)
    session = await open_session(service, tools=())
    turn = await say(service, session, "hi")
    assert (turn.status, turn.output_text) == ("completed", "Right.")
    lost, last = turn.model_steps[0].attempts
    assert (lost.status, last.status) == ("failed", "completed")
    assert lost.error is not None
    assert lost.error.message == WHY
    assert lost.usage.output_tokens == len("All wrong.") + 1
    assert engine.requests[0].prompt == engine.requests[1].prompt
    events = await events_of(service, session)
    [restarted] = [e for e in events if e.type == "step.restarted"]
    first = next(e for e in events if e.step_id == restarted.step_id and e.type == "item.added")
    assert restarted.data["void_from"] == first.sequence
    assert list(shown(events).values()) == ["Right."]


async def test_what_goes_on_and_is_void_starts_anew_with_all_of_it(start: Any) -> None:
    engine = Truncating([Break("Hel"), "p!", "Hello."], 2)
    service = await start(engine)
    session = await open_session(service, tools=())
    turn = await say(service, session, "hi")
    assert turn.output_text == "Hello."
    assert engine.requests[0].prompt == engine.requests[2].prompt
    assert list(shown(await events_of(service, session)).values()) == ["Hello."]


async def test_the_last_attempt_that_is_void_fails_the_turn(start: Any) -> None:
    engine = Truncating(["a", "b", "c", "Right."], 1, 2, 3)
    service = await start(engine)
    session = await open_session(service, tools=())
    turn = await say(service, session, "hi")
    assert (turn.status, turn.output_text) == ("failed", "")
    assert turn.error is not None
    assert turn.error.message == WHY
    assert [a.status for a in turn.model_steps[0].attempts] == ["failed"] * 3
    assert await service._runners._ports.store.kept(session.id) is None
    assert (await say(service, session, "again")).output_text == "Right."


async def test_a_void_reply_whose_calls_have_started_ends_behind_them(start: Any) -> None:
    @tool(effect="once")
    def mark() -> str:
        """Leave a mark."""
        return "marked"

    engine = Truncating([f"I mark.\n{call('mark', '{}')}", "Marked."], 1)
    service = await start(engine, tools=[mark])
    session = await open_session(service, tools=["mark"])
    turn = await say(service, session, "go")
    assert (turn.status, turn.output_text) == ("completed", "Marked.")
    assert [s.result.outcome for s in turn.tool_steps if s.result] == ["ok"]
