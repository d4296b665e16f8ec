import contextlib
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.domain.errors import ToolError
from agent_serving.domain.tool import ToolContext, ToolFunction
from agent_serving.domain.tool_schema import spec_of

Functions = dict[str, ToolFunction]
ContextWith = Callable[[Mapping[str, str]], ToolContext]


def test_every_shipped_tool_says_what_it_is_and_what_running_it_twice_does(
    functions: Functions,
) -> None:
    specs = {name: spec_of(function) for name, function in functions.items()}
    assert {name: spec.effect for name, spec in specs.items()} == {
        "calculator": "pure",
        "convert_units": "pure",
        "current_time": "pure",
        "fetch_url": "idempotent",
        "lookup_country": "pure",
        "recall": "pure",
        "remember": "idempotent",
        "weather": "pure",
    }
    for spec in specs.values():
        assert 10 < len(spec.description) < 200
        assert all(value.get("description") for value in spec.parameters["properties"].values())


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (5, "mile", "km", "5 mile = 8.04672 kilometer"),
        (20, "degC", "degF", "20 degree_Celsius = 68 degree_Fahrenheit"),
        (20, "Celsius", "Kelvin", "20 degree_Celsius = 293.15 kelvin"),
        (100, "km/h", "mph", "100 kilometer / hour = 62.13711922 mile_per_hour"),
        (1, "m^2", "cm**2", "1 meter ** 2 = 10000 centimeter ** 2"),
        (2, "1/s", "Hz", "2 1 / second = 2 hertz"),
        (3, "Kilometers", "m", "3 kilometer = 3000 meter"),
    ],
)
def test_a_value_is_converted(
    functions: Functions, value: float, source: str, target: str, result: str
) -> None:
    assert functions["convert_units"](value, source, target) == result


@pytest.mark.parametrize(
    ("source", "target", "complaint"),
    [
        ("kg", "m", "Cannot convert from 'kilogram'"),
        ("C", "F", "write degC, degF or kelvin"),
        ("florb", "m", "'florb' is not a known unit"),
        ("", "m", "is not a unit"),
        ("2 m", "m", "is not a unit"),
        ("9**9**9", "m", "is not a unit"),
        ("m**(9**9**9)", "m", "is not a unit"),
        ("m**9**9**9", "m", "is not a unit"),
        ("1**99999999999", "m", "is not a unit"),
        ("m" * 100, "m", "is not a unit"),
        ("km**99", "nm**99", "too large"),
    ],
)
def test_what_cannot_be_converted_is_a_tool_error(
    functions: Functions, source: str, target: str, complaint: str
) -> None:
    with pytest.raises(ToolError) as caught:
        functions["convert_units"](1e300, source, target)
    assert complaint in caught.value.message


UNITS = st.text(st.sampled_from("mskg*/^()-+ 019.eE°²_[]{}"), min_size=1, max_size=14)


@given(unit=UNITS)
def test_any_unit_ends_soon_with_text_or_a_tool_error(functions: Functions, unit: str) -> None:
    functions["convert_units"](1, "m", "m")  # reads the definitions, once
    began = time.process_time()
    with contextlib.suppress(ToolError):
        assert "=" in functions["convert_units"](1.5, unit, unit)
    assert time.process_time() - began < 1


def test_the_time_is_now_in_utc_by_default(functions: Functions) -> None:
    result = functions["current_time"]()
    told = datetime.fromisoformat(result["time"])
    assert abs(datetime.now(UTC) - told) < timedelta(seconds=5)
    assert told.utcoffset() == timedelta(0)
    assert result["timezone"] == "UTC"
    assert result["weekday"] == told.strftime("%A")


@pytest.mark.parametrize("name", ["Asia/Kolkata", "asia/kolkata", " Asia/Kolkata "])
def test_a_time_zone_shifts_the_time(functions: Functions, name: str) -> None:
    result = functions["current_time"](name)
    assert result["timezone"] == "Asia/Kolkata"
    assert result["time"].endswith("+05:30")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Berlin", r"Did you mean Europe/Berlin\?"),
        ("New York", r"Did you mean America/New_York\?"),
        ("Europe", "not an IANA time zone"),
        ("../../etc/passwd", "not an IANA time zone"),
        ("", "not an IANA time zone"),
        ("\x00", "not an IANA time zone"),
    ],
)
def test_an_unknown_time_zone_is_a_tool_error(functions: Functions, name: str, hint: str) -> None:
    with pytest.raises(ToolError, match=hint):
        functions["current_time"](name)


@pytest.mark.parametrize("query", ["Japan", "japan", "JP", "jpn", "392", " Japan "])
def test_a_country_is_found_by_name_and_codes(functions: Functions, query: str) -> None:
    assert functions["lookup_country"](query) == {
        "name": "Japan",
        "official_name": "Japan",
        "alpha_2": "JP",
        "alpha_3": "JPN",
        "numeric": "392",
        "flag": "🇯🇵",
        "currency": {"code": "JPY", "name": "Yen"},
        "also_matching": [],
    }


@pytest.mark.parametrize(
    ("query", "code", "currency"),
    [("Britain", "GB", "GBP"), ("Poland", "PL", "PLN"), ("DE", "DE", None), ("CH", "CH", "CHF")],
)
def test_a_currency_is_told_where_the_country_has_its_own(
    functions: Functions, query: str, code: str, currency: str | None
) -> None:
    result: dict[str, Any] = functions["lookup_country"](query)
    assert result["alpha_2"] == code
    assert (result["currency"] or {}).get("code") == currency


def test_other_countries_that_match_are_named(functions: Functions) -> None:
    assert functions["lookup_country"]("Korea")["also_matching"] == ["Korea, Republic of"]


@pytest.mark.parametrize("query", ["", "Atlantis", "x" * 200, "\x00", "((("])
def test_an_unknown_country_is_a_tool_error(functions: Functions, query: str) -> None:
    with pytest.raises(ToolError, match=r"No country matches|Give a country"):
        functions["lookup_country"](query)


async def test_what_is_remembered_is_recalled_in_the_same_session_only(
    functions: Functions, context_with: ContextWith
) -> None:
    here, elsewhere = context_with({}), context_with({})
    assert await functions["remember"]("colour", "blue", here) == "Remembered colour."
    await functions["remember"]("colour", "green", here)
    assert await functions["recall"]("colour", here) == "green"
    with pytest.raises(ToolError, match="nothing was remembered so far"):
        await functions["recall"]("colour", elsewhere)


async def test_recalling_an_unknown_key_lists_the_known_ones(
    functions: Functions, context_with: ContextWith
) -> None:
    context = context_with({})
    for key in ("b", "a"):
        await functions["remember"](key, "x", context)
    with pytest.raises(ToolError, match=re.escape("under 'c'. Known keys: a, b.")):
        await functions["recall"]("c", context)
