"""What the travel desk of the pictures asks. The answers are made up; the time they take is not."""

import asyncio
from typing import Any

from agent_serving import ToolError, tool


@tool(effect="pure")
async def exchange_rate(base: str, to: str) -> float:
    """What one unit of a currency is worth in another, today.

    Args:
        base: The currency that is given, as ISO 4217 writes it.
        to: The currency that is asked for, as ISO 4217 writes it.
    """
    await asyncio.sleep(0.41)
    rates = {("EUR", "JPY"): 171.42, ("JPY", "EUR"): 0.005834}
    if (base, to) not in rates:
        raise ToolError(f"There is no rate from {base} to {to}. Did you mean JPY?")
    return rates[base, to]


@tool(effect="pure")
async def find_flights(origin: str, destination: str, day: str) -> list[dict[str, Any]]:
    """The flights of a day with their prices.

    Args:
        origin: The airport or the city to leave from.
        destination: The airport or the city to go to.
        day: The day of departure, YYYY-MM-DD.
    """
    await asyncio.sleep(1.31)
    return [{"airline": "ANA", "price_eur": 812}, {"airline": "Lufthansa", "price_eur": 874}]


@tool(effect="pure")
async def find_hotels(near: str, nights: int) -> list[dict[str, Any]]:
    """Hotels near a place, and what a night in them costs.

    Args:
        near: The place.
        nights: How many nights in a row.
    """
    await asyncio.sleep(0.89)
    return [{"name": "Hotel Gracery", "jpy": 18_400}, {"name": "Tokyo Stay", "jpy": 15_900}]
