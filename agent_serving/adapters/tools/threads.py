"""Threads for blocking tools, of which a hung one can be given up."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class ToolThreads:
    """At most `limit` calls run at a time; more wait. A cancelled call leaves its thread running,
    since Python cannot stop one: its place is free again, and it counts as `abandoned` until it
    returns.

    The threads are daemons of their own, not an executor's: the interpreter would wait for an
    executor's threads when it exits, so that one hung tool would keep the process alive.
    """

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)
        self.abandoned = 0

    async def run(self, work: Callable[[], T], started: Callable[[], None]) -> T:
        """What `work` returns or raises. `started` is called once a thread has been found."""
        async with self._free:
            started()
            loop = asyncio.get_running_loop()
            done: asyncio.Future[tuple[T | None, BaseException | None]] = loop.create_future()

            def deliver(value: T | None, error: BaseException | None) -> None:
                if done.cancelled():
                    self.abandoned -= 1
                else:
                    # As a value: a future cannot hold every exception.
                    done.set_result((value, error))

            def target() -> None:
                value, error = _outcome(work)
                with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile
                    loop.call_soon_threadsafe(deliver, value, error)

            copied = contextvars.copy_context()
            Thread(target=copied.run, args=(target,), name="tool", daemon=True).start()
            try:
                value, error = await done
            except asyncio.CancelledError:
                if done.cancelled():
                    self.abandoned += 1
                raise
            if error is not None:
                raise error
            return value  # type: ignore[return-value]  # there is a value where there is no error


def _outcome(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return work(), None
    except Exception as error:
        return None, error
    except BaseException as error:  # sys.exit() in a tool ends the call, not the service
        return None, RuntimeError(f"the tool raised {type(error).__name__}")
