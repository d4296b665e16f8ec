"""Waiting, as a program with an event loop does it. Its twin for programs without one is the only
file in `synchronous` that is not generated."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def finished(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns or raises."""
    return await work
