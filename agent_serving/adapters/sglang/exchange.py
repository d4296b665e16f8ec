"""One streamed request, whoever reads it. A task of its own reads the stream to its end: a reader
that is cancelled must not take down the connection that tells when the engine has let go."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from agent_serving.adapters.sglang.client import EngineClient
from agent_serving.adapters.sglang.stream import Frame, decode
from agent_serving.domain.errors import AgentServingError, EngineUnavailable

LET_GO_SECONDS = 5.0
# An abort that overtakes its own request is ignored by SGLang, so it is sent until one has worked.
_ABORT_AGAIN_SECONDS = 0.25
_ABORT_CALL_SECONDS = 2.0


class Exchange:
    """`frame()` gives the next frame with the moment of its arrival (monotonic seconds); `close()`
    returns once the engine has let go of the request, at most `LET_GO_SECONDS` later."""

    def __init__(
        self, client: EngineClient, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        self._client = client
        self._rid = str(body["rid"])
        self._arrived: asyncio.Queue[tuple[float, Frame | Exception]] = asyncio.Queue()
        self._answered = False
        self._closing: asyncio.Task[None] | None = None
        self.sent = time.monotonic()
        self._reader = asyncio.create_task(self._read(body, headers))

    async def frame(self) -> tuple[float, Frame]:
        """The last one has a finish reason; ask for none after it. Raises what `decode` and
        `EngineClient.stream` raise; EngineUnavailable where the stream just ends."""
        at, frame = await self._arrived.get()
        if isinstance(frame, Exception):
            raise frame
        return at, frame

    async def close(self) -> None:
        """Abort unless the engine is done. Runs to its end even where the caller is cancelled."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._let_go())
        await asyncio.shield(self._closing)

    async def _read(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        try:
            async with self._client.stream("/generate", body, headers) as lines:
                async for line in lines:
                    frame = decode(line, self._client.name)
                    if frame is not None:
                        self._answered = frame.finish is not None
                        self._arrived.put_nowait((time.monotonic(), frame))
            if not self._answered:
                lost = EngineUnavailable(
                    f"The engine {self._client.name} ended the stream in the middle of a reply; "
                    "it may have died."
                )
                self._arrived.put_nowait((time.monotonic(), lost))
        except Exception as error:  # whoever waits for a frame must hear of it, whatever it is
            self._arrived.put_nowait((time.monotonic(), error))

    async def _let_go(self) -> None:
        give_up = time.monotonic() + LET_GO_SECONDS
        while not self._reader.done() and time.monotonic() < give_up:
            if not self._answered:
                with contextlib.suppress(AgentServingError):
                    await self._client.post(
                        "/abort_request", {"rid": self._rid}, seconds=_ABORT_CALL_SECONDS
                    )
            await asyncio.wait({self._reader}, timeout=_ABORT_AGAIN_SECONDS)
        if not self._reader.done():
            # The engine notices a closed connection too, after some seconds.
            self._reader.cancel()
            await asyncio.wait({self._reader}, timeout=_ABORT_CALL_SECONDS)
