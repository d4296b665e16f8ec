from typing import Annotated

from pydantic import Field

from agent_serving import ToolContext, tool


@tool(effect="idempotent", timeout=10)
async def remember(
    key: Annotated[str, Field(min_length=1, max_length=200)],
    value: Annotated[str, Field(max_length=16_000)],
    context: ToolContext,
) -> str:
    """Keep a text for later in this session, under a key. A key that exists is overwritten.

    Args:
        key: A short name, for example favourite_colour.
        value: What to keep.
    """
    await context.memory.put(key, value)
    return f"Remembered {key}."
