"""An engine on a server that fails on demand, and the dialects of its templates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.dialect import CallSyntax, Dialect
from tests.adapters.sglang.fake_server import FakeSglang


@pytest.fixture
async def fake() -> AsyncIterator[FakeSglang]:
    sglang = FakeSglang()
    server = await asyncio.start_server(sglang.serve, "127.0.0.1", 0)
    sglang.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield sglang
    sglang.aborted.set()
    server.close()
    await server.wait_closed()


@pytest.fixture
async def engine(fake: FakeSglang) -> AsyncIterator[SglangEngine]:
    """Not probed yet."""
    sglang = SglangEngine([fake.url], chunk_seconds=60.0, compile_seconds=10.0)
    yield sglang
    await sglang.aclose()


@pytest.fixture
def chatty() -> Dialect:
    """The dialect of the templates that the fake server renders."""
    return _dialect("<end>")


@pytest.fixture
def foreign() -> Dialect:
    return _dialect("<stop>")


def _dialect(end_of_turn: str) -> Dialect:
    syntax = CallSyntax(begin="<call>{name}", trigger="<call>")
    return Dialect(name="chatty", end_of_turn=end_of_turn, tool_call=syntax)
