"""Tools that leave a trace outside of the service, and in which a process can die."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from agent_serving import ToolContext, tool
from tests.chaos.diary import write_effect
from tests.chaos.doom import Doom


@tool(effect="once", timeout=60)
async def pay(context: ToolContext) -> str:
    """Pay the bill."""
    folder = Path(os.environ["CHAOS_FOLDER"])
    write_effect(folder / "witness", context.idempotency_key)
    await asyncio.sleep(0.1)
    Doom(folder).met("in a tool", context.session_id)
    await asyncio.sleep(0.1)
    return "paid"


@tool(effect="idempotent", timeout=60)
async def look() -> str:
    """Look up the balance."""
    await asyncio.sleep(0.1)
    return "12"
