"""Engines for tests, and the few things that every test asks of one."""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.values import Message, Sampling, ToolSpec
from agent_serving.ports import Chunk, Engine, Finished, Generation

GRAMMARS = Path(__file__).parents[2] / "grammars"
GREEDY = Sampling(temperature=0)
CALCULATOR = ToolSpec(
    name="calculator",
    description="Work out an expression.",
    parameters={
        "type": "object",
        "properties": {"expression": {"type": "string"}},
        "required": ["expression"],
        "additionalProperties": False,
    },
)
LETTERS = Constraint(kind="regex", value="[a-z]{600}")
"""Long, and never ended early by the model: time to act in mid-stream."""


@asynccontextmanager
async def probed_sglang(url: str) -> AsyncIterator[SglangEngine]:
    engine = SglangEngine([url])
    await engine.probe()
    try:
        yield engine
    finally:
        await engine.aclose()


def qwen() -> Dialect:
    return Dialect(**tomllib.loads((GRAMMARS / "qwen.toml").read_text()))


def generation(
    engine: Engine,
    prompt: Sequence[int],
    *,
    max_new_tokens: int = 24,
    sampling: Sampling = GREEDY,
    constraint: Constraint | None = None,
) -> Generation:
    return Generation(
        rid=uuid.uuid4().hex,
        session_id="sess_contract",
        prompt=prompt,
        max_new_tokens=max_new_tokens,
        sampling=sampling,
        constraint=constraint,
        worker=next(worker.name for worker in engine.workers() if worker.ready),
        traceparent=f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01",
    )


async def collect(engine: Engine, request: Generation) -> tuple[str, list[int], Finished]:
    text, tokens, finished = "", [], None
    async for piece in engine.generate(request):
        assert finished is None, "nothing follows Finished"
        match piece:
            case Chunk():
                text += piece.text
                tokens += piece.tokens
            case Finished():
                finished = piece
    assert finished is not None
    return text, tokens, finished


async def opening(engine: Engine, dialect: Dialect, content: str) -> tuple[int, ...]:
    return await engine.render_opening(
        dialect=dialect,
        instructions="You are a calculator.",
        tools=[CALCULATOR],
        messages=[Message(role="user", content=content)],
    )


def unique(words: str) -> str:
    """The same words would be in the engine's cache already."""
    return f"{uuid.uuid4()} {words}"
