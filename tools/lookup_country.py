from typing import Any

import pycountry

from agent_serving import ToolError, tool


@tool(effect="pure", timeout=10)
def lookup_country(query: str) -> dict[str, Any]:
    """Look up a country: names, ISO 3166 codes, flag and national currency.

    Args:
        query: Name, part of a name, or ISO code (DE, DEU, 276).
    """
    text = query.strip()
    if not text or len(text) > 100:
        raise ToolError("Give a country's name or ISO code, up to 100 characters.")
    country, *others = _countries(text)
    return {
        "name": getattr(country, "common_name", country.name),
        "official_name": getattr(country, "official_name", country.name),
        "alpha_2": country.alpha_2,
        "alpha_3": country.alpha_3,
        "numeric": country.numeric,
        "flag": country.flag,
        "currency": _currency(country),
        "also_matching": [other.name for other in others[:5]],
    }


def _countries(text: str) -> list[Any]:
    try:
        return [pycountry.countries.lookup(text)]
    except LookupError:
        pass
    try:
        return list(pycountry.countries.search_fuzzy(text))
    except LookupError:
        raise ToolError(f"No country matches {text!r}. Try its English name or code.") from None


def _currency(country: Any) -> dict[str, str] | None:
    """None for countries that share a currency. A national currency has the country's number, or
    a code that begins with the country's."""
    own = pycountry.currencies.get(numeric=country.numeric)
    if own is None:
        named = [c for c in pycountry.currencies if c.alpha_3.startswith(country.alpha_2)]
        own = named[0] if len(named) == 1 else None
    return {"code": own.alpha_3, "name": own.name} if own else None
