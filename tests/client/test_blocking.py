"""The client without an event loop, over real HTTP."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel

from agent_serving import AgentServing, tool
from agent_serving.client.models import TextDelta
from agent_serving.testing import Say
from tests.client.conftest import Connect
from tests.runtime.talk import call


class City(BaseModel):
    name: str


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_program_without_an_event_loop_does_all_of_it(connect: Connect) -> None:
    connected = await connect(
        call("add", '{"a": 1, "b": 2}'), "It is 3.", '{"name": "Rome"}', Say("word " * 20)
    )

    def program(client: AgentServing) -> None:
        with client:
            session = client.sessions.create(tools=[add])
            with session.stream("1 + 2?") as turn:
                pieces = [event.delta for event in turn if isinstance(event, TextDelta)]
                result = turn.result()
            assert "".join(pieces) == result.text == "It is 3."
            assert [step.kind for step in result.steps] == ["model", "tool", "model"]
            city = session.run("A city?", output_type=City).output
            assert city == City(name="Rome")
            handle = session.fork().start("A story?")
            assert handle.wait(timeout=20).text == "word " * 20
            assert [t.index for t in client.turns.list(session.id, limit=1)] == [0, 1]
            assert len(list(client.events.follow(session.id, turn_id=result.turn.id))) > 5

    await asyncio.to_thread(program, connected.blocking())


async def test_it_works_where_a_loop_runs_already(connect: Connect) -> None:
    """As in a notebook."""
    connected = await connect(call("add", '{"a": 1, "b": 2}'), "It is 3.")

    async def cell() -> str:
        with connected.blocking() as client:
            return client.sessions.create(tools=[add]).run("1 + 2?").text

    assert await asyncio.to_thread(asyncio.run, cell()) == "It is 3."
