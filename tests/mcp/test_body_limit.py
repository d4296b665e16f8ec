"""What comes back over HTTP, before anything reads it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest

from agent_serving.adapters.tools.mcp.body_limit import LimitedBodies


def client(limit: int, kind: str, *chunks: bytes, **headers: str) -> httpx2.AsyncClient:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["accept-encoding"] == "identity"
        return httpx2.Response(200, headers={"content-type": kind, **headers}, content=body())

    return httpx2.AsyncClient(transport=LimitedBodies(httpx2.MockTransport(answer), limit))


async def test_a_body_may_be_as_large_as_the_limit_and_no_larger() -> None:
    async with client(6, "application/json", b"123", b"456") as http:
        assert (await http.get("http://server")).text == "123456"
    async with client(5, "application/json", b"123", b"456") as http:
        with pytest.raises(httpx2.StreamError, match="more than"):
            await http.get("http://server")


async def test_a_stream_of_events_may_be_longer() -> None:
    async with client(
        5, "text/event-stream; charset=utf-8", b"data: 1\n\n", b"data: 2\n\n"
    ) as http:
        assert (await http.get("http://server")).text.count("data") == 2


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_what_is_compressed_is_not_unpacked(kind: str) -> None:
    packed = gzip.compress(b" " * 1_000_000)
    headers = {"content-encoding": "gzip"}
    async with client(10_000, kind, packed, **headers) as http:
        with pytest.raises(httpx2.StreamError, match="compressed"):
            await http.get("http://server")
