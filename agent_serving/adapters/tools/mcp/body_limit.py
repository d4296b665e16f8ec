"""How much of an answer is taken in over HTTP, before anything can cut it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

EVENTS = "text/event-stream"
"""Its events are bounded one by one, by the SDK; the stream itself may go on for ever."""


class LimitedBodies(httpx2.AsyncBaseTransport):
    """Answers with a body of at most `limit` bytes. None is unpacked: a small one could become a
    large one. Reading what goes against it raises httpx2.StreamError, which the SDK makes an error
    of that request."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        headers = response.headers
        packed = headers.pop("content-encoding", "identity").strip().lower() != "identity"
        events = headers.get("content-type", "").lower().startswith(EVENTS)
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=headers,
            stream=_Body(stream, None if events else self._limit, packed),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, limit: int | None, packed: bool) -> None:
        self._stream = stream
        self._limit = limit
        self._packed = packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._packed:
            raise httpx2.StreamError("The answer is compressed, and was asked not to be.")
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if self._limit is not None and size > self._limit:
                raise httpx2.StreamError(f"The answer has more than {_told(self._limit)}.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _told(size: int) -> str:
    return f"{size / 2**20:g} MiB"
