"""The weather, which is made up."""

from __future__ import annotations

import pytest

from agent_serving import ToolError
from agent_serving.domain.tool import ToolFunction


def test_the_weather_says_that_it_is_made_up(functions: dict[str, ToolFunction]) -> None:
    assert functions["weather"](city="Lima")["note"] == "stub data"


def test_a_city_has_the_same_weather_however_it_is_written(
    functions: dict[str, ToolFunction],
) -> None:
    weather = functions["weather"]
    first, second = weather(city="New York"), weather(city=" new  YORK ")
    assert first["city"] == "New York"
    assert {**first, "city": ""} == {**second, "city": ""}


def test_cities_differ(functions: dict[str, ToolFunction]) -> None:
    seen = {functions["weather"](city=f"City {number}")["temperature_c"] for number in range(100)}
    assert len(seen) > 20
    assert all(-10 <= degrees <= 35 for degrees in seen)


@pytest.mark.parametrize("city", ["", "   ", "x" * 101])
def test_what_is_no_citys_name_is_refused(functions: dict[str, ToolFunction], city: str) -> None:
    with pytest.raises(ToolError, match="city's name"):
        functions["weather"](city=city)
