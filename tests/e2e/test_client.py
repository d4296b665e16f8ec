"""The Python client on the real SGLang."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from agent_serving import AgentServing, tool
from agent_serving.bootstrap import build
from agent_serving.cli.server import serving
from agent_serving.client.models import TextDelta, ToolCallCompleted
from agent_serving.config import Settings


class Answer(BaseModel):
    good: bool


@tool(effect="pure")
def weather(city: str) -> dict[str, str | int]:
    """Current weather in a city, as a stub for trying tools out.

    Args:
        city: Name of the city, such as "Oslo".
    """
    return {"city": city, "temperature_c": 21, "sky": "sunny", "note": "stub data"}


def program(url: str) -> None:
    with AgentServing(base_url=url) as client:
        session = client.sessions.create({"tools": ["calculator", weather]})
        with session.stream("What is 17 * 23?") as turn:
            events = list(turn)
            result = turn.result()
        assert [e.outcome for e in events if isinstance(e, ToolCallCompleted)] == ["ok"]
        assert "391" in result.text
        written = "".join(event.delta for event in events if isinstance(event, TextDelta))
        assert written.endswith(result.text)
        told = session.run("What is the weather in Rome?")
        assert [step.tool.executor for step in told.steps if step.tool] == ["client"]
        assert "21" in told.text
        chosen = session.run("Is it?", output_type=Literal["yes", "no"], tool_choice="none")
        assert chosen.output in ("yes", "no")
        typed = session.fork().run("And?", output_type=Answer, tool_choice="none")
        assert typed.output.good in (True, False)
        assert typed.turn.output_parsed == typed.output.model_dump()
        # What the session had in the cache before its last turn's step.
        prefix = told.steps[-1].prefix
        assert prefix is not None
        assert prefix.lost_tokens == 0


async def test_the_client_runs_typed_turns_and_its_tools_on_the_real_engine(
    tmp_path: Path, engine_url: str
) -> None:
    settings = Settings(data_dir=tmp_path, engines=(engine_url,))
    async with build(settings) as running, serving(running.app, "127.0.0.1", 0) as url:
        await asyncio.to_thread(program, url)
