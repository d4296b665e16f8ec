"""Waiting, as a program without an event loop does it."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns or raises, run in an event loop of its own; in a thread, since the
    caller's may have a loop that runs (a notebook's has)."""
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1, thread_name_prefix="agent-serving tools") as thread:
        return thread.submit(context.run, asyncio.run, work).result()
