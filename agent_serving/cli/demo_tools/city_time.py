from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from agent_serving import tool

ZONES = {
    "Auckland": "Pacific/Auckland",
    "Berlin": "Europe/Berlin",
    "Lima": "America/Lima",
    "Nairobi": "Africa/Nairobi",
    "Tokyo": "Asia/Tokyo",
}


@tool(effect="pure", timeout=5)
def city_time(city: Literal["Auckland", "Berlin", "Lima", "Nairobi", "Tokyo"]) -> str:
    """Tell the weekday and the time in a city.

    Args:
        city: One of the cities that are known.
    """
    return f"{datetime.now(ZoneInfo(ZONES[city])):%A %H:%M} in {city}"
