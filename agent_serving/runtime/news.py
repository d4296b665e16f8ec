"""What a loop that looks now and then is to look at sooner."""

from __future__ import annotations

import asyncio
import contextlib


class News(asyncio.Event):
    async def within(self, seconds: float) -> None:
        """Until there are some, or the time is up."""
        # Not `wait_for`: in Python 3.11 it forgets a cancellation that comes with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
