import functools
import math
import re

import pint

from agent_serving import ToolError, tool

# A number in a unit is an exponent, or the 1 of 1/s. Anything else is arithmetic, which pint
# would carry out whatever its size.
ALLOWED_NUMBER = re.compile(r"(?:\*\*|\^)\s*-?\s*\d{1,2}(?![\d.]|\s*(?:\*\*|\^))|\b1\s*/(?!\s*\d)")
NUMBER = re.compile(r"(?<![A-Za-z_\d])\d")


@tool(effect="pure", timeout=10)
def convert_units(value: float, from_unit: str, to_unit: str) -> str:
    """Convert a value from one unit of measurement to another.

    Args:
        value: How much of from_unit.
        from_unit: For example mile, kg, km/h, m**2, cup, degC, degF, kelvin.
        to_unit: A unit of the same kind.
    """
    source, target = _unit(from_unit), _unit(to_unit)
    try:
        converted = _registry().Quantity(value, source).to(target)
    except pint.DimensionalityError as error:
        hint = " For temperatures write degC, degF or kelvin." if _is_letter(from_unit) else ""
        raise ToolError(f"{error}.{hint}") from None
    except pint.OffsetUnitCalculusError:
        raise ToolError("A temperature with an offset cannot be part of a product.") from None
    except ArithmeticError:
        raise ToolError("The result is too large.") from None
    if not math.isfinite(converted.magnitude):
        raise ToolError("The result is too large.")
    return f"{value:.15g} {source} = {converted.magnitude:.10g} {target}"


@functools.cache
def _registry() -> "pint.UnitRegistry[float]":
    return pint.UnitRegistry()


def _unit(text: str) -> pint.Unit:
    if not text.strip() or len(text) > 60 or NUMBER.search(ALLOWED_NUMBER.sub("", text)):
        raise ToolError(f"{text[:60]!r} is not a unit. Write for example km/h or m**2.")
    for spelling in (text.strip(), text.strip().lower()):
        try:
            return _registry().parse_units(spelling)
        except Exception:  # noqa: S112  # pint raises all kinds of errors for text it cannot read
            continue
    raise ToolError(f"{text!r} is not a known unit. Write its English name, for example mile.")


def _is_letter(unit: str) -> bool:
    return unit.strip().upper() in {"C", "F", "K"}
