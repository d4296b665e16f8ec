"""Cities whose IANA zones are known by heart. Any other city is asked for by its name, and the
tool's answer names the zone."""

from __future__ import annotations

from typing import Final

# Continent → cities that their zones are named after.
_NAMED = {
    "Europe": """Berlin Paris London Madrid Rome Vienna Zurich Amsterdam Oslo Athens Moscow
Istanbul Lisbon Dublin Warsaw Prague Budapest Stockholm Copenhagen Helsinki Brussels Bucharest
Kyiv Sofia""",
    "Asia": """Tokyo Seoul Shanghai Singapore Hong_Kong Dubai Bangkok Manila Jakarta Taipei
Karachi Dhaka Tehran Jerusalem Baghdad Kathmandu""",
    "Africa": "Cairo Nairobi Lagos Johannesburg Casablanca Accra",
    "Australia": "Sydney Melbourne Perth Brisbane Adelaide",
    "America": """New_York Chicago Los_Angeles Toronto Lima Sao_Paulo Denver Vancouver Mexico_City
Bogota Santiago Havana Caracas Phoenix Anchorage""",
    "Pacific": "Auckland Honolulu",
    "Atlantic": "Reykjavik",
}
_OTHERS = {
    "Beijing": "Asia/Shanghai",
    "Mumbai": "Asia/Kolkata",
    "Delhi": "Asia/Kolkata",
    "Kolkata": "Asia/Kolkata",
    "Bangalore": "Asia/Kolkata",
    "Hanoi": "Asia/Bangkok",
    "Munich": "Europe/Berlin",
    "Hamburg": "Europe/Berlin",
    "Barcelona": "Europe/Madrid",
    "Milan": "Europe/Rome",
    "Geneva": "Europe/Zurich",
    "Edinburgh": "Europe/London",
    "Manchester": "Europe/London",
    "Osaka": "Asia/Tokyo",
    "Cape Town": "Africa/Johannesburg",
    "San Francisco": "America/Los_Angeles",
    "Seattle": "America/Los_Angeles",
    "Las Vegas": "America/Los_Angeles",
    "San Diego": "America/Los_Angeles",
    "Boston": "America/New_York",
    "Miami": "America/New_York",
    "Washington": "America/New_York",
    "Atlanta": "America/New_York",
    "Montreal": "America/Toronto",
    "Houston": "America/Chicago",
    "Dallas": "America/Chicago",
    "Austin": "America/Chicago",
    "Rio de Janeiro": "America/Sao_Paulo",
    "Buenos Aires": "America/Argentina/Buenos_Aires",
    "Wellington": "Pacific/Auckland",
}
ZONES: Final[dict[str, str]] = {
    city.replace("_", " "): f"{continent}/{city}"
    for continent, cities in _NAMED.items()
    for city in cities.split()
} | _OTHERS
"""City → zone."""
