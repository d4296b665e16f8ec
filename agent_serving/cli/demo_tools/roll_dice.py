import secrets
from typing import Literal

from agent_serving import tool


@tool(effect="once", timeout=5)
def roll_dice(sides: Literal[4, 6, 8, 12, 20], count: Literal[1, 2, 3]) -> str:
    """Roll dice and add them up.

    Args:
        sides: How many sides each has.
        count: How many dice.
    """
    rolled = [secrets.randbelow(sides) + 1 for _ in range(count)]
    return f"{' + '.join(map(str, rolled))} = {sum(rolled)} ({count}d{sides})"
