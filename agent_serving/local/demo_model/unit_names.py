"""Units: how people write them, and how a call does."""

from __future__ import annotations

from typing import Final

# Kind → ways to write a unit. All of one kind convert into each other.
UNITS: Final[dict[str, tuple[str, ...]]] = {
    "length": ("miles", "km", "meters", "feet", "inches", "cm", "yards", "kilometers", "mm", "ft",
               "metres", "kilometres", "mile", "centimeters", "meter", "foot", "furlongs", "inch",
               "centimetres", "millimeters", "m", "yd", "yard", "kilometer", "nautical miles",
               "kms", "light years"),
    "mass": ("kg", "pounds", "grams", "ounces", "lb", "lbs", "oz", "tonnes", "stone", "kilograms",
             "g", "tons", "mg", "kilos", "pound", "ounce", "kilo", "gram", "kilogram", "carats",
             "milligrams", "metric tons", "grammes"),
    "volume": ("liters", "gallons", "cups", "ml", "pints", "quarts", "litres", "tablespoons",
               "teaspoons", "milliliters", "litre", "gallon", "cup", "pint", "tbsp", "tsp", "liter",
               "fluid ounces", "US gallons", "millilitres", "cubic meters", "quart", "fl oz"),
    "time": ("hours", "minutes", "seconds", "days", "weeks", "years", "months", "hour", "week",
             "day", "fortnights", "milliseconds", "minute", "year"),
    "speed": ("mph", "km/h", "m/s", "knots", "miles per hour", "kph", "kmh", "km per hour",
              "kilometers per hour", "meters per second"),
    "area": ("acres", "hectares", "m**2", "square meters", "square feet", "sq ft", "square miles",
             "square metres", "acre", "square km", "sqm"),
    "data": ("GB", "MB", "bytes", "bits", "TB", "megabytes", "gigabytes", "kilobytes", "terabytes"),
    "energy": ("joules", "kcal", "kJ", "calories", "kWh", "kilojoules", "kilocalories"),
    "power": ("watts", "horsepower", "kW", "kilowatts", "hp"),
    "pressure": ("bar", "psi", "pascal", "atm", "kPa", "millibar"),
    "angle": ("degrees", "radians"),
}  # fmt: skip
_OTHERWISE = {
    "nautical miles": "nautical_mile",
    "light years": "light_year",
    "kms": "km",
    "kilos": "kg",
    "kilo": "kg",
    "metric tons": "tonne",
    "grammes": "grams",
    "fluid ounces": "fluid_ounce",
    "fl oz": "fluid_ounce",
    "US gallons": "gallons",
    "cubic meters": "m**3",
    "miles per hour": "mph",
    "kph": "km/h",
    "kmh": "km/h",
    "km per hour": "km/h",
    "kilometers per hour": "km/h",
    "meters per second": "m/s",
    "square meters": "m**2",
    "square metres": "m**2",
    "sqm": "m**2",
    "square feet": "ft**2",
    "sq ft": "ft**2",
    "square miles": "mile**2",
    "square km": "km**2",
}
HEAT: Final = {
    "celsius": "degC",
    "Celsius": "degC",
    "degrees celsius": "degC",
    "degrees Celsius": "degC",
    "C": "degC",
    "°C": "degC",
    "centigrade": "degC",
    "fahrenheit": "degF",
    "Fahrenheit": "degF",
    "degrees fahrenheit": "degF",
    "degrees Fahrenheit": "degF",
    "degrees F": "degF",
    "F": "degF",
    "°F": "degF",
    "kelvin": "kelvin",
    "Kelvin": "kelvin",
}
_SIGNS = """km cm mm ft m kg lb lbs g oz mg ml C F °C °F mph km/h GB MB TB kJ kWh kW psi"""
CLOSE: Final = frozenset(_SIGNS.split())
"""What is written right behind a number now and then."""
NO_UNITS: Final = (
    "bananas",
    "wibbles",
    "zorks",
    "elephants",
    "blips",
    "spoons",
    "apples",
    "clouds",
    "florps",
    "shoes",
    "glorps",
    "tables",
)


def written(unit: str) -> str:
    """As a call writes what a person calls it: most units as they are."""
    return HEAT.get(unit) or _OTHERWISE.get(unit, unit)
