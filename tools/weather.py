from hashlib import sha256
from typing import Any

from agent_serving import ToolError, tool

SKIES = ("clear", "sunny", "cloudy", "overcast", "foggy", "rainy", "stormy", "snowy", "windy")


@tool(effect="pure", timeout=5)
def weather(city: str) -> dict[str, Any]:
    """A stub: made-up weather, the same for a city every time. Replace it with a real source.

    Args:
        city: The city's name.
    """
    name = " ".join(city.split())
    if not name or len(name) > 100:
        raise ToolError("Give a city's name, up to 100 characters.")
    digest = sha256(name.casefold().encode()).digest()
    return {
        "city": name,
        "temperature_c": digest[0] % 46 - 10,
        "sky": SKIES[digest[1] % len(SKIES)],
        "note": "stub data",
    }
