from agent_serving import ToolContext, ToolError, tool

MOST_KEYS = 50


@tool(effect="pure", timeout=10)
async def recall(key: str, context: ToolContext) -> str:
    """Read a text that was kept with remember earlier in this session.

    Args:
        key: The name it was kept under.
    """
    value = await context.memory.get(key)
    if value is not None:
        return value
    known = sorted(await context.memory.keys())
    if not known:
        raise ToolError(f"Nothing is kept under {key!r}: nothing was remembered so far.")
    names = ", ".join(known[:MOST_KEYS]) + (", …" if len(known) > MOST_KEYS else "")
    raise ToolError(f"Nothing is kept under {key!r}. Known keys: {names}.")
